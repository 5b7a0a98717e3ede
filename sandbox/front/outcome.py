"""What an event came to at its integration."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

INTERNAL: Final = "Internal server error"
TIMED_OUT: Final = "Endpoint request timed out"
_STATUSES: Final = range(200, 600)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an event came to.

    ``problem`` is set when the API must speak in the integration's place, ``refusal`` when it was not even asked.
    ``headers`` have names in lower case. ``integration_status`` is the integration's own, ``latency_ms`` how long it
    took.
    """

    status: int
    body: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    problem: str | None = None
    refusal: str | None = None
    integration_status: int | None = None
    latency_ms: int | None = None

    @property
    def ok(self) -> bool:
        """Whether the status is a success."""
        return self.problem is None and 200 <= self.status < 300


# A refused `$connect` shows its client these statuses; a message's client reads the problem's text.
BROKEN: Final = Outcome(502, problem=INTERNAL)
FORBIDDEN: Final = Outcome(500, problem=INTERNAL)
"""The function may not be invoked by this route, or not in the integration's role."""
LATE: Final = Outcome(504, problem=TIMED_OUT)


def read_status(value: object) -> int | None:
    """A ``statusCode`` that can be answered: a final HTTP status. JSON's true is an int in Python, and is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value in _STATUSES else None
