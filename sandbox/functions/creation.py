"""What CreateFunction and UpdateFunctionConfiguration refuse, with Lambda's own texts; pure."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sandbox.aws import Json
from sandbox.functions.limits import (
    ARCHITECTURES,
    ENVIRONMENT_BYTES,
    MEMORY_MB,
    RESERVED_VARIABLES,
    TIMEOUT_SECONDS,
    UPLOAD_BYTES,
)

_INVALID: Final = "InvalidParameterValueException"
_UNABLE: Final = (
    "Lambda was unable to configure your environment variables because the environment variables you have provided "
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error of the API: its HTTP status, name and text."""

    status: int
    code: str
    message: str


def refuse_upload(size: int, operation: str) -> Refusal | None:
    """A request with code that is too long, before its content is looked at.

    Args:
        size: Bytes of the request's body, the code in base64.
        operation: ``CreateFunction`` or ``UpdateFunctionCode``.
    """
    if size <= UPLOAD_BYTES:
        return None
    text = f"Request must be smaller than {UPLOAD_BYTES} bytes for the {operation} operation"
    return Refusal(413, "RequestEntityTooLargeException", text)


def refuse_configuration(document: Json) -> Refusal | None:
    """The first thing in a function's configuration that Lambda does not take; None when there is none."""
    return next(_refusals(document), None)


def _refusals(document: Json) -> Iterator[Refusal]:
    yield from _out_of_range("memorySize", document.get("MemorySize"), MEMORY_MB)
    yield from _out_of_range("timeout", document.get("Timeout"), TIMEOUT_SECONDS)
    architectures = document.get("Architectures")
    if architectures is not None and (len(architectures) != 1 or not set(architectures) <= set(ARCHITECTURES)):
        allowed = f"Member must satisfy enum value set: [{', '.join(ARCHITECTURES)}]"
        yield _unsatisfied("architectures", f"[{', '.join(map(str, architectures))}]", allowed)
    variables = (document.get("Environment") or {}).get("Variables") or {}
    if reserved := sorted(RESERVED_VARIABLES.intersection(variables)):
        text = (
            "contains reserved keys that are currently not supported for modification. "
            f"Reserved keys used in this request: {', '.join(reserved)}"
        )
        yield Refusal(400, _INVALID, _UNABLE + text)
    if sum(len(name.encode()) + len(str(value).encode()) for name, value in variables.items()) > ENVIRONMENT_BYTES:
        measured = json.dumps(variables, separators=(",", ":"))
        yield Refusal(400, _INVALID, f"{_UNABLE}exceeded the 4KB limit. String measured: {measured}")


def _out_of_range(name: str, value: object, limits: tuple[int, int]) -> Iterator[Refusal]:
    low, high = limits
    if not isinstance(value, int):
        return
    if value < low:
        yield _unsatisfied(name, str(value), f"Member must have value greater than or equal to {low}")
    elif value > high:
        yield _unsatisfied(name, str(value), f"Member must have value less than or equal to {high}")


def _unsatisfied(name: str, value: str, rule: str) -> Refusal:
    text = f"1 validation error detected: Value '{value}' at '{name}' failed to satisfy constraint: {rule}"
    return Refusal(400, "ValidationException", text)
