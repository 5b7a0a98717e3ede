"""How many functions of an account run at once: reserved concurrency, and the pool of all others."""

import json
from collections import Counter
from typing import Final

from sandbox.functions.facts import FunctionFacts
from sandbox.functions.reference import FunctionReference

RESERVED: Final = "ReservedFunctionConcurrentInvocationLimitExceeded"
ACCOUNT: Final = "ConcurrentInvocationLimitExceeded"
LEFT_UNRESERVED: Final = 100
"""So many of an account's concurrent executions no function can reserve; fewer if the account has no more."""


class Concurrency:
    """Counts what runs, and says what may.

    Args:
        facts: What each function has reserved.
        limit: Concurrent executions of each account in each Region.
    """

    def __init__(self, facts: FunctionFacts, limit: int) -> None:
        self._facts = facts
        self.limit = limit
        self._running: Counter[FunctionReference] = Counter()
        self._pools: Counter[tuple[str, str]] = Counter()

    @property
    def left_unreserved(self) -> int:
        """What cannot be reserved."""
        return min(LEFT_UNRESERVED, self.limit)

    async def reason(self, function: FunctionReference) -> str | None:
        """Why one more invocation is throttled, in the words of the error's ``Reason``; None: it is not."""
        plain = function.function
        reserved = await self._facts.reserved(plain)
        if reserved is not None:
            return None if self._running[plain] < reserved else RESERVED
        running = self._pools[plain.account, plain.region]
        if running < self.left_unreserved or running < self.limit - await self._facts.reserved_in(plain):
            return None
        return ACCOUNT

    async def enter(self, function: FunctionReference) -> "Slot | str":
        """Take a slot for one invocation, or say why there is none."""
        reason = await self.reason(function)
        if reason is not None:
            return reason
        plain = function.function
        pool = None if await self._facts.reserved(plain) is not None else (plain.account, plain.region)
        self._running[plain] += 1
        if pool is not None:
            self._pools[pool] += 1
        return Slot(self._running, self._pools, plain, pool)


class Slot:
    """An invocation that runs; it belongs to the function's reservation, or to the account's pool."""

    def __init__(
        self,
        running: Counter[FunctionReference],
        pools: Counter[tuple[str, str]],
        function: FunctionReference,
        pool: tuple[str, str] | None,
    ) -> None:
        self._running = running
        self._pools = pools
        self._function = function
        self._pool = pool
        self.concurrent = running[function]

    def leave(self) -> None:
        """Give it back, when the invocation is over."""
        self._running[self._function] -= 1
        if self._pool is not None:
            self._pools[self._pool] -= 1


def throttled(reason: str) -> bytes:
    """The document of a TooManyRequestsException."""
    return json.dumps({"Reason": reason, "Type": "User", "message": "Rate Exceeded."}).encode()
