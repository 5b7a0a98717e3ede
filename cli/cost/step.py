"""A step of a connection's life, in the units that it is billed in. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cli.cost import measured
from cli.cost.prices import ARM
from sandbox.meter.units import INVOCATIONS, LOG_BYTES, PLATFORM_LOG_BYTES, gb_seconds

Count = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Step:
    """One kind of event: how often it happens in the traffic, and what each takes."""

    cause: str
    times: float
    units: dict[str, float]

    def counts(self) -> Iterator[Count]:
        """In the meter's form."""
        for unit, amount in self.units.items():
            if amount:
                yield {"unit": unit, "cause": self.cause, "amount": amount * self.times}


def run(memory_mb: int, milliseconds: float) -> dict[str, float]:
    """Of an invocation."""
    return {
        INVOCATIONS: 1,
        ARM: gb_seconds(memory_mb, milliseconds),
        LOG_BYTES: PLATFORM_LOG_BYTES + measured.LOG_BYTES_PER_INVOCATION,
    }
