"""Histories in files: JSON lines, each looked at, so that anybody's can be held against a specification."""

import gzip
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from trebuche_testing.history import Event
from trebuche_testing.history_lines import EXAMPLE, HistoryError, read_line, short

_OF_STREAMS: Final = ("resume", "start", "frame", "value", "end", "trouble")


def opened(path: Path, mode: str) -> Any:
    """A text file to be read or written (``r`` or ``w``); ``*.gz`` is packed."""
    if path.suffix == ".gz":
        return gzip.open(path, f"{mode}t", compresslevel=1, encoding="utf-8")
    return path.open(mode, encoding="utf-8")


def read_histories(path: Path) -> Iterator[tuple[int, list[Event]]]:
    """The histories of a file, each with its seed (0 where lines name none).

    Raises:
        HistoryError: The file cannot be read, or a line does not fit; the text says which, and what was expected.
    """
    done: set[int] = set()
    history = _History(0)
    for number, line in _lines(path):
        try:
            event = read_line(line)
            seed = event.pop("seed")
            if seed in done:
                raise HistoryError(f"seed {seed} again; expected the lines of one seed without others in between")
            if seed != history.seed and history.events:
                yield history.seed, history.events
                done.add(history.seed)
                history = _History(seed)
            history.seed = seed
            history.add(event)
        except HistoryError as error:
            raise HistoryError(f"{path}:{number}: {error}") from None
    if not history.events:
        raise HistoryError(f"{path}: no history; expected lines such as {EXAMPLE}")
    yield history.seed, history.events


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines that are not empty, with their numbers."""
    try:
        with opened(path, "r") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield number, line
    except (OSError, EOFError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise HistoryError(f"{path}: cannot be read: {reason}") from None


@dataclass(slots=True)
class _History:
    """The lines of one seed so far."""

    seed: int
    events: list[Event] = field(default_factory=list)
    _calls: set[str] = field(default_factory=set)
    _returns: set[str] = field(default_factory=set)
    _streams: set[int] = field(default_factory=set)

    def add(self, event: Event) -> None:
        """Take in an event that goes with those before it."""
        kind = event["event"]
        for last in self.events[-1:]:
            if event["at"] < last["at"]:
                raise HistoryError(f"'at' is {event['at']} after {last['at']}; expected lines in the order of events")
            if last["event"] == "quiet":
                raise HistoryError(f"'{kind}' after 'quiet'; expected that to be the last line of a history")
        if kind in ("call", "return"):
            known = self._calls if kind == "call" else self._returns
            if event["call"] in known:
                raise HistoryError(
                    f"a second '{kind}' of call {short(event['call'])}; expected one, under its own 'call'"
                )
            known.add(event["call"])
        if kind in ("send", "return") and event["call"] not in self._calls:
            raise HistoryError(f"'{kind}' of call {short(event['call'])}; expected its 'call' in an earlier line")
        if kind == "observe":
            self._streams.add(event["stream"])
        if kind in _OF_STREAMS and event["stream"] not in self._streams:
            raise HistoryError(f"'{kind}' of stream {event['stream']}; expected its 'observe' in an earlier line")
        if kind == "quiet" and self._streams and event["initial"] is None:
            raise HistoryError("'quiet' has to have 'initial', the first state as a text, where streams are observed")
        self.events.append(event)
