"""Wire names ↔ AWS API names, driven by the property descriptions."""

from collections.abc import Container, Mapping
from typing import Any

from sandbox.provider.properties import Kind, Property, Props


def pascal(name: str) -> str:
    """``batchSize`` → ``BatchSize``: how most AWS APIs spell a wire name."""
    return name[:1].upper() + name[1:]


def to_api(fields: Mapping[str, Property], props: Mapping[str, Any], only: Container[str] | None = None) -> Props:
    """API arguments for the properties that are set (and, with ``only``, named there); local ones are left out."""
    return {
        member.api or pascal(name): _outward(member, props[name])
        for name, member in fields.items()
        if props.get(name) is not None and not member.local and (only is None or name in only)
    }


def _outward(member: Property, value: Any) -> Any:
    if member.kind is Kind.OBJECT and isinstance(value, Mapping):
        return to_api(member.fields, value)
    if member.kind is Kind.LIST and member.item is not None:
        return [_outward(member.item, item) for item in value]
    return value


def from_api(fields: Mapping[str, Property], answer: Mapping[str, Any]) -> Props:
    """Wire properties for what an API answered; names it did not answer stay out."""
    return {
        name: _inward(member, answer[member.api or pascal(name)])
        for name, member in fields.items()
        if not member.local and answer.get(member.api or pascal(name)) is not None
    }


def _inward(member: Property, value: Any) -> Any:
    if member.kind is Kind.OBJECT and isinstance(value, Mapping):
        return from_api(member.fields, value)
    if member.kind is Kind.LIST and member.item is not None and isinstance(value, list):
        return [_inward(member.item, item) for item in value]
    return value


def named(pairs: Mapping[str, str] | None, key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
    """A map as the list of pairs that older AWS APIs want for tags and attributes."""
    return [{key: name, value: text} for name, text in sorted((pairs or {}).items())]


def unnamed(pairs: list[dict[str, str]] | None, key: str = "Key", value: str = "Value") -> dict[str, str]:
    """The reverse of :func:`named`."""
    return {pair[key]: pair[value] for pair in pairs or []}
