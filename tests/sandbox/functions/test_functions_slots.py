"""Who gets the last place of a function's concurrency."""

import asyncio
from typing import cast

from sandbox.functions.concurrency import ACCOUNT, RESERVED, Concurrency, Slot
from sandbox.functions.facts import FunctionFacts
from sandbox.functions.reference import FunctionReference

FUNCTION = FunctionReference("000000000000", "us-east-1", "busy")


class SlowFacts:
    """What functions have reserved, known only after the event loop has turned."""

    def __init__(self, reserved: int | None) -> None:
        self._reserved = reserved

    async def reserved(self, _: FunctionReference) -> int | None:
        """Of one function."""
        await asyncio.sleep(0)
        return self._reserved

    async def reserved_in(self, _: FunctionReference) -> int:
        """Of all."""
        await asyncio.sleep(0)
        return 0


def entered(reserved: int | None, limit: int) -> list[Slot | str]:
    """What two invocations get that come at once, before anything is known of their function."""

    async def both() -> list[Slot | str]:
        concurrency = Concurrency(cast("FunctionFacts", SlowFacts(reserved)), limit)
        return list(await asyncio.gather(*(concurrency.enter(FUNCTION) for _ in range(2))))

    return asyncio.run(both())


def test_two_at_once_do_not_share_the_last_place() -> None:
    """Neither of a reservation, nor of the account's executions."""
    for reserved, limit, reason in ((1, 1000, RESERVED), (None, 1, ACCOUNT)):
        first, second = entered(reserved, limit)
        assert isinstance(first, Slot)
        assert second == reason
