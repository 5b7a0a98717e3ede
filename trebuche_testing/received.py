"""What one stream of a history got, and in which order; what is wrong with that in itself."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from trebuche.actor_types import WHOLE_STATE
from trebuche.envelopes import StreamEndReason
from trebuche.targets import observed_property
from trebuche_testing.history import Event
from trebuche_testing.violations import DOUBLED, LOST, OUT_OF_ORDER, Violation

UNSUBSCRIBED: Final = "unsubscribed"


@dataclass(slots=True)
class Epoch:
    """Values whose numbers are counted from one version.

    Attributes:
        began: When it was asked for, at the latest.
        leaps: Numbers with which it was told that some were skipped.
    """

    began: float
    values: list[tuple[int, str | bytes]] = field(default_factory=list)
    leaps: set[int] = field(default_factory=set)


class Received:
    """What one stream got.

    Args:
        observe: The event with which its client asked for it.

    Attributes:
        epochs: All values that its reader got; only a new start may change how numbers map to versions.
        opening: From when to when it was being opened, each time.
        snapshots: When it was told that something was left out of what followed the values that it had.
        deleted_by: When it was asked for on the connection on which it ended, and when it was told that its actor had
            been deleted; None when it was not.
        problems: What was wrong on the way.
    """

    def __init__(self, observe: Event) -> None:
        self.actor: str = observe["actor"]
        self.name = f"stream {observe['stream']} of {observe['client']} on {observe['actor']}"
        self.key = observed_property(observe["target"]) or WHOLE_STATE
        self.swift: bool = observe["swift"]
        self.epochs = [Epoch(observe["at"])]
        self.opening: list[tuple[float, float]] = []
        self.snapshots: list[float] = []
        self._sent_late: list[int] = []
        self.problems: list[Violation] = []
        self._tells_gaps = not self.swift and not observe.get("filtered")
        self._last = 0
        self._highest: dict[tuple[str, int], int] = {}
        self._came: set[int] = set()
        self._frames: Counter[int] = Counter()
        self._repaired = ("", 0)
        self._starts = 0
        self._ended = ""
        self._asked_at: float | None = None
        self._had_nothing = False
        self._began: float = observe["at"]
        self._asked: float = observe["at"]
        self.deleted_by: tuple[float, float] | None = None
        self._on: Mapping[str, Callable[[Event], None]] = {
            "start": self._start,
            "frame": self._frame,
            "value": self._value,
            "resume": self._resume,
            "end": self._end,
            "stray": self._stray,
        }

    def note(self, event: Event) -> None:
        """Take in what happened next."""
        take = self._on.get(event["event"])
        if take is not None:
            take(event)

    def _start(self, event: Event) -> None:
        self._starts += 1
        self._highest = {}
        if event.get("asked") is not None:
            self._asked = event["asked"]
        if self._asked_at is not None:
            self._began, self._asked_at = self._asked_at, None
        if event["recovered"] is False:
            # One value stands for all below it; a slow post of those may still come, and is passed over. So it is with
            # another such start on this connection, of a resume that was overtaken.
            before, highest = self._repaired
            same = before == event["connection"]
            self._repaired = event["connection"], max(event["upTo"] or 0, highest if same else 0)
        self.opening.append((self._began, event["at"]))
        if event["recovered"] is False and not self._had_nothing and not self.swift:
            self.snapshots.append(event["at"])
        if self._ended:
            self._problem(OUT_OF_ORDER, "started again after its end")

    @property
    def strays(self) -> list[int]:
        """Numbers that somebody began to send when it was over, once the history is.

        Of a stream that its reader has not left only those that came once: a batch that is processed twice at once
        brings its last value and its end once more.
        """
        left = self._ended == UNSUBSCRIBED
        return [number for number in self._sent_late if left or self._frames[number] == 1]

    def _frame(self, event: Event) -> None:
        """Numbers that come for the first time since the stream began on this connection rise."""
        number = event["number"]
        place = event["connection"], self._starts
        if number not in self._came and self._repaired[1] <= number < self._highest.get(place, 0):
            self._problem(OUT_OF_ORDER, f"{number} came after {self._highest[place]}")
        self._frames[number] += 1
        self._came.update(range(number - event["skipped"], number + 1))
        self._highest[place] = max(number, self._highest.get(place, 0))

    def _value(self, event: Event) -> None:
        number, reset = event["number"], event["reset"]
        if self._last and number <= self._last:
            self._problem(DOUBLED, f"its reader got {number} after {self._last}")
        gap = number - self._last - 1
        if self._tells_gaps and not reset and gap > event["skipped"]:
            self._problem(LOST, f"{number} follows {self._last}, {event['skipped']} told as skipped")
        if reset:
            self.epochs.append(Epoch(self._began))
        self.epochs[-1].values.append((number, event["value"]))
        if event["skipped"]:
            self.epochs[-1].leaps.add(number)
        self._last = number

    def _resume(self, event: Event) -> None:
        if self._asked_at is None:
            self._asked_at = event["at"]
        # What begins with nothing is numbered anew, and may be so late that it is more than nothing by then.
        self._had_nothing = self._had_nothing or not event["last"]
        if self.swift:
            # It registers an id of its own anew: what comes counts from there.
            self.epochs.append(Epoch(self._asked_at))
            self._last = event["last"]

    def _end(self, event: Event) -> None:
        self._ended = event["reason"]
        if self._ended == StreamEndReason.ACTOR_TERMINATED.value:
            self.deleted_by = self._asked, event["at"]
        if self._ended.startswith("error"):
            self._problem(LOST, f"ended: {event['reason']}")

    def _stray(self, event: Event) -> None:
        self._sent_late.append(event["number"])

    def _problem(self, kind: str, text: str) -> None:
        self.problems.append(Violation(kind, f"{self.name}: {text}"))
