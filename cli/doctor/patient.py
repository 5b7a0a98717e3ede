"""A running stack to be examined, and what a check of it is."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from cli.target import Target
from policies.model import ERROR, Stack

Said = tuple[str, str, str]
"""Where, what, and how to mend it."""


@dataclass(frozen=True, slots=True)
class Patient:
    """A running stack, and the way to AWS."""

    target: Target
    stack: Stack


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveRule:
    """A check that asks AWS; as a ``Rule`` of ``policies`` otherwise."""

    id: str
    title: str
    sources: tuple[str, ...]
    check: Callable[[Patient], Iterator[Said]]
    severity: str = ERROR
