"""What an actor does when its calls come one after the other: all that a history is held against."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from random import Random
from typing import Any, Final, TypeAlias

from trebuche.documents import Json

Arguments: TypeAlias = tuple[Json, ...]


class _Refused:
    def __repr__(self) -> str:
        return "REFUSED"


REFUSED: Final = _Refused()
"""The outcome of a call that the actor refuses by raising ``ActorFailure``; it changes nothing."""


@dataclass(frozen=True, kw_only=True)
class Specification:
    """An actor as a sequential machine.

    Attributes:
        initial: Its first state; hashable, of whatever shape is handy.
        apply: Next state and outcome (the result as JSON, or ``REFUSED``) of a call, from the state, the method's name
            on the wire and the arguments.
        calls: Draws a call: method and arguments.
        shows: The actor's stored state, as JSON, that a state of this machine stands for.
    """

    initial: Hashable
    apply: Callable[[Any, str, Arguments], tuple[Hashable, object]]
    calls: Callable[[Random], tuple[str, Arguments]]
    shows: Callable[[Any], Json]
