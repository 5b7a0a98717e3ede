"""What Lambda's API demands of single values, and how it says that one does not do (Lambda API reference). Pure."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.aws import Json

Check = Callable[[Any], Iterator[str]]
"""Yields each rule that a value breaks, in the API's words; a value of another type is left to the emulator."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error of the API: its HTTP status, name and text."""

    status: int
    code: str
    message: str


def between(low: int, high: int | None = None) -> Check:
    """A whole number from ``low`` to ``high``, both included."""

    def check(value: object) -> Iterator[str]:
        if not isinstance(value, int) or isinstance(value, bool):
            return
        if value < low:
            yield f"Member must have value greater than or equal to {low}"
        elif high is not None and value > high:
            yield f"Member must have value less than or equal to {high}"

    return check


def text(*, longest: int | None = None, pattern: str | None = None) -> Check:
    """A text of at most so many characters and of a form."""

    def check(value: object) -> Iterator[str]:
        if not isinstance(value, str):
            return
        if longest is not None and len(value) > longest:
            yield f"Member must have length less than or equal to {longest}"
        if pattern is not None and not re.fullmatch(pattern, value, re.ASCII):
            yield f"Member must satisfy regular expression pattern: {pattern}"

    return check


def one_of(values: Collection[str]) -> Check:
    """One of a few words."""

    def check(value: object) -> Iterator[str]:
        if value not in values:
            yield f"Member must satisfy enum value set: [{', '.join(values)}]"

    return check


def violations(document: Json, checks: Mapping[str, Check], *, required: Collection[str] = ()) -> Iterator[str]:
    """Each rule that a request breaks, with the value and its place.

    Args:
        document: The request; what is null is as good as missing.
        checks: By member, dotted where it lies deeper, such as ``EphemeralStorage.Size``.
        required: The members of ``checks`` that must be there.
    """
    for path, check in checks.items():
        value = _at(document, path)
        if value is None:
            if path in required:
                yield broken("Value null", path, "Member must not be null")
            continue
        for rule in check(value):
            yield broken(f"Value '{value}'", path, rule)


def broken(value: str, path: str, rule: str) -> str:
    """One validation error, as the API lists it."""
    place = ".".join(name[0].lower() + name[1:] for name in path.split("."))
    return f"{value} at '{place}' failed to satisfy constraint: {rule}"


def refuse_violations(errors: Collection[str]) -> Refusal | None:
    """The API's answer to broken rules, which names them all; None when there are none."""
    if not errors:
        return None
    count = f"{len(errors)} validation error{'s' if len(errors) > 1 else ''} detected"
    return Refusal(400, "ValidationException", f"{count}: {'; '.join(errors)}")


def _at(document: Json, path: str) -> object:
    value: object = document
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value
