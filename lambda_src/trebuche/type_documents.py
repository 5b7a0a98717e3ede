"""Types as JSON documents, to compare those of two releases; ``interface`` says what the documents look like."""

import dataclasses
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, NewType, TypeAlias, Union, get_args, get_origin, get_type_hints
from uuid import UUID, uuid5

from trebuche.documents import Json, canonical
from trebuche.naming import snake_to_camel

Document: TypeAlias = dict[str, Any]

_SHAPES: Final = UUID("6F1F6C0E-6C55-4C86-9A5B-0D6B7A3E2C11")
"""A namespace, so that shapes are computed without what every cold start would have to load."""

_LEAVES: Final[Mapping[object, str]] = {
    str: "text", int: "integer", float: "number", bool: "flag", None: "null", NoneType: "null", UUID: "uuid",
    datetime: "date", bytes: "data", Any: "any", object: "any",
}  # fmt: skip
_SETS: Final = (set, frozenset)


def shape_of(state_type: type[Any], schema: int) -> str:
    """A short name of what states look like that code with this type and schema writes."""
    types = TypeDocuments()
    document: Any = [schema, types.describe(state_type), types.records]
    return uuid5(_SHAPES, canonical(document).decode()).hex[:16]


class TypeDocuments:
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
