"""Values of the types that travel on the wire, for hypothesis."""

import dataclasses
from datetime import UTC, datetime
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, NewType, Union, get_args, get_origin, get_type_hints
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

TEXT: Final = st.text(st.characters(codec="utf-8"), max_size=30)
PLAIN: Final[SearchStrategy[Any]] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
"""What JSON can hold."""
_MOMENTS: Final = st.integers(0, 2**32).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
_LEAVES: Final[dict[object, SearchStrategy[Any]]] = {
    str: TEXT,
    int: st.integers(-(2**63), 2**63 - 1),
    float: st.floats(allow_nan=False, allow_infinity=False),
    bool: st.booleans(),
    None: st.none(),
    NoneType: st.none(),
    UUID: st.uuids(),
    datetime: _MOMENTS,
    bytes: st.binary(max_size=30),
    Any: PLAIN,
    object: PLAIN,
}


def values(hint: object) -> SearchStrategy[Any]:
    """Values of a type hint that has a wire form, small ones."""
    if (leaf := _LEAVES.get(hint)) is not None:
        return leaf
    if isinstance(hint, NewType):
        return values(hint.__supertype__)
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        # Not before it is needed: a dataclass may contain itself.
        return st.deferred(lambda: _records(hint))
    if isinstance(hint, type) and issubclass(hint, Enum):
        return st.sampled_from(hint)
    return _generic(get_origin(hint) or hint, get_args(hint))


def _records(class_: type) -> SearchStrategy[Any]:
    hints = get_type_hints(class_)
    fields = [field.name for field in dataclasses.fields(class_) if field.init]
    return st.builds(class_, **{name: values(hints[name]) for name in fields})


def _generic(origin: object, arguments: tuple[Any, ...]) -> SearchStrategy[Any]:
    if origin is Annotated:
        return values(arguments[0])
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin in (Union, UnionType):
        return st.one_of(*map(values, arguments))
    if origin is dict:
        key, content = arguments or (str, Any)
        return st.dictionaries(values(key), values(content), max_size=3)
    if origin is tuple and arguments and arguments[-1] is not ...:
        return st.tuples(*map(values, arguments))
    elements = st.lists(values(arguments[0] if arguments else Any), max_size=3)
    if origin in (set, frozenset):
        return st.sets(values(arguments[0]), max_size=3).map(origin)
    return elements.map(tuple) if origin is tuple else elements
