"""The queue of late subscribers as SQS would be on a bad day: late, twice, in any order, again after a failure."""

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from trebuche.reminders import write_reminder
from trebuche.stored import Reminder
from trebuche_testing.engine import Engine

VISIBILITY_MS: Final = 180_000
"""After that a message whose worker failed or died comes again."""
DUPLICATES: Final = 0.1
LONGEST_LAG_MS: Final = 300

Work: TypeAlias = Callable[[str, Callable[[Any, Exception | None], None]], None]
"""Starts a worker on a message's body; the second argument gets the messages that have to come again, or an error."""


class CatchUpQueue:
    """Nothing is lost, and no order is kept.

    Args:
        engine: When messages come, and chance.
        work: Starts a worker.
    """

    def __init__(self, engine: Engine, work: Work) -> None:
        self._engine = engine
        self._work = work

    def send(self, reminder: Reminder, *, delay_seconds: int) -> None:
        """Let a message come after a delay, perhaps twice."""
        body = write_reminder(reminder)
        for _ in range(1 + (self._engine.random.random() < DUPLICATES)):
            lag_ms = int(self._engine.random.random() * LONGEST_LAG_MS)
            self._engine.later(delay_seconds * 1000 + lag_ms, lambda: self._deliver(body))

    def _deliver(self, body: str) -> None:
        def finished(failed: Any, error: Exception | None) -> None:
            if failed or error is not None:
                self._engine.later(VISIBILITY_MS, lambda: self._deliver(body))

        self._work(body, finished)
