"""What a line of a history has to hold, kind by kind (``docs/testing.md`` describes it for people)."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from trebuche_testing.history import Event

EXAMPLE: Final = '{"event":"call","at":1,"call":"a","actor":"ledger/1","method":"size","arguments":[]}'
OUTCOMES: Final = ("ok", "refused", "failed")
SHOWN: Final = 60
"""Characters of a wrong value that are told."""


class HistoryError(Exception):
    """Something that is no history: where, what, and what was expected."""


@dataclass(frozen=True, slots=True)
class _Member:
    """What a member has to be, in words and as a test.

    Attributes:
        default: What it is where a line does not say.
        required: Whether lines have to say.
    """

    words: str
    fits: Callable[[Any], bool]
    default: Any = None
    required: bool = True


def read_line(line: str) -> Event:
    """One event, with ``seed``; members that a line may leave out are filled in, unknown ones kept.

    Raises:
        HistoryError: It is none.
    """
    try:
        event = json.loads(line, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise HistoryError(f"not JSON ({error}); expected an object such as {EXAMPLE}") from None
    if not isinstance(event, dict):
        raise HistoryError(f"expected an object such as {EXAMPLE}, got {short(event)}")
    kind = event.get("event")
    if not isinstance(kind, str) or kind not in _KINDS:
        raise HistoryError(f"expected 'event' to be one of {', '.join(_KINDS)}; got {short(kind)}")
    for name, member in _KINDS[kind].items():
        if name not in event and not member.required:
            event[name] = member.default
        elif name not in event or not member.fits(event[name]):
            got = short(event[name]) if name in event else "nothing"
            raise HistoryError(f"'{kind}' has to have '{name}', {member.words}; got {got}")
    return event


def short(value: object) -> str:
    """A value for people."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_document(value: Any) -> bool:
    try:
        json.loads(value, parse_constant=_no_number)
    except (TypeError, ValueError, RecursionError):
        return False
    return True


def _is_truth(value: Any) -> bool:
    return isinstance(value, bool)


def _are_states(value: Any) -> bool:
    return isinstance(value, dict) and all(state is None or _is_document(state) for state in value.values())


def _or_none(member: _Member) -> _Member:
    return _Member(
        f"{member.words} or null", lambda value: value is None or member.fits(value), member.default, required=False
    )


def _optional(member: _Member, default: Any) -> _Member:
    return _Member(member.words, member.fits, default, required=False)


_TEXT: Final = _Member("a text", _is_text)
_WHOLE: Final = _Member("a whole number from 0 on", _is_whole)
_NUMBER: Final = _Member("a number", _is_number)
_TRUTH: Final = _Member("true or false", _is_truth)
_LIST: Final = _Member("an array", lambda value: isinstance(value, list))
_DOCUMENT: Final = _Member("a text that is a JSON document", _is_document)
_RESULT: Final = _Member(
    "a text that is a JSON document, empty for none", lambda value: value == "" or _is_document(value)
)
_OUTCOME: Final = _Member(f"one of {', '.join(OUTCOMES)}", lambda value: value in OUTCOMES)
_STATES: Final = _Member("an object of actors' states, each a text that is a JSON document or null", _are_states)
_ALL: Final[dict[str, _Member]] = {
    "at": _Member("a number that never falls", _is_number),
    "seed": _optional(_WHOLE, 0),
}
_CLIENT: Final = _optional(_TEXT, "somebody")
_NO: Final = _optional(_TRUTH, default=False)

_KINDS: Final[Mapping[str, Mapping[str, _Member]]] = {
    "call": _ALL | {"call": _TEXT, "actor": _TEXT, "method": _TEXT, "arguments": _LIST, "client": _CLIENT},
    "send": _ALL | {"call": _TEXT},
    "return": _ALL | {"call": _TEXT, "outcome": _OUTCOME, "result": _or_none(_RESULT), "told": _or_none(_TEXT)},
    "commit": _ALL | {"actor": _TEXT, "version": _WHOLE, "call": _TEXT, "state": _DOCUMENT},
    "delete": _ALL | {"actor": _TEXT, "version": _WHOLE},
    "observe": _ALL
    | {"stream": _WHOLE, "actor": _TEXT, "target": _TEXT, "client": _CLIENT, "swift": _NO, "filtered": _NO},
    "resume": _ALL | {"stream": _WHOLE, "last": _WHOLE},
    "start": _ALL
    | {"stream": _WHOLE, "connection": _TEXT}
    | {"recovered": _or_none(_TRUTH), "upTo": _or_none(_WHOLE), "asked": _or_none(_NUMBER)},
    "frame": _ALL | {"stream": _WHOLE, "connection": _TEXT, "number": _WHOLE, "skipped": _optional(_WHOLE, 0)},
    "value": _ALL
    | {"stream": _WHOLE, "number": _WHOLE, "value": _DOCUMENT, "skipped": _optional(_WHOLE, 0), "reset": _NO},
    "end": _ALL | {"stream": _WHOLE, "reason": _TEXT},
    "trouble": _ALL | {"stream": _WHOLE},
    "stray": _ALL | {"stream": _WHOLE, "number": _WHOLE},
    "held-up": _ALL,
    "fault": _ALL | {"fault": _TEXT},
    "quiet": _ALL
    | {
        "states": _STATES,
        "initial": _or_none(_DOCUMENT),
        "streams": _optional(_LIST, ()),
        "waiting": _optional(_LIST, ()),
        "backlog": _optional(_WHOLE, 0),
    },
}
