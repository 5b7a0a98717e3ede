"""How many functions of an account run at once: reserved concurrency, and the pool of all others."""

import json
from collections import Counter
from dataclasses import dataclass
from typing import Final

from sandbox.functions.facts import FunctionFacts
from sandbox.functions.reference import FunctionReference

RESERVED: Final = "ReservedFunctionConcurrentInvocationLimitExceeded"
ACCOUNT: Final = "ConcurrentInvocationLimitExceeded"
LEFT_UNRESERVED: Final = 100
"""So many of an account's concurrent executions no function can reserve; fewer if the account has no more."""


@dataclass(frozen=True, slots=True)
class InFlight:
    """What ran when an invocation began, itself counted.

    Args:
        function: Of the same function.
        account: Of all functions of the account and Region.
        unreserved: Of those that have reserved nothing; None if this one has.
    """

    function: int = 0
    account: int = 0
    unreserved: int | None = None


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
        self._places: Counter[tuple[str, str]] = Counter()
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
        # So many are unreserved in any case: only beyond that all reservations must be read and added up.
        if running < self.left_unreserved or running < self.limit - await self._facts.reserved_in(plain):
            return None
        return ACCOUNT

    async def enter(self, function: FunctionReference) -> "Slot | str":
        """Take a slot for one invocation, or say why there is none."""
        reason = await self.reason(function)
        if reason is not None:
            return reason
        plain = function.function
        return Slot(self, plain, pooled=await self._facts.reserved(plain) is None)

    def count(self, function: FunctionReference, change: int, *, pooled: bool) -> InFlight:
        """One invocation more or less of a function, which belongs to the account's pool or has reserved its own."""
        place = (function.account, function.region)
        self._running[function] += change
        self._places[place] += change
        if pooled:
            self._pools[place] += change
        return InFlight(self._running[function], self._places[place], self._pools[place] if pooled else None)


class Slot:
    """An invocation that runs; it belongs to the function's reservation, or to the account's pool."""

    def __init__(self, concurrency: Concurrency, function: FunctionReference, *, pooled: bool) -> None:
        self._concurrency = concurrency
        self._function = function
        # Kept, because the function may reserve, or give back, while this invocation runs.
        self._pooled = pooled
        self.in_flight = concurrency.count(function, 1, pooled=pooled)

    def leave(self) -> None:
        """Give it back, when the invocation is over."""
        self._concurrency.count(self._function, -1, pooled=self._pooled)


def throttled(reason: str) -> bytes:
    """The document of a TooManyRequestsException."""
    return json.dumps({"Reason": reason, "Type": "User", "message": "Rate Exceeded."}).encode()
