"""How a typed value is read from JSON and written to it: one plan per type, made once, and the plans of leaves."""

import math
from collections.abc import Callable, Iterable
from datetime import datetime
from enum import Enum
from typing import Any, Final
from uuid import UUID

from trebuche.documents import Json, canonical, canonical_text, kind, quoted
from trebuche.errors import MalformedError
from trebuche.scalars import (
    read_bool,
    read_data,
    read_date,
    read_text,
    read_uuid,
    write_data,
    write_date,
    write_uuid,
)


class Plan:
    """Reader and writer of one type, and two that take a shortcut.

    Args:
        read: The value of a parsed document.
        write: The document of a value. Both raise ``MalformedError`` with the path below the value.
        same: Values of exactly this type are right as they are, on both sides; text must also be ASCII.
        quick: What ``read`` returns, or an error of any kind: where ``read`` raises one, and where a document is out of
            the ordinary.
        spell: The canonical text of what ``write`` returns, or an error in the same way.
    """

    __slots__ = ("quick", "read", "same", "spell", "write")

    def __init__(
        self,
        read: Callable[[Json], Any],
        write: Callable[[Any], Json],
        same: type | None = None,
        *,
        quick: Callable[[Json], Any] | None = None,
        spell: Callable[[Any], str] | None = None,
    ) -> None:
        self.read = read
        self.write = write
        self.same = same
        self.quick = quick or read
        self.spell = spell or (lambda value: canonical_text(write(value)))

    def from_json(self, value: Json) -> Any:
        """The value of a parsed document.

        Raises:
            MalformedError: It does not fit; the text names the place.
        """
        try:
            return self.quick(value)
        except Exception:  # a class may refuse its members with an error of its own
            pass
        try:
            return self.read(value)
        except RecursionError:
            raise MalformedError("nested too deeply") from None

    def to_json(self, value: object) -> Json:
        """The document of a value.

        Raises:
            MalformedError: It is not of the type, or JSON cannot hold it (NaN); the text names the place.
        """
        try:
            return self.write(value)
        except RecursionError:
            raise MalformedError("nested too deeply") from None

    def to_text(self, value: object) -> bytes:
        """The canonical text of a value's document.

        Raises:
            MalformedError: As ``to_json``, or a number has thousands of digits.
        """
        try:
            return self.spell(value).encode()
        except (MalformedError, ValueError, TypeError, RecursionError):
            return canonical(self.to_json(value))


def choice_plan(choices: Iterable[tuple[Json, Any]]) -> Plan:
    """Plan of a closed set: pairs of a raw scalar on the wire and what stands for it here."""
    pairs = list(choices)
    # By type as well: `1` and `true` are one key to Python, and two values on the wire.
    by_raw = {(type(raw), raw): member for raw, member in pairs}
    raw_of = {(type(member), member): raw for raw, member in pairs}
    allowed = ", ".join(ascii(raw) for raw, _ in pairs)

    def read(value: Json) -> Any:
        try:
            return by_raw[type(value), value]
        except (KeyError, TypeError):  # an array or object cannot be looked up
            raise MalformedError(f"expected one of {allowed}, got {_short(value)}") from None

    def write(value: Any) -> Json:
        try:
            return raw_of[type(value), value]
        except (KeyError, TypeError):
            raise MalformedError(f"expected one of {allowed}, got {_short(value)}") from None

    return Plan(read, write)


def enum_plan(enum: type[Enum]) -> Plan:
    """Plan of an enum: its raw values.

    Raises:
        TypeError: A raw value is neither text nor a whole number.
    """
    for member in enum:
        if isinstance(member.value, bool) or not isinstance(member.value, str | int):
            raise TypeError(f"{enum.__qualname__}.{member.name}: an enum's value must be text or a whole number")
    return choice_plan((member.value, member) for member in enum)


def read_integer(value: Json) -> int:
    """A whole number of any size; no boolean."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise MalformedError(f"expected a whole number, got {kind(value)}")
    if not isinstance(value, int):
        raise MalformedError(f"expected a whole number, got {value}")
    return int(value)


def read_real(value: Json) -> float:
    """A finite number; no boolean."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise MalformedError(f"expected a number, got {kind(value)}")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise MalformedError("expected a finite number that fits 64 bits")
    return number


def write_real(value: float) -> Json:
    """A number, without a fraction when it has none: ``21.0`` is written ``21``."""
    number = read_real(value)
    return int(number) if number.is_integer() and abs(number) < _WHOLE_BELOW else number


def read_plain(value: Json) -> Json:
    """Any JSON value, checked and copied: finite numbers, Unicode text, text keys."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return read_text(value)
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return write_real(value)
    if isinstance(value, list | tuple):
        return _plain_array(value)
    if isinstance(value, dict):
        return _plain_object(value)
    raise MalformedError(f"expected a JSON value, got {kind(value)}")


def _plain_array(value: list[Json] | tuple[Json, ...]) -> Json:
    elements: list[Json] = []
    try:
        for element in value:
            elements.append(read_plain(element))
    except MalformedError as error:
        raise error.inside(len(elements)) from None
    return elements


def _plain_object(value: dict[str, Json]) -> Json:
    members: dict[str, Json] = {}
    for key, content in value.items():
        try:
            members[read_text(key)] = read_plain(content)
        except MalformedError as error:
            raise error.inside(str(key)) from None
    return members


def _read_null(value: Json) -> None:
    if value is not None:
        raise MalformedError(f"expected null, got {kind(value)}")


def _text_plan(type_: type, read: Callable[[Json], Any], write: Callable[[Any], str]) -> Plan:
    """Plan of a type whose values are written as text without anything in it that JSON escapes."""

    def checked(value: Any) -> str:
        if not isinstance(value, type_):
            raise MalformedError(f"expected {type_.__name__}, got {kind(value)}")
        return write(value)

    return Plan(read, checked, spell=lambda value: f'"{checked(value)}"')


def _short(value: object) -> str:
    return ascii(value)[:64] if isinstance(value, str | int) else kind(value)


_WHOLE_BELOW: Final = 2.0**53  # above this not every whole number is a double; the exponent form is shorter

LEAVES: Final[dict[object, Plan]] = {
    str: Plan(read_text, read_text, str, spell=lambda value: quoted(read_text(value))),
    int: Plan(read_integer, read_integer, int, spell=lambda value: str(read_integer(value))),
    float: Plan(read_real, write_real, spell=lambda value: str(write_real(value))),
    bool: Plan(read_bool, read_bool, bool),
    None: Plan(_read_null, _read_null),
    type(None): Plan(_read_null, _read_null),
    UUID: _text_plan(UUID, read_uuid, write_uuid),
    datetime: _text_plan(datetime, read_date, write_date),
    bytes: _text_plan(bytes, read_data, write_data),
    Any: Plan(read_plain, read_plain),
    object: Plan(read_plain, read_plain),
}
"""Types without parts; dates lose their fraction of a second on the wire."""
