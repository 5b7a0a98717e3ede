"""When to try again: doubling ceilings, a cap, and the whole of each delay left to chance."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_CONNECTS_PER_SECOND: Final = 270
"""First attempts a second. API Gateway takes 500 connections by default (its quota page), and while it lets nobody in,
second and third attempts fall among the first ones: more than half as many again."""
_RISE: Final = 4
"""How far a fleet's ceiling rises at least: so far that those who are kept out leave room for each other."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """Delays between attempts. Chance comes after the cap, so that clients cut together do not come back together.

    Args:
        first_seconds: Ceiling of the first delay; a delay is anything between nothing and its ceiling.
        longest_seconds: Ceiling that doubling ends at.
    """

    first_seconds: float = 2.5
    longest_seconds: float = 30.0

    @classmethod
    def for_fleet(cls, clients: int, *, longest_seconds: float = 30.0) -> "Backoff":
        """Delays by which so many clients, cut at one moment, come back under the gateway's rate of connections.

        Also while the endpoint is away and all of them try again and again. The default fits a fleet of 600. Being
        spread costs the single client time: half the ceiling on average.
        """
        first = clients / _CONNECTS_PER_SECOND
        return cls(first, max(_RISE * first, longest_seconds))

    def delays(self, chance: random.Random) -> Iterator[float]:
        """Seconds to wait before each attempt in turn, for ever."""
        ceiling = self.first_seconds
        while True:
            yield chance.uniform(0, ceiling)
            ceiling = min(2 * ceiling, self.longest_seconds)
