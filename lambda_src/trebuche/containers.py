"""Plans of types that hold values of other types: arrays, sets, maps, optionals, unions of dataclasses."""

import re
from collections.abc import Callable, Iterable
from typing import Any, Final

from trebuche.documents import Json, canonical, kind, quoted
from trebuche.errors import MalformedError
from trebuche.naming import snake_to_camel
from trebuche.plans import Plan
from trebuche.scalars import read_text

# One spelling per number, else two keys were one; 640 digits are what int() takes whatever its limit is set to.
_WHOLE_TEXT: Final = re.compile(r"0|-?[1-9][0-9]{0,639}")


def optional_plan(inner: Plan) -> Plan:
    """Null or a value."""

    def read(value: Json) -> Any:
        return None if value is None else inner.read(value)

    def write(value: Any) -> Json:
        return None if value is None else inner.write(value)

    return Plan(
        read,
        write,
        inner.same,
        quick=lambda value: None if value is None else inner.quick(value),
        spell=lambda value: "null" if value is None else inner.spell(value),
    )


def array_plan(inner: Plan, build: Callable[[Iterable[Any]], Any]) -> Plan:
    """An array of equal elements; ``build`` makes the collection (list, or tuple)."""

    def read(value: Json) -> Any:
        return build(_each(inner.read, _array(value)))

    def write(value: Any) -> Json:
        return _each(inner.write, _sequence(value))

    def quick(value: Json) -> Any:
        return build(map(inner.quick, _array(value)))

    def spell(value: Any) -> str:
        return f"[{','.join(map(inner.spell, _sequence(value)))}]"

    return Plan(read, write, quick=quick, spell=spell)


def set_plan(inner: Plan, build: Callable[[list[Any]], Any]) -> Plan:
    """An array in the order of its elements' canonical JSON, so that equal sets are equal documents."""

    def read(value: Json) -> Any:
        return build(_each(inner.read, _array(value)))

    def write(value: Any) -> Json:
        if not isinstance(value, set | frozenset):
            raise MalformedError(f"expected a set, got {kind(value)}")
        return sorted(_each(inner.write, value), key=canonical)

    return Plan(read, write)


def fixed_plan(inners: tuple[Plan, ...]) -> Plan:
    """A tuple of fixed length, each place with a type of its own."""

    def exact(value: list[Any] | tuple[Any, ...]) -> None:
        if len(value) != len(inners):
            raise MalformedError(f"expected {len(inners)} elements, got {len(value)}")

    def read(value: Json) -> tuple[Any, ...]:
        exact(elements := _array(value))
        return tuple(_zipped([inner.read for inner in inners], elements))

    def write(value: Any) -> Json:
        exact(_sequence(value))
        return _zipped([inner.write for inner in inners], value)

    return Plan(read, write)


def text_map_plan(inner: Plan) -> Plan:
    """An object with text keys."""
    plan = _object_plan(inner, read_text, read_text)

    def quick(value: Json) -> Any:
        if not isinstance(value, dict):
            return plan.read(value)
        return {read_text(key): inner.quick(content) for key, content in value.items()}

    def spell(value: Any) -> str:
        members = [f"{quoted(key)}:{inner.spell(content)}" for key, content in sorted(_mapping(value).items())]
        return f"{{{','.join(members)}}}"

    return Plan(plan.read, plan.write, quick=quick, spell=spell)


def integer_map_plan(inner: Plan) -> Plan:
    """An object whose keys are whole numbers as text, as Swift writes ``[Int: T]``."""
    return _object_plan(inner, _integer_key, _integer_key_text)


