"""The soak's own checks: what the journal must explain, and what it must not let through."""

import json
from typing import Any

import pytest

from tests.soak.order import check_order
from tests.soak.subjects import GAME, TODOS, Subject
from trebuche_testing.history import Event


def _history(subject: Subject, *events: Event) -> list[str]:
    numbered = [{"at": at, **event} for at, event in enumerate(events)]
    return [violation.kind for violation in check_order(numbered, subject)]


def _call(call: str, method: str, *arguments: object) -> Event:
    return {"event": "call", "call": call, "client": "ada", "actor": "a", "method": method, "arguments": arguments}


def _return(call: str, result: Any, outcome: str = "ok") -> Event:
    return {"event": "return", "call": call, "outcome": outcome, "result": json.dumps(result).encode(), "told": None}


def _commit(version: int, call: str, state: Any) -> Event:
    return {"event": "commit", "actor": "a", "version": version, "call": call, "state": json.dumps(state).encode()}


def _quiet(state: Any) -> Event:
    return {"event": "quiet", "states": {"a": json.dumps(state).encode()}}


def _at(x: int) -> dict[str, Any]:
    return {"players": {"ada": {"name": "ada", "x": x, "y": 0, "score": 0}}, "messages": []}


def _player(x: int) -> dict[str, Any]:
    return {"name": "ada", "x": x, "y": 0, "score": 0}


JOIN = (_call("1", "join", "ada"), _return("1", _player(0)))
MOVE = (_call("2", "move", "ada", 3, 0), _return("2", _player(3)))
JOINED, MOVED = _commit(1, "1", _at(0)), _commit(2, "2", _at(3))


def test_a_journal_that_explains_everything_passes() -> None:
    """Two calls, two versions, and the state that the last one left."""
    assert _history(GAME, *JOIN, *MOVE, JOINED, MOVED, _quiet(_at(3))) == []


def test_what_newer_code_adds_to_answers_and_states_is_passed_over() -> None:
    """A deployment in the middle gives each player one more member."""
    moody = _player(3) | {"mood": "calm"}
    moved = {"players": {"ada": moody}, "messages": []}

    assert _history(GAME, *JOIN, MOVE[0], _return("2", moody), JOINED, _commit(2, "2", moved), _quiet(moved)) == []
    lost = _history(GAME, *JOIN, MOVE[0], _return("2", moody | {"x": 4}), JOINED, _commit(2, "2", moved), _quiet(moved))
    assert lost == ["lost"]
    glum = {"players": {"ada": moody | {"mood": "glum"}}, "messages": []}
    assert _history(GAME, *JOIN, MOVE[0], _return("2", moody), JOINED, _commit(2, "2", glum), _quiet(glum)) == ["lost"]


@pytest.mark.parametrize(
    ("events", "kind"),
    [
        ((*JOIN, *MOVE, JOINED, _quiet(_at(0))), "lost"),
        ((*JOIN, *MOVE, JOINED, MOVED, _quiet(_at(0))), "lost"),
        ((*JOIN, *MOVE, JOINED, MOVED, _commit(3, "2", _at(6)), _quiet(_at(6))), "lost"),
        ((*JOIN, JOINED, _commit(2, "nobody", _at(3)), _quiet(_at(3))), "doubled"),
        ((*JOIN, *MOVE, JOINED, _commit(2, "2", _at(6)), _quiet(_at(6))), "lost"),
        ((*JOIN, *MOVE, JOINED, _commit(3, "2", _at(3)), _quiet(_at(3))), "lost"),
        ((*JOIN, MOVE[0], _return("2", _player(4)), JOINED, MOVED, _quiet(_at(3))), "lost"),
    ],
    ids=["missing", "not-stored", "twice", "by-nobody", "wrong-state", "gap", "wrong-answer"],
)
def test_what_the_journal_does_not_explain_is_found(events: tuple[Event, ...], kind: str) -> None:
    """A call without effect, with two, or with another than its caller was told."""
    assert kind in _history(GAME, *events)


def test_a_call_that_overtakes_an_answered_one_is_found() -> None:
    """Calls that do not overlap take effect in the order in which they were made."""
    add = [(_call(key, "addTodo", key), _return(key, _todo(key))) for key in "xy"]
    both = {"todos": [_todo("y"), _todo("x")]}
    turned = _commit(1, "y", {"todos": [_todo("y")]}), _commit(2, "x", both)
    assert _history(TODOS, *add[0], *add[1], *turned, _quiet(both)) == ["out of order"]


def test_a_refusal_must_fit_somewhere_between_call_and_return() -> None:
    """``not found`` is no answer about something that was there all the time."""
    added = (_call("1", "addTodo", "x"), _return("1", _todo("x")))
    refused = (_call("2", "toggleTodo", "x"), _return("2", None, "refused"))
    there = {"todos": [_todo("x")]}
    commit = _commit(1, "1", there)
    assert _history(TODOS, *added, *refused, commit, _quiet(there)) == ["lost"]
    assert _history(TODOS, refused[0], *added, refused[1], commit, _quiet(there)) == []


def _todo(key: str) -> dict[str, Any]:
    return {"id": key, "title": key, "completed": False}
