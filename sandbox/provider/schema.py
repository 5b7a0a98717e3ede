"""A small package schema out of the table: what ``pulumi import`` needs to write code."""

import json
from collections.abc import Mapping
from typing import Any

from sandbox.provider.properties import Kind, Property
from sandbox.provider.table import ResourceType

_ANY = {"$ref": "pulumi.json#/Any"}
_SIMPLE = {Kind.STRING: "string", Kind.INTEGER: "integer", Kind.NUMBER: "number", Kind.BOOLEAN: "boolean"}


def render(table: Mapping[str, ResourceType], version: str) -> str:
    """The schema as JSON text."""
    resources = {token: _resource(row) for token, row in sorted(table.items())}
    return json.dumps({"name": "aws", "version": version, "resources": resources})


def _resource(row: ResourceType) -> dict[str, Any]:
    inputs = {name: _type(member) for name, member in row.fields.items()}
    outputs = {name: {"type": "string"} for name in row.outputs}
    required = [name for name, member in row.fields.items() if member.required]
    return {"inputProperties": inputs, "requiredInputs": required, "properties": {**outputs, **inputs}}


def _type(member: Property) -> dict[str, Any]:
    if member.kind in _SIMPLE:
        return {"type": _SIMPLE[member.kind]}
    if member.kind is Kind.ARCHIVE:
        return {"$ref": "pulumi.json#/Archive"}
    if member.kind is Kind.LIST:
        return {"type": "array", "items": _type(member.item) if member.item else _ANY}
    return {"type": "object", "additionalProperties": _type(member.item) if member.item else _ANY}
