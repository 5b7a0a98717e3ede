"""Values sent as differences: ``StateDelta``, and the reader that puts a sequence of them together.

A value type and nothing else: the wire does not mark it, and what a difference is, and how it is applied, is the
application's to say. A method can return one, and a member of a state can be one (``observe<Name>`` streams it):

    {"isFull": true, "data": base64 of the JSON of a whole value}
    {"isFull": false, "data": base64 of the JSON of a difference of the same type}
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from trebuche.documents import dumps, loads
from trebuche.errors import NoBaseValueError
from trebuche.values import from_json, to_json

T = TypeVar("T")


@dataclass(frozen=True)
class StateDelta:
    """A whole value or a difference.

    Attributes:
        is_full: Whether ``data`` is a whole value.
        data: A JSON document (UTF-8) of the value's type; dates in it are ISO 8601, as everywhere on the wire.
    """

    is_full: bool
    data: bytes

    @classmethod
    def full(cls, hint: type[T], value: T) -> "StateDelta":
        """A whole value.

        Raises:
            MalformedError: The value is not of the type.
        """
        return cls(True, dumps(to_json(hint, value)).encode())

    @classmethod
    def change(cls, hint: type[T], difference: T) -> "StateDelta":
        """A difference to the value before.

        Raises:
            MalformedError: The difference is not of the type.
        """
        return cls(False, dumps(to_json(hint, difference)).encode())

    def read(self, hint: type[T]) -> T:
        """The value or difference in it.

        Raises:
            MalformedError: The data is not JSON, or not of the type.
        """
        return from_json(hint, loads(self.data))


class DeltaReader(Generic[T]):
    """Puts whole values and differences together, in the order in which they came.

    Args:
        hint: Type of the values and differences.
        apply: The value that a difference makes of the one before.
    """

    def __init__(self, hint: type[T], apply: Callable[[T, T], T]) -> None:
        self._hint: Final = hint
        self._apply: Final = apply
        # One at most; a value can itself be None.
        self._values: list[T] = []

    def take(self, delta: StateDelta) -> T:
        """The value after this one.

        Raises:
            NoBaseValueError: A difference came before any whole value.
            MalformedError: As ``StateDelta.read``; the value before stays.
        """
        content = delta.read(self._hint)
        if not delta.is_full:
            if not self._values:
                raise NoBaseValueError("a difference came before any whole value; subscribe again or resume")
            content = self._apply(self._values[0], content)
        self._values = [content]
        return content

    def forget(self) -> None:
        """Wait for a whole value again: after a gap in the stream, differences to what was missed mean nothing."""
        self._values = []
