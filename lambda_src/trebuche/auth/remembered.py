"""What is fetched from elsewhere and remembered: for a while, and for longer while the other side does not answer."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from trebuche.errors import ServiceError
from trebuche.ports import Clock

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long something counts.

    Attributes:
        fresh_ms: Until it is asked for anew.
        pause_ms: Between two questions, whoever asks: strangers with made-up keys must not become its load.
        stale_ms: How long it counts beyond its time while no answer comes.
    """

    fresh_ms: int
    pause_ms: int
    stale_ms: int


SECRET_PATIENCE: Final = Patience(fresh_ms=60_000, pause_ms=1_000, stale_ms=600_000)
"""Of the stack's secret: a removed key counts for a minute, a new one after a second at the latest."""


class Remembered(Generic[T]):
    """A value that is fetched when it is needed.

    Args:
        fetch: Gives the value, or raises ``ServiceError``.
        clock: Says how old it is.
        patience: How long it counts.
    """

    def __init__(self, fetch: Callable[[], T], clock: Clock, patience: Patience) -> None:
        self._fetch = fetch
        self._clock = clock
        self._patience = patience
        self._value: T | None = None
        self._asked_ms: int | None = None
        self._fetched_ms = 0
        self._answered = False

    def get(self) -> T:
        """The value, fetched anew if it is old.

        Raises:
            ServiceError: There is none, or only one that is too old.
        """
        now_ms = self._clock.now_ms()
        if self._value is None or now_ms >= self._fetched_ms + self._patience.fresh_ms:
            self._ask(now_ms)
        if self._value is None:
            raise ServiceError("asked a moment ago, and no answer came")
        return self._value

    def again(self) -> T:
        """The value, fetched anew unless that was done a moment ago: somebody missed something in it.

        Raises:
            ServiceError: No answer came, so nobody knows whether what was missed is there now.
        """
        self._ask(self._clock.now_ms())
        if not self._answered:
            raise ServiceError("something is not in what was fetched before, and no answer came since")
        return self.get()

    def _ask(self, now_ms: int) -> None:
        if self._asked_ms is not None and now_ms < self._asked_ms + self._patience.pause_ms:
            self._forget_stale(now_ms)
            return
        self._asked_ms, self._answered = now_ms, False
        try:
            self._value = self._fetch()
        except ServiceError:
            self._forget_stale(now_ms)
            if self._value is None:
                raise
        else:
            self._fetched_ms, self._answered = now_ms, True

    def _forget_stale(self, now_ms: int) -> None:
        if now_ms >= self._fetched_ms + self._patience.fresh_ms + self._patience.stale_ms:
            self._value = None
