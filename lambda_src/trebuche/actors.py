"""What an author of actors writes against.

    @dataclass
    class Counts:
        clicks: int = 0

    class Counter(Actor[Counts], exposed_as="counter"):
        @distributed
        def click(self) -> int:
            self.state.clicks += 1
            return self.state.clicks

A method runs on a copy of the stored state: what it leaves in ``self.state`` is stored when it returns, and nothing is
when it raises. It may run more than once for one call, so it must have no other effects.

A state outlives the code that wrote it. A new field with a default needs nothing; for any other change of shape raise
``schema`` and say how an older document becomes one of today:

    class Counter(Actor[Counts], exposed_as="counter"):
        schema = 2

        @classmethod
        def migrate(cls, old: dict[str, Any], schema: int) -> dict[str, Any]:
            return {"clicks": old["count"]}
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, ClassVar, Generic, TypeVar, overload
from uuid import UUID, uuid5

from trebuche.errors import ActorFailure

__all__ = ["Actor", "ActorFailure", "distributed", "query"]

StateT = TypeVar("StateT")
MethodT = TypeVar("MethodT", bound=Callable[..., Any])

MARK = "__distributed_name__"
ALIASES_MARK = "__distributed_aliases__"
QUERY_MARK = "__distributed_query__"


class Actor(Generic[StateT]):
    """Base of all actors; ``StateT`` is a dataclass that can be made without arguments, or None.

    Class arguments:
        exposed_as: The name clients use. Each ``<name>`` and ``<name>/<key>`` is an actor with a state of its own.

    Attributes:
        id: This actor's id, such as ``todos`` or ``todos/groceries``.
        state: The state, to be changed in place or replaced.
    """

    exposed_as: ClassVar[str] = ""
    schema: ClassVar[int] = 1
    """Stored with the state; raise it when the state's shape changes incompatibly."""

    id: str
    state: StateT

    def __init_subclass__(cls, *, exposed_as: str | None = None, **others: Any) -> None:
        super().__init_subclass__(**others)
        if exposed_as is not None:
            cls.exposed_as = exposed_as

    def __init__(self, actor_id: str, state: StateT, *, now_ms: int, seed: UUID) -> None:
        self.id = actor_id
        self.state = state
        self._now_ms = now_ms
        self._seed = seed
        self._ids_made = 0

    @cached_property
    def now(self) -> datetime:
        """When the call reached the backend."""
        return datetime.fromtimestamp(self._now_ms / 1000, UTC)

    @classmethod
    def migrate(cls, old: dict[str, Any], schema: int) -> dict[str, Any]:  # noqa: ARG003  (for those who override it)
        """A stored state of an older ``schema``, as plain JSON, in the shape of today's.

        Args:
            old: The document as it was stored; keys in camelCase.
            schema: The ``schema`` it was stored under, lower than the class's. May be left out of an override.
        """
        return old

    def new_id(self) -> str:
        """A new unique id, upper case as UUIDs are on the wire; the same ones when the turn has to be run again."""
        self._ids_made += 1
        return str(uuid5(self._seed, str(self._ids_made))).upper()


@overload
def distributed(method: MethodT, /) -> MethodT: ...
@overload
def distributed(*, name: str = "", aliases: Iterable[str] = ()) -> Callable[[MethodT], MethodT]: ...
def distributed(
    method: MethodT | None = None, /, *, name: str = "", aliases: Iterable[str] = ()
) -> MethodT | Callable[[MethodT], MethodT]:
    """Let clients call a method; its parameters and result need type hints.

    Args:
        method: The method, when used without parentheses.
        name: What clients call it; by default the method's name in camelCase.
        aliases: What else it answers to: names that it had before, so that older clients find it, or whole mangled
            identifiers of Swift methods (for overloads, and for names that are not ASCII).
    """
    others = _texts(aliases)

    def mark(function: MethodT) -> MethodT:
        setattr(function, MARK, name)
        setattr(function, ALIASES_MARK, others)
        return function

    return mark(method) if method is not None else mark


@overload
def query(method: MethodT, /) -> MethodT: ...
@overload
def query(*, name: str = "", aliases: Iterable[str] = ()) -> Callable[[MethodT], MethodT]: ...
def query(
    method: MethodT | None = None, /, *, name: str = "", aliases: Iterable[str] = ()
) -> MethodT | Callable[[MethodT], MethodT]:
    """Let clients call a method that only looks: nothing is ever written for it, and it never has to wait for others.

    A query that changes the state is a defect: its caller gets an error, and the change is dropped.

    Args:
        method: The method, when used without parentheses.
        name: As for ``distributed``.
        aliases: As for ``distributed``.
    """

    def mark(function: MethodT) -> MethodT:
        setattr(function, QUERY_MARK, True)
        return distributed(name=name, aliases=aliases)(function)

    return mark(method) if method is not None else mark


def _texts(aliases: Iterable[str]) -> tuple[str, ...]:
    if isinstance(aliases, str):
        raise TypeError(f'aliases="{aliases}" is one text; write aliases=["{aliases}"]')
    return tuple(aliases)
