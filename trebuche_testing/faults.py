"""Disturbances that hit an invocation between two of its effects, or one of the effects."""

from dataclasses import dataclass
from typing import Any, Final

from trebuche.effects import (
    CommitTurn,
    Defer,
    Detach,
    Effect,
    FlipLive,
    ForgetActor,
    ForgetStream,
    GoOpening,
    Invoke,
    MarkEnded,
    NoteStream,
    OpenSubscription,
    Post,
    RaisePending,
    RegisterConnection,
    RemoveSubscription,
    ResolveActor,
    UnregisterConnection,
)

_WRITES: Final = (
    CommitTurn,
    Defer,
    Detach,
    FlipLive,
    ForgetStream,
    GoOpening,
    MarkEnded,
    NoteStream,
    OpenSubscription,
    RaisePending,
    RegisterConnection,
    RemoveSubscription,
    UnregisterConnection,
)

CRASH: Final = "crash"
"""The invocation ends before the effect; what it did so far stays."""
CRASH_AFTER: Final = "crash-after"
"""The invocation ends after the effect, before it learns of the result."""
CRASH_BEGUN: Final = "crash-begun"
"""The invocation ends after it has told a client that its stream begins, before anything of it."""
STALL: Final = "stall"
"""The effect happens ``amount`` milliseconds later."""
REFUSED: Final = "refused"
"""A service refuses (throttled, unavailable); nothing was done."""
LOST_ANSWER: Final = "lost-answer"
"""A write or an invocation is done, and reported as failed."""
POST_LOST: Final = "post-lost"
"""A post fails, and nothing arrived."""
POST_UNSURE: Final = "post-unsure"
"""A post times out, and the frame arrived."""
POST_THROTTLED: Final = "post-throttled"
"""A post is refused with 429."""
KINDS: Final = (
    *(CRASH, CRASH, CRASH_AFTER, CRASH_BEGUN, STALL),
    *(REFUSED, LOST_ANSWER, POST_LOST, POST_UNSURE, POST_THROTTLED),
)

_STREAM_START: Final = '{"type":"streamStart"'


@dataclass(frozen=True, slots=True)
class Fault:
    """A disturbance of the first fitting effect from a step on.

    Attributes:
        kind: One of ``KINDS``.
        step: Of the schedule.
        amount: Milliseconds, where the kind has any.
    """

    kind: str
    step: int
    amount: int = 0


class Faults:
    """Those of a schedule that have not happened yet.

    Args:
        planned: All of them.
    """

    def __init__(self, planned: tuple[Fault, ...]) -> None:
        self._waiting = sorted(planned, key=lambda fault: fault.step)
        self.due = self._first()

    def take(self, effect: Effect[Any], step: int) -> Fault | None:
        """The fault that hits an effect, which is then over."""
        for position, fault in enumerate(self._waiting):
            if fault.step > step:
                return None
            if _fits(fault.kind, effect):
                del self._waiting[position]
                self.due = self._first()
                return fault
        return None

    def stop(self) -> None:
        """Disturb no more."""
        self._waiting.clear()
        self.due = self._first()

    def _first(self) -> float:
        return self._waiting[0].step if self._waiting else float("inf")


def _fits(kind: str, effect: Effect[Any]) -> bool:
    match kind:
        case "crash" | "crash-after" | "stall":
            return True
        case "crash-begun":
            return isinstance(effect, Post) and effect.text.startswith(_STREAM_START)
        case "refused":
            return not isinstance(effect, Post | ResolveActor | ForgetActor)
        case "lost-answer":
            return isinstance(effect, (*_WRITES, Invoke))
        case _:
            return isinstance(effect, Post)
