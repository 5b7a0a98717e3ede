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

import dataclasses
import json
import sys
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from importlib import import_module
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, NewType, Union, get_args, get_origin, get_type_hints
from uuid import UUID

from trebuche.actor_types import ActorType, Method
from trebuche.documents import Json
from trebuche.naming import snake_to_camel

Document = dict[str, Any]

_LEAVES: Final[Mapping[object, str]] = {
    str: "text", int: "integer", float: "number", bool: "flag", None: "null", NoneType: "null", UUID: "uuid",
    datetime: "date", bytes: "data", Any: "any", object: "any",
}  # fmt: skip
_SETS: Final = (set, frozenset)
STATEFUL: Final = "stateful"
STATELESS: Final = "stateless"


def describe(actor_types: list[ActorType]) -> Document:
    """The document of several actor types."""
    types = _Types()
    actors = {one.exposed_as: _actor(one, types) for one in actor_types}
    return {"actors": actors, "types": types.records}


def _actor(actor_type: ActorType, types: "_Types") -> Document:
    return {
        "class": actor_type.actor_class.__name__,
        "stateful": actor_type.stateful,
        "schema": actor_type.schema,
        "state": types.describe(actor_type.state_type),
        "methods": {name: _method(method, types) for name, method in sorted(actor_type.targets.items())},
    }


def _method(method: Method, types: "_Types") -> Document:
    parameters = [
        {"name": one.name, "type": types.describe(one.type), "required": one.required} for one in method.parameters
    ]
    return {"parameters": parameters, "returns": types.describe(method.returns), "query": method.query}


class _Types:
    """Describes types; the records among them are collected by name, since they may contain themselves."""

    def __init__(self) -> None:
        self.records: dict[str, Document] = {}

    def describe(self, hint: Any) -> Json:
        """A type hint that has a wire form."""
        if (leaf := _LEAVES.get(hint)) is not None:
            return leaf
        if isinstance(hint, NewType):
            return self.describe(hint.__supertype__)
        if isinstance(hint, type) and dataclasses.is_dataclass(hint):
            return {"record": self._record(hint)}
        if isinstance(hint, type) and issubclass(hint, Enum):
            return {"choice": [member.value for member in hint]}
        return self._generic(get_origin(hint) or hint, get_args(hint))

    def _record(self, class_: type) -> str:
        name = f"{class_.__module__.removeprefix('actors.')}.{class_.__qualname__}"
        if name not in self.records:
            # Entered before its members are looked at: a class may contain itself.
            fields = self.records[name] = {}
            hints = get_type_hints(class_)
            for one in dataclasses.fields(class_):
                if one.init:
                    key = str(one.metadata.get("key", snake_to_camel(one.name)))
                    described = self.describe(hints[one.name])
                    fields[key] = {"type": described, "required": _is_required(one, described)}
        return name

    def _generic(self, origin: Any, arguments: tuple[Any, ...]) -> Json:
        if origin is Annotated:
            return self.describe(arguments[0])
        if origin is Literal:
            return {"choice": list(arguments)}
        if origin in (Union, UnionType):
            return self._union(arguments)
        if origin is dict:
            key, content = arguments or (str, Any)
            return {"map": [self.describe(key), self.describe(content)]}
        if origin is tuple and arguments and arguments[-1] is not ...:
            return {"tuple": [self.describe(one) for one in arguments]}
        return {"set" if origin in _SETS else "list": self.describe(arguments[0] if arguments else Any)}

    def _union(self, arguments: tuple[Any, ...]) -> Json:
        members = [one for one in arguments if one is not NoneType]
        if len(members) == 1:
            described = self.describe(members[0])
        else:
            cases = {_case_name(one): self.describe(one) for one in members}
            described = {"cases": cases}
        return described if len(members) == len(arguments) else {"optional": described}


def _case_name(class_: type) -> str:
    """As ``containers.cases_plan`` writes it."""
    return snake_to_camel(class_.__name__[:1].lower() + class_.__name__[1:])


def _is_required(field: dataclasses.Field[Any], described: Json) -> bool:
    """As a record is read: a default may be missing, and so may what can be null."""
    has_default = field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING
    may_be_null = described in ("null", "any") or (isinstance(described, dict) and "optional" in described)
    return not has_default and not may_be_null


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
