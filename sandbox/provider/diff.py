"""What differs between what a resource is and what it should be; pure.

The comparison is state against wanted inputs, as the official provider does it, so that drift that a refresh found is
a difference too. A property that is unset and filled in by AWS is none, nor are other spellings of the same value.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from sandbox.provider.properties import Kind, Property, Props
from sandbox.provider.wire import UNKNOWN, has_unknown, is_archive


class ChangeKind(Enum):
    """What happens to one property."""

    ADD = "add"
    UPDATE = "update"
    DELETE = "delete"


@dataclass(frozen=True)
class Change:
    """One difference; ``path`` is an engine property path such as ``environment.variables.NAME``."""

    path: str
    kind: ChangeKind
    replaces: bool

    @property
    def top(self) -> str:
        """The property of the resource that the path starts in."""
        return re.split(r"[.\[]", self.path, maxsplit=1)[0]


def is_empty(value: object) -> bool:
    """Whether a value says nothing: absent, empty text, list or map (``false`` and 0 do say something)."""
    return value is None or value in ("", [], {})


def compare(fields: Mapping[str, Property], state: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[Change]:
    """Every difference, in the order of the table's row."""
    return [
        change
        for name, member in fields.items()
        for change in _changes(name, member, state.get(name), wanted.get(name), member.replaces)
    ]


def _changes(path: str, member: Property, old: Any, new: Any, replaces: bool) -> Iterator[Change]:
    if is_empty(new) and member.computed:
        return
    old, new = _effective(member, old), _effective(member, new)
    if is_empty(old) and is_empty(new):
        return
    # Known only when it is made: then it may be another one.
    if new == UNKNOWN:
        yield Change(path, ChangeKind.ADD if is_empty(old) else ChangeKind.UPDATE, replaces)
    elif member.kind is Kind.OBJECT and member.canonical is None:
        yield from _object_changes(path, member, old or {}, new or {}, replaces)
    elif member.kind is Kind.MAP and member.canonical is None:
        yield from _map_changes(path, member, old or {}, new or {}, replaces)
    elif has_unknown(new) or not _equal(member, old, new):
        yield Change(path, _kind(old, new), replaces)


def _effective(member: Property, value: Any) -> Any:
    if not is_empty(value):
        return value
    # A flag that nobody set is off.
    return False if member.default is None and member.kind is Kind.BOOLEAN else member.default


def _object_changes(path: str, member: Property, old: Props, new: Props, replaces: bool) -> Iterator[Change]:
    for name, inner in member.fields.items():
        yield from _changes(f"{path}.{name}", inner, old.get(name), new.get(name), replaces or inner.replaces)


def _map_changes(path: str, member: Property, old: Props, new: Props, replaces: bool) -> Iterator[Change]:
    for key in sorted({*old, *new}):
        if key not in new or key not in old or (member.item and not _same_item(member.item, old[key], new[key])):
            step = f".{key}" if re.fullmatch(r"[A-Za-z_][\w-]*", key) else f'["{key}"]'
            yield Change(path + step, _kind(old.get(key), new.get(key)), replaces)


def _same_item(member: Property, old: Any, new: Any) -> bool:
    return not has_unknown(new) and _equal(member, old, new)


def _kind(old: Any, new: Any) -> ChangeKind:
    if is_empty(new):
        return ChangeKind.DELETE
    return ChangeKind.ADD if is_empty(old) else ChangeKind.UPDATE


def _equal(member: Property, old: Any, new: Any) -> bool:
    if is_empty(old) or is_empty(new):
        return is_empty(old) and is_empty(new)
    if is_archive(old) and is_archive(new):
        # Of the old side the engine keeps the hash alone.
        return bool(old.get("hash") == new.get("hash"))
    if member.canonical is not None:
        return bool(member.canonical(old) == member.canonical(new))
    if member.kind is Kind.LIST and member.item is not None and isinstance(old, list) and isinstance(new, list):
        item = member.item
        return len(old) == len(new) and not any(
            True for a, b in zip(old, new, strict=True) for _ in _changes("", item, a, b, False)
        )
    return bool(old == new)


def blend(fields: Mapping[str, Property], given: Mapping[str, Any], live: Mapping[str, Any]) -> Props:
    """What the stack remembers: what AWS holds, in the program's own spelling wherever that means the same.

    Properties that AWS (or the emulator) does not store are remembered as given, unless ``live`` names them.
    """
    remembered = {
        name: given.get(name) if member.record_only else live.get(name, given.get(name))
        for name, member in fields.items()
        if _unstored(member)
    }
    spelled = {
        name: _blend_value(fields[name], given[name], live[name])
        for name in fields
        if name in given and name in live and not _unstored(fields[name])
    }
    return {key: value for key, value in {**live, **spelled, **remembered}.items() if value is not None}


def _unstored(member: Property) -> bool:
    return member.local or member.record_only


def _blend_value(member: Property, given: Any, live: Any) -> Any:
    both_objects = isinstance(given, Mapping) and isinstance(live, Mapping)
    if member.kind is Kind.OBJECT and member.canonical is None and both_objects:
        return blend(member.fields, given, live)
    return live if any(True for _ in _changes("", member, live, given, False)) else given


def refreshed_inputs(fields: Mapping[str, Property], given: Mapping[str, Any], live: Mapping[str, Any]) -> Props:
    """The inputs after a refresh: what the program had set, with the values that AWS holds now."""
    return {name: _narrow(fields.get(name), value, live[name]) for name, value in given.items() if name in live}


def _narrow(member: Property | None, given: Any, live: Any) -> Any:
    if member and member.kind is Kind.OBJECT and isinstance(given, Mapping) and isinstance(live, Mapping):
        return {name: _narrow(member.fields.get(name), given[name], live[name]) for name in given if name in live}
    return live


def imported_inputs(fields: Mapping[str, Property], live: Mapping[str, Any]) -> Props:
    """Inputs for a resource that was imported: every property that holds more than its default."""
    return {
        name: live[name]
        for name, member in fields.items()
        if name in live and not is_empty(live[name]) and live[name] != _effective(member, None)
    }
