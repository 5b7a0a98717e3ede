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

    async def has_room(self, function: FunctionReference) -> bool:
        """Whether one more invocation would run now."""
        plain = function.function
        return self._reason(plain, await self._facts.reserved(plain), await self._pool(plain)) is None

    async def enter(self, function: FunctionReference) -> "Slot | str":
        """Take a slot for one invocation, or say why there is none, in the words of the error's ``Reason``."""
        plain = function.function
        reserved, pool = await self._facts.reserved(plain), await self._pool(plain)
        # Nothing is awaited from here on: two that came at once must not both take the last place.
        reason = self._reason(plain, reserved, pool)
        return Slot(self, plain, pooled=reserved is None) if reason is None else reason

    async def _pool(self, place: FunctionReference) -> int:
        """How many may run at once that have reserved nothing."""
        # So many are unreserved in any case: only beyond that all reservations must be read and added up.
        if self._pools[place.account, place.region] < self.left_unreserved:
            return self.left_unreserved
        return max(self.left_unreserved, self.limit - await self._facts.reserved_in(place))

    def _reason(self, function: FunctionReference, reserved: int | None, pool: int) -> str | None:
        if reserved is not None:
            return None if self._running[function] < reserved else RESERVED
        return None if self._pools[function.account, function.region] < pool else ACCOUNT

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
