"""Values that nobody changes, made in less than half the time of frozen dataclasses.

A frozen dataclass sets each attribute past its own guard, and a tenth of a turn would be spent on that. Here type
checkers are the guard, and at run time there is none.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform, overload

T = TypeVar("T")


@overload
def immutable(class_: type[T], /) -> type[T]: ...
@overload
def immutable(*, kw_only: bool = False) -> Callable[[type[T]], type[T]]: ...
@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def immutable(class_: type[T] | None = None, /, *, kw_only: bool = False) -> type[T] | Callable[[type[T]], type[T]]:
    """Make a class a slotted dataclass that is frozen for type checkers, and has a hash."""
    make = dataclass(slots=True, unsafe_hash=True, kw_only=kw_only)
    return make if class_ is None else make(class_)
