"""An actor as an object: ``await todos.add_todo("…")``, ``async for state in todos.observe("state")``.

No type in Python says "the methods of this class, each to be awaited". So ``todos.add_todo`` is typed as whatever is
awaited, on purpose; ``todos.call(TodoList.add_todo, "…")`` is typed in full: arguments, names and result.
"""

from collections.abc import Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any, Concatenate, Final, Generic, Literal, ParamSpec, Protocol, TypeVar, overload

from trebuche.actor_types import ActorType
from trebuche.actors import Actor
from trebuche.envelopes import FilterType, StreamFilter
from trebuche.naming import snake_to_camel
from trebuche_client.codec import Codec, PlainCodec, TypedCodec
from trebuche_client.observation import Observation
from trebuche_client.stream import Stream

S = TypeVar("S")
P = ParamSpec("P")
R = TypeVar("R")
_LATEST: Final = "latest"
"""Name of the custom filter by which a subscriber asks for the newest value per window only."""


class Caller(Protocol):
    """What carries calls and streams."""

    async def call(
        self, actor_id: str, method: str, arguments: Sequence[bytes] = (), *, timeout: float | None = None
    ) -> bytes:
        """Call a method and wait for its result."""
        ...

    def stream(
        self, actor_id: str, target: str, *, wanted: StreamFilter | None = None, latest: bool = False
    ) -> AbstractAsyncContextManager[Stream]:
        """A stream of an observed property."""
        ...


class ActorProxy(Generic[S]):
    """One actor, whose state is an ``S``. Every other attribute is a method of it, called with ``await``.

    Args:
        caller: What carries calls and streams.
        actor_id: The actor's id.
        codec: How its names and values travel.

    Attributes:
        actor_id: The actor's id.
    """

    def __init__(self, caller: Caller, actor_id: str, codec: Codec) -> None:
        self.actor_id = actor_id
        self._caller = caller
        self._codec = codec

    @classmethod
    def of(cls, caller: Caller, actor: str | type[Actor[Any]], key: str | None) -> "ActorProxy[Any]":
        """The actor of an id, or of a class and a key."""
        actor_type = None if isinstance(actor, str) else ActorType(actor)
        codec = PlainCodec() if actor_type is None else TypedCodec(actor_type)
        name = actor if actor_type is None else actor_type.exposed_as
        return cls(caller, str(name) if key is None else f"{name}/{key}", codec)

    def __getattr__(self, name: str) -> Callable[..., Coroutine[Any, Any, Any]]:
        """A method of the actor.

        Raises:
            AttributeError: The class that was resolved has no such method.
        """
        # Python's own machinery asks for such names (`__deepcopy__`); no actor has them.
        if name.startswith("_"):
            raise AttributeError(name)
        # For its error: a class knows which methods there are.
        self._codec.method(name)
        return partial(self.call, name)

    @overload
    async def call(self, method: str, /, *arguments: object, timeout: float | None = None, **named: object) -> Any: ...
    @overload
    async def call(self, method: Callable[Concatenate[Any, P], R], /, *arguments: P.args, **named: P.kwargs) -> R: ...

    async def call(self, method: str | Callable[..., Any], /, *arguments: object, **named: Any) -> Any:
        """Call a method; what it takes and returns is what the class declares, else plain JSON values.

        Args:
            method: Its name, as Python or the wire spells it, or the class's own function (``TodoList.add_todo``).
            arguments: By position.
            named: By name, where the class was resolved. With a name as ``method``, ``timeout`` is how many seconds to
                wait, drops and repetitions included.

        Raises:
            TypeError: An argument does not fit, or only the class could tell.
            CallFailedError: The answer is an error.
            CallTimeoutError: No answer came in time.
        """
        timeout: float | None = None
        if isinstance(method, str):
            name, timeout = method, named.pop("timeout", None)
        else:
            name = self._codec.name_of(method)
        documents = self._codec.arguments(name, arguments, named)
        result = await self._caller.call(self.actor_id, self._codec.method(name), documents, timeout=timeout)
        return self._codec.result(name, result)

    @overload
    def observe(
        self,
        name: Literal["state"] = "state",
        *,
        wanted: StreamFilter | None = None,
        latest_per_ms: int | None = None,
    ) -> Observation[S]: ...
    @overload
    def observe(
        self, name: str, *, wanted: StreamFilter | None = None, latest_per_ms: int | None = None
    ) -> Observation[Any]: ...

    def observe(
        self, name: str = "state", *, wanted: StreamFilter | None = None, latest_per_ms: int | None = None
    ) -> Observation[Any]:
        """A property as it changes: its value now, then each one after a change, in order, across drops.

        Args:
            name: The whole state, or a top-level key of it.
            wanted: Which values are wanted.
            latest_per_ms: Ask for no more than the newest value per window of so many milliseconds, and keep only the
                newest that waits unread.

        Raises:
            AttributeError: The class that was resolved has no such property.
            ValueError: Both a filter and the latest value were asked for.
        """
        if latest_per_ms is not None:
            if wanted is not None:
                raise ValueError("a stream has one filter: ask for the latest values or for those of a filter")
            wanted = StreamFilter(FilterType.CUSTOM, _LATEST, {"window": str(latest_per_ms)})
        property_name = snake_to_camel(name)
        target = f"observe{property_name[:1].upper()}{property_name[1:]}"
        latest = latest_per_ms is not None
        stream = partial(self._caller.stream, self.actor_id, target, wanted=wanted, latest=latest)
        return Observation(stream, self._codec.property(name))
