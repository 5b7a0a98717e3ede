"""What an actor does when its calls come one after the other: all that a history is held against."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from random import Random
from typing import Any, Final, TypeAlias

from trebuche.documents import Json, dumps
from trebuche.errors import MalformedError

Plain: TypeAlias = Callable[[Json], Json]
Arguments: TypeAlias = tuple[Json, ...]


class _Refused:
    def __repr__(self) -> str:
        return "REFUSED"


REFUSED: Final = _Refused()
"""The outcome of a call that the actor refuses by raising ``ActorFailure``; it changes nothing."""


def as_it_is(state: Json) -> Json:
    """Nothing is added by any code."""
    return state


def only(*members: str) -> Plain:
    """Makes a ``plain`` that keeps these members of a state; those that are null count as absent."""

    def plain(state: Json) -> Json:
        if not isinstance(state, dict):
            return state
        return {name: state[name] for name in members if state.get(name) is not None}

    return plain


@dataclass(frozen=True, kw_only=True)
class Specification:
    """An actor as a sequential machine.

    Attributes:
        initial: Its first state; hashable, of whatever shape is handy.
        apply: Next state and outcome (the result as JSON, or ``REFUSED``) of a call, from the state, the method's name
            on the wire and the arguments.
        calls: Draws a call: method and arguments.
        shows: The actor's stored state, as JSON, that a state of this machine stands for.
        plain: A stored state, as JSON, without what only newer code knows (``only`` makes one): so states are compared
            where a deployment is in the middle. By default what the oldest code knows.
    """

    initial: Hashable
    apply: Callable[[Any, str, Arguments], tuple[Hashable, object]]
    calls: Callable[[Random], tuple[str, Arguments]]
    shows: Callable[[Any], Json]
    plain: Plain = as_it_is

    def draw(self, random: Random) -> tuple[str, Arguments]:
        """A call.

        Raises:
            TypeError: What was drawn is none.
        """
        method, arguments = self.calls(random)
        try:
            dumps(list(arguments))
            fits = isinstance(method, str) and isinstance(arguments, tuple)
        except (MalformedError, TypeError):
            fits = False
        if not fits:
            wanted = "a method's name on the wire and its arguments, a tuple of JSON values (an enum is its raw value)"
            raise TypeError(f"Specification.calls has to draw {wanted}; it drew {method!r}, {arguments!r}")
        return method, arguments

    def step(self, state: Hashable, method: str, arguments: Arguments) -> tuple[Hashable, object]:
        """Next state and outcome of a call.

        Raises:
            TypeError: They are none.
        """
        result: object = self.apply(state, method, arguments)
        match result:
            case (after, outcome):
                return after, outcome
        told = f"for {method}{arguments!r} it returned {result!r}"
        raise TypeError(f"Specification.apply has to return (next state, outcome); {told}")
