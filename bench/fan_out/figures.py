"""What was measured, and whether it is good enough. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final

OURS: Final = "the fan-out"
THREADED: Final = "boto3, 32 threads"
PUBLIC: Final = "aiobotocore"
LIMIT: Final = 8.0
"""Times as many posts per second of processor time as boto3 with 32 threads."""


@dataclass(frozen=True)
class Round:
    """What one sender did.

    Attributes:
        posts: That were let through.
        cpu_ms: Processor time of each, in milliseconds.
        wall_seconds: Of all.
        refused: Answers of the server by status.
        wrong: Connections that got too much, too little or out of order.
    """

    posts: int
    cpu_ms: float
    wall_seconds: float
    refused: dict[str, int]
    wrong: list[str]


@dataclass(frozen=True)
class Figures:
    """The rounds of each sender; ``missing`` says why the public rival has none."""

    rounds: Mapping[str, Sequence[Round]]
    missing: str = ""

    @property
    def cpu_ms(self) -> dict[str, float]:
        """Processor time per post of each sender in its best round, in milliseconds: others on the machine only add."""
        return {name: min(one.cpu_ms for one in rounds) for name, rounds in self.rounds.items()}

    @property
    def ratios(self) -> dict[str, float]:
        """How many times as many posts of ours a second of processor time carries as of each rival's."""
        taken = self.cpu_ms
        return {name: taken[name] / taken[OURS] for name in taken if name != OURS}

    @property
    def wrong(self) -> int:
        """Connections that did not get all of it once and in order, whoever sent."""
        return sum(len(one.wrong) for rounds in self.rounds.values() for one in rounds)

    @property
    def good(self) -> bool:
        """Whether that is enough, and every connection got all of it once and in order."""
        return self.ratios[THREADED] >= LIMIT and not self.wrong

    def to_json(self) -> str:
        """All of it, with the ratios."""
        told = {"cpu_ms": self.cpu_ms, "ratios": self.ratios, "wrong": self.wrong, "good": self.good}
        return json.dumps({**asdict(self), **told})
