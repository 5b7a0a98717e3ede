"""What reminds of subscriptions whose catch-up ended before its time: a delayed message, and a worker that reads it."""

from typing import Any, Final, Protocol

from trebuche.actor_types import ActorType
from trebuche.adapters.memory import InMemorySubscriptionStorage
from trebuche.effects import Effect, MarkEnded, RaisePending
from trebuche.observe import rescue
from trebuche.stored import Phase, Subscription
from trebuche_testing.engine import Engine
from trebuche_testing.invocations import Finish

DELAY_MS: Final = 35_000
"""Longer than any catch-up may take."""


class Workshop(Protocol):
    """What the worker needs."""

    engine: Engine
    subscriptions: InMemorySubscriptionStorage

    def type_of(self, actor_id: str) -> ActorType:
        """The type of an actor."""

    def start(self, name: str, routine: Any, finish: Finish) -> None:
        """Start an invocation."""


class Rescuer:
    """Looks, some time after a row was told of a change, whether its catch-up has dealt with it.

    Args:
        workshop: Where the worker runs.
    """

    def __init__(self, workshop: Workshop) -> None:
        self._workshop = workshop

    def notice(self, effect: Effect[Any], result: Any) -> None:
        """Send the message when a row was found opening."""
        if type(effect) not in (RaisePending, MarkEnded) or result is None or result.phase is Phase.LIVE:
            return
        self._workshop.engine.later(DELAY_MS, lambda: self._look(result))

    def _look(self, row: Subscription) -> None:
        found = self._workshop.subscriptions.attached.get((row.actor_id, row.stream_id))
        if found is None or found.opener != row.opener or found.phase is Phase.LIVE:
            return
        routine = rescue(self._workshop.type_of(row.actor_id), found)
        self._workshop.start("worker", routine, lambda _result, error: self._done(row, error))

    def _done(self, row: Subscription, error: Exception | None) -> None:
        """A message comes again when the worker failed; the row may be the failed worker's own by now."""
        if error is None:
            return
        found = self._workshop.subscriptions.attached.get((row.actor_id, row.stream_id))
        if found is not None:
            self._workshop.engine.later(DELAY_MS, lambda: self._look(found))
