"""Whether a request to CloudWatch has the form that its API demands, by the model that SDKs are made from."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from sandbox.aws import Json
from sandbox.aws_models import service_model
from sandbox.telemetry.refusal import INVALID, RefusedError

_TYPES: Final[Mapping[str, type | tuple[type, ...]]] = {
    "structure": dict,
    "list": list,
    "string": str,
    "boolean": bool,
    "integer": int,
    "double": (int, float),
    "timestamp": (datetime, int, float),
}
_NO_NUMBERS: Final = ("NaN", "Infinity", "-Infinity")
"""How SDKs write what is a number to them only."""


def check_form(operation: str, document: Json) -> None:
    """Hold a request against types, mandatory members, lengths, ranges and words.

    Raises:
        RefusedError: The text names each member that does not do, as AWS does.
    """
    errors = list(_errors(service_model("cloudwatch").operation_model(operation).input_shape, document, ""))
    if errors:
        count = f"{len(errors)} validation error{'s' if len(errors) > 1 else ''} detected"
        raise RefusedError(INVALID, f"{count}: {'; '.join(errors)}")


def _errors(shape: Any, value: Any, place: str) -> Iterator[str]:
    if not _is_of(shape.type_name, value):
        yield _broken(value, place, f"Member must be of type {shape.type_name}")
        return
    yield from (_broken(value, place, rule) for rule in _rules(shape.metadata, value))
    if shape.type_name == "structure":
        yield from _errors_of_members(shape, value, place)
    elif shape.type_name == "list":
        for number, one in enumerate(value, 1):
            yield from _errors(shape.member, one, f"{place}.{number}.member")


def _is_of(kind: str, value: object) -> bool:
    if kind == "double" and value in _NO_NUMBERS:
        return True
    # To Python a truth value is a number, to the API it is not.
    return isinstance(value, _TYPES.get(kind, object)) and (kind == "boolean" or not isinstance(value, bool))


def _errors_of_members(shape: Any, value: Json, place: str) -> Iterator[str]:
    for name, member in shape.members.items():
        inner = f"{place}.{name[0].lower()}{name[1:]}".lstrip(".")
        if value.get(name) is not None:  # what is null is as good as missing
            yield from _errors(member, value[name], inner)
        elif name in shape.required_members:
            yield f"Value null at '{inner}' failed to satisfy constraint: Member must not be null"


def _rules(limits: Mapping[str, Any], value: Any) -> Iterator[str]:
    """Each limit of the model that a value breaks."""
    if isinstance(value, str):
        if "enum" in limits and value not in limits["enum"]:
            yield f"Member must satisfy enum value set: [{', '.join(limits['enum'])}]"
        if "pattern" in limits and not re.fullmatch(limits["pattern"], value, re.DOTALL):
            yield f"Member must satisfy regular expression pattern: {limits['pattern']}"
    size, what = (len(value), "length") if isinstance(value, str | list) else (value, "value")
    if isinstance(size, int | float):
        if size < limits.get("min", size):
            yield f"Member must have {what} greater than or equal to {limits['min']}"
        if size > limits.get("max", size):
            yield f"Member must have {what} less than or equal to {limits['max']}"


def _broken(value: Any, place: str, rule: str) -> str:
    return f"Value '{value}' at '{place}' failed to satisfy constraint: {rule}"
