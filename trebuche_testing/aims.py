"""Where faults strike: at any step, or at an effect of a function, however rarely it comes to that."""

from collections.abc import Mapping, Sequence
from random import Random
from typing import Final

from trebuche_testing import faults
from trebuche_testing import plan as plans
from trebuche_testing.faults import Fault

EFFECTS: Final[Mapping[str, tuple[str, ...]]] = {
    "actor": (
        *("CommitTurn", "Defer", "Detach", "FindDetached", "FlipLive", "ForgetStream", "GoOpening", "HighestVersion"),
        *("LoadCall", "LoadConnection", "LoadState", "LoadSubscription", "MarkAudience", "NoteStream"),
        *("OpenSubscription", "Post", "ReadJournal", "RemoveSubscription"),
    ),
    "fan-out": (
        *(
            "Defer",
            "Detach",
            "ForgetStream",
            "GoOpening",
            "LoadSubscription",
            "MarkAudience",
            "MarkEnded",
            "NoteStream",
        ),
        *("Post", "QuerySubscribers", "RaisePending", "RemoveSubscription", "UnregisterConnection"),
    ),
    "worker": (
        *("Defer", "Detach", "FlipLive", "ForgetStream", "GoOpening", "LoadState", "LoadSubscription", "Post"),
        *("MarkAudience", "NoteStream", "OpenSubscription", "ReadJournal", "RemoveSubscription"),
    ),
    "websocket CONNECT": ("RegisterConnection",),
    "websocket DISCONNECT": ("Detach", "LoadSubscription", "UnregisterConnection"),
    "websocket MESSAGE": ("ForgetStream", "LoadConnection", "MarkAudience", "Post", "RemoveSubscription", "Invoke"),
}
"""What each function asks for that others can see, by the names of effects."""

_CUT: Final = (
    *(("actor", "FindDetached"), ("actor", "FlipLive"), ("actor", "LoadSubscription"), ("actor", "OpenSubscription")),
    *(("actor", "Post"), ("fan-out", "Detach"), ("websocket DISCONNECT", "Detach")),
)
AFTER: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    plans.CUT: _CUT,
    plans.CUT_UNTOLD: _CUT,
    plans.CUT_CLIENT_LATE: _CUT,
    plans.CUT_GATEWAY_LATE: _CUT,
    plans.SLEEP: _CUT,
    plans.SLOW: (
        *(("fan-out", "Defer"), ("fan-out", "GoOpening"), ("fan-out", "MarkAudience"), ("fan-out", "RaisePending")),
        *(("worker", "Defer"), ("worker", "FlipLive"), ("worker", "GoOpening"), ("worker", "Post")),
    ),
    plans.DELETE: (
        *(("actor", "FlipLive"), ("actor", "LoadState"), ("actor", "OpenSubscription"), ("actor", "Post")),
        *(("fan-out", "MarkEnded"), ("fan-out", "Post"), ("fan-out", "RemoveSubscription")),
    ),
}
"""What functions do because of something else that happens: two mishaps rarely meet by chance."""

AIMED: Final = 0.5
RELATED: Final = 0.5
"""Of those that are aimed, share of those that are at what other disturbances of the schedule lead to."""
_LONGEST_MS: Final = (60, 400, 35_000)
_OCCURRENCES: Final = (1, 1, 1, 2, 2, 3, 4, 6, 9)
_TIMES: Final = (1, 1, 1, 2, 4)
"""How often in a row a service refuses: a table that is throttled is so for a while."""


def draw_fault(random: Random, events: Sequence[str]) -> Fault:
    """One of any kind; half of those that can be are aimed, and half of these at what events lead to."""
    kind = random.choice(faults.KINDS)
    amount = int(random.random() * random.choice(_LONGEST_MS))
    step = int(random.random() * 200)
    if kind in (faults.CRASH_BEGUN, faults.OUTAGE) or random.random() >= AIMED:
        return Fault(kind, step, amount)
    related = [place for event in events for place in AFTER.get(event, ()) if faults.fits(kind, place[1])]
    function, effect = random.choice(related if related and random.random() < RELATED else _PLACES[kind])
    times = random.choice(_TIMES) if kind == faults.REFUSED else 1
    return Fault(kind, 0, amount, function, effect, random.choice(_OCCURRENCES), times)


_PLACES: Final = {
    kind: tuple((name, effect) for name, effects in EFFECTS.items() for effect in effects if faults.fits(kind, effect))
    for kind in faults.KINDS
}
