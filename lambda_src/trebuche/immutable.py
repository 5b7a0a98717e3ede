"""Values that nobody changes, made in less than half the time of frozen dataclasses.

A frozen dataclass sets each attribute past its own guard, and a tenth of a turn would be spent on that. Here type
checkers are the guard, and at run time there is none. Equality and hash are written for each class, since a fan-out
spends a fifth of its time on general ones; the text that shows a value is needed seldom, and written once for all.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar, dataclass_transform, overload

T = TypeVar("T")


@overload
def immutable(class_: type[T], /) -> type[T]: ...
@overload
def immutable(*, kw_only: bool = False) -> Callable[[type[T]], type[T]]: ...
@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def immutable(class_: type[T] | None = None, /, *, kw_only: bool = False) -> type[T] | Callable[[type[T]], type[T]]:
    """Make a class a slotted dataclass that is frozen for type checkers, and has a hash."""

    def make(class_: type[T]) -> type[T]:
        made: Any = dataclass(slots=True, unsafe_hash=True, repr=False, kw_only=kw_only)(class_)
        made.__repr__ = _text
        checked: type[T] = made
        return checked

    return make if class_ is None else make(class_)


def _text(self: Any) -> str:
    members = (f"{one.name}={getattr(self, one.name)!r}" for one in self.__dataclass_fields__.values() if one.repr)
    return f"{type(self).__qualname__}({', '.join(members)})"
