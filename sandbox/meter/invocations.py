"""What an invocation is billed: the request, its run time, what it logs. Init is billed like run time, and is in it."""

from typing import Final

from sandbox.functions import Finished
from sandbox.meter.meter import Meter, Place
from sandbox.meter.units import INVOCATIONS, LOG_BYTES, PLATFORM_LOG_BYTES, compute_unit, gb_seconds

_RAN: Final = 200
_PLATFORM: Final = ("START RequestId: ", "END RequestId: ", "REPORT RequestId: ")
"""How Lambda's own lines begin."""


def meter_invocation(meter: Meter, finished: Finished) -> None:
    """Count an invocation that ran, well or not; one that was throttled or refused is free."""
    if finished.invocation.status != _RAN:
        return
    place = _place_of(finished)
    cause = "call" if finished.iterator_age_ms is None else "stream"
    meter.count(INVOCATIONS, place, cause)
    amount = gb_seconds(finished.machine.memory_mb, finished.duration_ms)
    meter.count(compute_unit(finished.machine.architecture), place, cause, amount)


def meter_log(meter: Meter, finished: Finished, log: str) -> None:
    """Count the bytes of an invocation's whole log, and what Lambda writes around them."""
    lines = [line for line in log.splitlines() if not line.startswith(_PLATFORM)]
    meter.count(LOG_BYTES, _place_of(finished), "log", sum(len(line.encode()) for line in lines))
    meter.count(LOG_BYTES, _place_of(finished), "platform", PLATFORM_LOG_BYTES)


def _place_of(finished: Finished) -> Place:
    function = finished.function
    return Place(function.account, function.region, function.name)
