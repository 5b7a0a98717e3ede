"""Disturbances that hit an invocation between two of its effects, or one of the effects."""

from dataclasses import dataclass, replace
from typing import Any, Final

from trebuche.effects import Effect, Post

_WRITES: Final = frozenset(
    (
        *("CommitTurn", "Defer", "Detach", "FlipLive", "ForgetStream", "GoOpening", "MarkAudience", "MarkEnded"),
        *("NoteStream", "OpenSubscription", "RaisePending", "RegisterConnection", "RemoveSubscription"),
        *("UnregisterConnection", "Invoke"),
    )
)
_NEVER_REFUSED: Final = frozenset(("Post", "ResolveActor", "ForgetActor"))

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
OUTAGE: Final = "outage"
"""Services refuse what is asked for in some of the next steps."""
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
    *(REFUSED, OUTAGE, LOST_ANSWER, POST_LOST, POST_UNSURE, POST_THROTTLED),
)

OUTAGE_STEPS: Final = 60
OUTAGE_SHARE: Final = 3
"""One step in so many."""
STREAM_START: Final = '{"type":"streamStart"'


@dataclass(frozen=True, slots=True)
class Fault:
    """A disturbance of the first fitting effect from a step on, or of one that it is aimed at.

    Attributes:
        kind: One of ``KINDS``.
        step: Of the schedule.
        amount: Milliseconds, where the kind has any.
        function: Whose effect it is aimed at; empty for a fault that is not aimed.
        effect: Name of the effect that it is aimed at.
        occurrence: Which of them, counted over all invocations of the function.
        times: How many of them, one after the other.
    """

    kind: str
    step: int
    amount: int = 0
    function: str = ""
    effect: str = ""
    occurrence: int = 0
    times: int = 1


class Faults:
    """Those of a schedule that have not happened yet.

    Args:
        planned: All of them.

    Attributes:
        waiting: Whether there are any.
    """

    def __init__(self, planned: tuple[Fault, ...]) -> None:
        self._aimed: dict[tuple[str, str], list[Fault]] = {}
        for fault in planned:
            if fault.function:
                self._aimed.setdefault((fault.function, fault.effect), []).append(fault)
        self._counted = dict.fromkeys(self._aimed, 0)
        self._outages = [fault for fault in planned if fault.kind == OUTAGE]
        others = (fault for fault in planned if not fault.function and fault.kind != OUTAGE)
        self._waiting = sorted(others, key=lambda fault: fault.step)
        self.waiting = bool(planned)

    def take(self, function: str, effect: Effect[Any], step: int) -> Fault | None:
        """The fault that hits an effect of a function; it is over then, unless it comes several times."""
        place = function, type(effect).__name__
        if place in self._counted:
            number = self._counted[place] = self._counted[place] + 1
            for fault in self._aimed[place]:
                if fault.occurrence <= number < fault.occurrence + fault.times:
                    return fault
        for fault in self._outages:
            if 0 <= step - fault.step < OUTAGE_STEPS and step % OUTAGE_SHARE == 0 and fits(REFUSED, place[1]):
                return replace(fault, kind=REFUSED)
        return self._next(effect, step)

    def _next(self, effect: Effect[Any], step: int) -> Fault | None:
        for position, fault in enumerate(self._waiting):
            if fault.step > step:
                return None
            if _fits(fault.kind, effect):
                del self._waiting[position]
                self.waiting = bool(self._waiting or self._aimed or self._outages)
                return fault
        return None

    def stop(self) -> None:
        """Disturb no more."""
        self._waiting.clear()
        self._counted.clear()
        self._outages.clear()
        self.waiting = False


def fits(kind: str, effect: str) -> bool:
    """Whether a kind of fault can hit effects of a name."""
    match kind:
        case "crash" | "crash-after" | "stall":
            return True
        case "crash-begun":
            return effect == "Post"
        case "refused" | "outage":
            return effect not in _NEVER_REFUSED
        case "lost-answer":
            return effect in _WRITES
        case _:
            return effect == "Post"


def _fits(kind: str, effect: Effect[Any]) -> bool:
    begun = kind != CRASH_BEGUN or (isinstance(effect, Post) and effect.text.startswith(STREAM_START))
    return begun and fits(kind, type(effect).__name__)
