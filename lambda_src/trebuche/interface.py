"""What an actor type looks like from outside, as a JSON document: its methods, their types, and its state's.

A method is there under each name that it answers to, aliases included: losing one breaks the clients that use it.
Clients of one release speak to the next one, and read states that it wrote; so two releases are compared by these.

    {"actors": {"todos": {"class": "TodoList", "stateful": true, "schema": 1, "state": T,
                          "methods": {"addTodo": {"parameters": [{"name", "type": T, "required"}], "returns": T}}}},
     "types": {"todo_list.Todo": {"title": {"type": T, "required": true}}}}

    T   "text" "integer" "number" "flag" "null" "uuid" "date" "data" "any"
        {"record": name in types}   {"optional": T}   {"list": T}   {"set": T}   {"tuple": [T]}   {"map": [T, T]}
        {"choice": [raw value]}     {"cases": {name on the wire: T}}

``python -m trebuche.interface actors.todo_list:TodoList=stateful …`` prints it.
"""

import json
import sys
from importlib import import_module
from typing import Final

from trebuche.actor_types import ActorType, Method
from trebuche.type_documents import Document, TypeDocuments

STATEFUL: Final = "stateful"


def describe(actor_types: list[ActorType]) -> Document:
    """The document of several actor types."""
    types = TypeDocuments()
    actors = {one.exposed_as: _actor(one, types) for one in actor_types}
    return {"actors": actors, "types": types.records}


def _actor(actor_type: ActorType, types: TypeDocuments) -> Document:
    return {
        "class": actor_type.actor_class.__name__,
        "stateful": actor_type.stateful,
        "schema": actor_type.schema,
        "state": types.describe(actor_type.state_type),
        "methods": {name: _method(method, types) for name, method in sorted(actor_type.targets.items())},
    }


def _method(method: Method, types: TypeDocuments) -> Document:
    parameters = [
        {"name": one.name, "type": types.describe(one.type), "required": one.required} for one in method.parameters
    ]
    return {"parameters": parameters, "returns": types.describe(method.returns), "query": method.query}


def load(reference: str) -> ActorType:
    """The actor type of ``actors.todo_list:TodoList=stateful``.

    Raises:
        TypeError: The class cannot be exposed.
    """
    place, _, kept = reference.partition("=")
    module, _, name = place.partition(":")
    return ActorType(getattr(import_module(module), name), stateful=kept == STATEFUL)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(describe([load(one) for one in sys.argv[1:]]), sort_keys=True))
