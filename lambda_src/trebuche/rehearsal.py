"""What this code would make of stored states and recorded calls, without storing or sending anything.

A deployment is gated by it: the candidate is asked in a process of its own (``python -m trebuche.rehearsal
actors.todo_list:TodoList=stateful``, the request on standard input), a version that is deployed by an invocation with
``{"rehearsal": request}``, which nothing that comes through API Gateway can be.

    request   {"states": [{"actorId", "state": JSON document, "schema"}],
               "calls": [{"target", "arguments": [JSON document]}]}
    answer    {"states": [{"error": text or null, "lost": [[key or index, …], …]}], "calls": [{"error": text or null}]}

``lost`` are members of a state that this code carries along but does not know.
"""

import json
import sys
from collections.abc import Iterator
from typing import Any

from trebuche.actor_types import ActorType
from trebuche.documents import Json, loads
from trebuche.errors import TrebucheError
from trebuche.interface import load
from trebuche.values import from_json, to_json

_OBSERVE = "observe"

Document = dict[str, Any]


def rehearse(actor_type: ActorType, request: Document) -> Document:
    """Answer a request."""
    return {
        "states": [_state(actor_type, one) for one in request.get("states", ())],
        "calls": [{"error": _call(actor_type, one)} for one in request.get("calls", ())],
    }


def _state(actor_type: ActorType, stored: Document) -> Document:
    document = str(stored["state"]).encode()
    try:
        today = loads(actor_type.today(stored["actorId"], document, stored["schema"]))
        # A document of this schema is looked at as it was stored: slotted records do not carry unknown members along.
        given = loads(document) if stored["schema"] == actor_type.schema else today
        known = to_json(actor_type.state_type, from_json(actor_type.state_type, today))
    except (TrebucheError, TypeError) as error:
        return {"error": str(error), "lost": []}
    return {"error": None, "lost": [list(path) for path in _missing(given, known, ())]}


def _missing(given: Json, known: Json, path: tuple[str | int, ...]) -> Iterator[tuple[str | int, ...]]:
    """Places of members that are in the first document only; one that is null is left out of records."""
    if isinstance(given, dict) and isinstance(known, dict):
        for key, content in given.items():
            if key in known:
                yield from _missing(content, known[key], (*path, key))
            elif content is not None:
                yield (*path, key)
    elif isinstance(given, list) and isinstance(known, list):
        for position, (one, other) in enumerate(zip(given, known, strict=False)):
            yield from _missing(one, other, (*path, position))


def _call(actor_type: ActorType, call: Document) -> str | None:
    """Why a call would be refused before its method runs."""
    target = str(call["target"])
    if target.startswith(_OBSERVE):
        return _observation(actor_type, target.removeprefix(_OBSERVE))
    try:
        actor_type.method(target).read(tuple(str(one).encode() for one in call.get("arguments", ())))
    except TrebucheError as error:
        return str(error)
    return None


def _observation(actor_type: ActorType, prop: str) -> str | None:
    name = prop[:1].lower() + prop[1:]
    if not actor_type.stateful:
        return f"'{actor_type.exposed_as}' keeps no state that could be observed"
    if name in actor_type.properties:
        return None
    return f"'{actor_type.exposed_as}' has no property '{name}'; there are: {', '.join(sorted(actor_type.properties))}"


if __name__ == "__main__":
    sys.stdout.write(json.dumps(rehearse(load(sys.argv[1]), json.load(sys.stdin))))
