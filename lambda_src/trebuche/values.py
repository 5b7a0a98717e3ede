"""Typed values to JSON and back, in the shapes of Swift's ``Codable``.

    str int float bool None         as they are; a whole float is written without fraction
    UUID datetime bytes             text: upper case; ISO 8601 in whole seconds, UTC; base64
    Enum, Literal                   the raw value
    list tuple set                  array
    dict[str, T], dict[int, T]      object; any other type of key: flat array of keys and values in turn
    T | None                        null, or left out of a dataclass's object
    dataclass                       object with camelCase keys
    A | B (dataclasses)             object with one key, the class's name in camelCase (an enum with values)
    Any                             any JSON value

Reading is strict: no boolean for a number, no text for one. A type's plan is made once; every turn uses it.
"""

import dataclasses
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, NewType, TypeVar, Union, cast, get_args, get_origin, overload

from trebuche.containers import (
    array_plan,
    cases_plan,
    fixed_plan,
    integer_map_plan,
    optional_plan,
    pairs_plan,
    set_plan,
    text_map_plan,
)
from trebuche.documents import Json
from trebuche.plans import LEAVES, Plan, choice_plan, enum_plan
from trebuche.records import Record

T = TypeVar("T")


@overload
def from_json(hint: type[T], value: Json, *, keep_unknown: bool = False) -> T: ...
@overload
def from_json(hint: object, value: Json, *, keep_unknown: bool = False) -> Any: ...
def from_json(hint: object, value: Json, *, keep_unknown: bool = False) -> Any:
    """The typed value of a parsed JSON document.

    Args:
        hint: A type hint, such as ``list[Todo]`` or ``UUID | None``.
        value: What ``documents.loads`` returned.
        keep_unknown: Whether dataclasses carry members that they do not declare, for ``to_json`` to write back.

    Raises:
        MalformedError: The value does not fit; the text names the place: ``todos[2].title: expected text, got number``.
        TypeError: The type has no wire form.
    """
    return plan_of(hint, keep_unknown=keep_unknown).from_json(value)


def to_json(hint: object, value: object) -> Json:
    """The JSON document of a typed value, ready for ``documents.dumps``.

    Raises:
        MalformedError: The value is not of the type, or JSON cannot hold it (NaN); the text names the place.
        TypeError: The type has no wire form.
    """
    return plan_of(hint).to_json(value)


def plan_of(hint: object, *, keep_unknown: bool = False) -> Plan:
    """How values of a type are read and written.

    Made when a program starts, it shows a type without wire form then.

    Args:
        hint: A type hint.
        keep_unknown: As for ``from_json``.

    Raises:
        TypeError: The type, or the type of a part of it, has no wire form, or no room for what is unknown; the text
            says which.
    """
    try:
        return _plans[hint, keep_unknown]
    except KeyError:
        compiler = _Compiler(keep_unknown)
        plan = compiler.plan_of(hint)
        _plans.update({(known, keep_unknown): made for known, made in compiler.records.items()})
        _plans[hint, keep_unknown] = plan
        return plan


_plans: Final[dict[tuple[object, bool], Plan]] = {}


class _Compiler:
    """Makes the plan of one type and of all it contains; nothing is shared with others before it is complete."""

    def __init__(self, keep_unknown: bool) -> None:
        self.records: dict[object, Plan] = {}
        self._keep_unknown = keep_unknown

    def plan_of(self, hint: object) -> Plan:
        """The plan of a type hint."""
        if (known := LEAVES.get(hint) or self.records.get(hint)) is not None:
            return known
        if isinstance(hint, type) and get_origin(hint) is None:
            return self._class_plan(hint)
        if isinstance(hint, NewType):
            return self.plan_of(hint.__supertype__)
        return self._generic_plan(hint, get_origin(hint), get_args(hint))

    def _class_plan(self, class_: type) -> Plan:
        if dataclasses.is_dataclass(class_):
            return self._record_plan(class_)
        if issubclass(class_, Enum):
            return enum_plan(class_)
        if class_ in _COLLECTIONS:
            return self._generic_plan(class_, class_, (Any, ...) if class_ is tuple else ())
        raise _unsupported(class_)

    def _record_plan(self, class_: type) -> Plan:
        record = Record(class_, keep_unknown=self._keep_unknown)
        # Known before it is complete: a class may contain itself.
        self.records[class_] = record.plan
        record.complete(self.plan_of)
        return record.plan

    def _generic_plan(self, hint: object, origin: object, arguments: tuple[Any, ...]) -> Plan:
        if origin is Annotated:
            return self.plan_of(arguments[0])
        if origin is Literal:
            return choice_plan((argument, argument) for argument in arguments)
        if origin in (Union, UnionType):
            return self._union_plan(hint, arguments)
        if origin is dict:
            return self._map_plan(*(arguments or (str, Any)))
        if origin is tuple and not (len(arguments) == 2 and arguments[1] is ...):
            return fixed_plan(tuple(self.plan_of(argument) for argument in arguments))
        if origin in _COLLECTIONS:
            collection = cast("type", origin)
            make = set_plan if collection in (set, frozenset) else array_plan
            return make(self.plan_of(arguments[0] if arguments else Any), collection)
        raise _unsupported(hint)

    def _union_plan(self, hint: object, arguments: tuple[Any, ...]) -> Plan:
        members = [argument for argument in arguments if argument is not NoneType]
        if len(members) == 1:
            plan = self.plan_of(members[0])
        elif all(isinstance(member, type) and dataclasses.is_dataclass(member) for member in members):
            plan = cases_plan({member: self.plan_of(member) for member in members})
        else:
            raise _unsupported(hint)
        return plan if len(members) == len(arguments) else optional_plan(plan)

    def _map_plan(self, key: object, content: object) -> Plan:
        if key is str:
            return text_map_plan(self.plan_of(content))
        if key is int:
            return integer_map_plan(self.plan_of(content))
        return pairs_plan(self.plan_of(key), self.plan_of(content))


_COLLECTIONS: Final = frozenset({list, tuple, set, frozenset, dict})


def _unsupported(hint: object) -> TypeError:
    name = hint.__qualname__ if isinstance(hint, type) else str(hint)
    return TypeError(
        f"{name} has no wire form; use str, int, float, bool, UUID, datetime, bytes, Any, an Enum, a Literal, "
        "a dataclass, or list, tuple, set, dict, Optional of them"
    )