def pairs_plan(key: Plan, inner: Plan) -> Plan:
    """A flat array ``[k1, v1, k2, v2]``: what Swift writes for maps with any other kind of key."""

    def read(value: Json) -> dict[Any, Any]:
        elements = _array(value)
        if len(elements) % 2:
            raise MalformedError(f"expected keys and values in turn, got {len(elements)} elements")
        found = _zipped([key.read, inner.read] * (len(elements) // 2), elements)
        return dict(zip(found[::2], found[1::2], strict=True))

    def write(value: Any) -> Json:
        pairs = list(_mapping(value).items())
        return _zipped([key.write, inner.write] * len(pairs), [part for pair in pairs for part in pair])

    return Plan(read, write)


def cases_plan(cases: dict[type, Plan]) -> Plan:
    """A union of dataclasses, as Swift writes an enum with associated values: ``{"move": {"dx": 1}}``.

    Raises:
        TypeError: Two of the classes have the same name on the wire.
    """
    by_name = {snake_to_camel(type_.__name__[:1].lower() + type_.__name__[1:]): plan for type_, plan in cases.items()}
    if len(by_name) < len(cases):
        raise TypeError(f"two dataclasses of a union have the same name on the wire: {', '.join(by_name)}")
    names = dict(zip(cases, by_name, strict=True))
    allowed = ", ".join(by_name)

    def read(value: Json) -> Any:
        if not isinstance(value, dict) or len(value) != 1:
            raise MalformedError(f"expected an object with one key of {allowed}, got {kind(value)}")
        [(name, content)] = value.items()
        if name not in by_name:
            raise MalformedError(f"expected one key of {allowed}, got {name[:64]!a}")
        return _at(name, by_name[name].read, content)

    def write(value: Any) -> Json:
        type_ = type(value)
        if type_ not in cases:
            raise MalformedError(f"expected one of {', '.join(case.__name__ for case in cases)}, got {kind(value)}")
        return {names[type_]: _at(names[type_], cases[type_].write, value)}

    return Plan(read, write)


def _object_plan(inner: Plan, key_in: Callable[[Any], Any], key_out: Callable[[Any], str]) -> Plan:
    def read(value: Json) -> dict[Any, Any]:
        if not isinstance(value, dict):
            raise MalformedError(f"expected an object, got {kind(value)}")
        return {_at(key, key_in, key): _at(key, inner.read, content) for key, content in value.items()}

    def write(value: Any) -> Json:
        members: dict[str, Json] = {}
        for key, content in _mapping(value).items():
            step = str(key)
            members[_at(step, key_out, key)] = _at(step, inner.write, content)
        return members

    return Plan(read, write)


def _integer_key(key: str) -> int:
    if not _WHOLE_TEXT.fullmatch(key):
        raise MalformedError("expected a whole number as key")
    return int(key)


def _integer_key_text(key: Any) -> str:
    if isinstance(key, bool) or not isinstance(key, int):
        raise MalformedError(f"expected a whole number as key, got {kind(key)}")
    return str(int(key))


def _array(value: Json) -> list[Json]:
    if not isinstance(value, list):
        raise MalformedError(f"expected an array, got {kind(value)}")
    return value


def _sequence(value: Any) -> list[Any] | tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise MalformedError(f"expected an array, got {kind(value)}")
    return value


def _mapping(value: Any) -> dict[Any, Any]:
    if not isinstance(value, dict):
        raise MalformedError(f"expected a map, got {kind(value)}")
    return value


def _at(step: str, convert: Callable[[Any], Any], value: Any) -> Any:
    try:
        return convert(value)
    except MalformedError as error:
        raise error.inside(step) from None


def _each(convert: Callable[[Any], Any], values: Iterable[Any]) -> list[Any]:
    converted: list[Any] = []
    try:
        for value in values:
            converted.append(convert(value))
    except MalformedError as error:
        raise error.inside(len(converted)) from None
    return converted


def _zipped(converts: list[Callable[[Any], Any]], values: Iterable[Any]) -> list[Any]:
    converted: list[Any] = []
    try:
        for convert, value in zip(converts, values, strict=True):
            converted.append(convert(value))
    except MalformedError as error:
        raise error.inside(len(converted)) from None
    return converted
