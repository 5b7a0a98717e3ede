"""JSON objects with named members, read and written by one table."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from trebuche.documents import Json, kind
from trebuche.errors import MalformedError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Member:
    """One member of an object: its key on the wire, its attribute here, and how its value is read and written."""

    key: str
    attribute: str
    read: Callable[[Json], object]
    write: Callable[[Any], Json]
    required: bool = True


@dataclass(frozen=True, slots=True)
class Shape(Generic[T]):
    """How an object of one kind is read and written.

    A member that is not required may be missing or null, and is then left to the default of ``build``; written, it is
    left out when it is None. Keys that no member names are ignored.
    """

    build: Callable[..., T]
    members: tuple[Member, ...]

    def read(self, value: Json) -> T:
        """The built object.

        Raises:
            MalformedError: No object, or a member is missing or wrong; the path names it.
        """
        if not isinstance(value, dict):
            raise MalformedError(f"expected an object, got {kind(value)}")
        return self.build(**self._read_members(value))

    def write(self, value: T) -> dict[str, Json]:
        """The JSON object.

        Raises:
            MalformedError: An attribute holds what the wire cannot carry; the path names its key.
        """
        document: dict[str, Json] = {}
        for member in self.members:
            content = getattr(value, member.attribute)
            if content is None and not member.required:
                continue
            try:
                document[member.key] = member.write(content)
            except MalformedError as error:
                raise error.inside(member.key) from None
        return document

    def _read_members(self, source: dict[str, Json]) -> dict[str, object]:
        found: dict[str, object] = {}
        for member in self.members:
            content = source.get(member.key)
            if content is None and not member.required:
                continue
            try:
                if content is None and member.key not in source:
                    raise MalformedError("missing")
                found[member.attribute] = member.read(content)
            except MalformedError as error:
                raise error.inside(member.key) from None
        return found


def read_array(read: Callable[[Json], T], value: Json) -> tuple[T, ...]:
    """The elements of an array.

    Raises:
        MalformedError: No array, or an element is wrong; the path names its position.
    """
    if not isinstance(value, list):
        raise MalformedError(f"expected an array, got {kind(value)}")
    elements = []
    for position, element in enumerate(value):
        try:
            elements.append(read(element))
        except MalformedError as error:
            raise error.inside(position) from None
    return tuple(elements)
