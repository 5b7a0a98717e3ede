"""What was measured, and whether it is fast enough. Pure."""

import json
from dataclasses import asdict, dataclass
from typing import Final

HELD_AT: Final = 100
LIMIT: Final = 5.0
"""Times as fast, with so many subscribers."""


@dataclass(frozen=True)
class Figures:
    """Medians of seconds from a call to its last subscriber, by the number of subscribers."""

    ours: dict[int, float]
    rival: dict[int, float]

    @property
    def ratios(self) -> dict[int, float]:
        """How many times as fast ours are."""
        return {count: self.rival[count] / seconds for count, seconds in self.ours.items()}

    @property
    def good(self) -> bool:
        """Whether that is enough where it is held."""
        return self.ratios.get(HELD_AT, LIMIT) >= LIMIT

    def to_json(self) -> str:
        """All of it, with the ratios."""
        return json.dumps({**asdict(self), "ratios": self.ratios, "good": self.good})
