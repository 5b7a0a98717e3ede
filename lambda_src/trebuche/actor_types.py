"""An actor class as the runtime uses it: its methods with their types, its state's type, its observable properties."""

import dataclasses
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import NoneType
from typing import Any, Final, get_args, get_type_hints
from uuid import UUID

from trebuche.actors import ALIASES_MARK, MARK, QUERY_MARK, Actor
from trebuche.documents import Json, canonical, loads
from trebuche.errors import ActorError, MalformedError, NewerStateError, ProtocolError, StateError
from trebuche.naming import snake_to_camel
from trebuche.records import unknown_members
from trebuche.targets import base_name
from trebuche.type_documents import shape_of
from trebuche.values import from_json, plan_of

WHOLE_STATE: Final = "state"
"""The property that ``observeState`` names: the whole state."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a method, by position."""

    name: str
    type: object
    required: bool


@dataclass(frozen=True, slots=True)
class Method:
    """A method that clients can call."""

    name: str
    attribute: str
    parameters: tuple[Parameter, ...]
    returns: object
    query: bool
    """Whether it only looks."""
    aliases: tuple[str, ...] = ()
    """What else it answers to."""

    def read(self, arguments: tuple[bytes, ...]) -> tuple[list[Any], list[Json]]:
        """The arguments as values, and as plain JSON.

        Raises:
            ActorError: Too few, too many, not JSON, or of another type.
        """
        if len(arguments) != len(self.parameters):
            self._check_count(len(arguments))
        documents = self._parsed(arguments)
        return self._typed(documents), documents

    def write(self, result: object) -> bytes:
        """The JSON document of a result; empty for a method without one.

        Raises:
            TypeError: The method returned something else than it declares.
        """
        if self.returns is NoneType:
            return b""
        try:
            return plan_of(self.returns).to_text(result)
        except MalformedError as error:
            raise TypeError(f"{self.attribute} returned something else than it declares: {error}") from error

    def _check_count(self, given: int) -> None:
        most = len(self.parameters)
        least = sum(parameter.required for parameter in self.parameters)
        if not least <= given <= most:
            expected = str(most) if least == most else f"{least} to {most}"
            raise ActorError(f"{self.name}: expected {expected} argument{'s' * (most != 1)}, got {given}")

    def _parsed(self, arguments: tuple[bytes, ...]) -> list[Json]:
        documents: list[Json] = []
        try:
            for argument in arguments:
                documents.append(loads(argument))
        except MalformedError as error:
            raise ActorError(f"{self.name}: argument {len(documents) + 1}: {error}") from None
        return documents

    def _typed(self, documents: list[Json]) -> list[Any]:
        values: list[Any] = []
        try:
            for parameter, document in zip(self.parameters, documents, strict=False):
                values.append(from_json(parameter.type, document))
        except MalformedError as error:
            place = f"argument {len(values) + 1} ({self.parameters[len(values)].name})"
            raise ActorError(f"{self.name}: {place}: {error}") from None
        return values


class ActorType:
    """A class of actors, ready to be called.

    Args:
        actor_class: The class.
        exposed_as: The name clients use; by default the one the class declares.
        stateful: Whether state is kept between calls.
        window_ms: Milliseconds per value for its subscribers, who get the latest; 0 when they get every one.

    Raises:
        TypeError: The class cannot be exposed: no name, no usable state type or one with slots, a method without hints
            or with a type that has no wire form.
    """

    def __init__(
        self,
        actor_class: type[Actor[Any]],
        *,
        exposed_as: str | None = None,
        stateful: bool = True,
        window_ms: int = 0,
    ) -> None:
        self.actor_class = actor_class
        self.exposed_as = exposed_as or actor_class.exposed_as
        self.stateful = stateful
        self.window_ms = window_ms
        if not self.exposed_as:
            raise TypeError(
                f'{actor_class.__name__} has no name; write class {actor_class.__name__}(…, exposed_as="…")'
            )
        self.state_type = _state_type(actor_class)
        self._state = plan_of(self.state_type)
        self._stored = plan_of(self.state_type, keep_unknown=stateful)
        methods = list(_methods(actor_class))
        self.methods: Mapping[str, Method] = _by_name(actor_class, ((method.name, method) for method in methods))
        named = [(name, method) for method in methods for name in (method.name, *method.aliases)]
        self.targets: Mapping[str, Method] = _by_name(actor_class, named)

    @property
    def schema(self) -> int:
        """Stored with each state."""
        return self.actor_class.schema

    @cached_property
    def properties(self) -> frozenset[str]:
        """What can be observed: the whole state, and each of its top-level keys."""
        if not dataclasses.is_dataclass(self.state_type):
            return frozenset({WHOLE_STATE})
        return frozenset({WHOLE_STATE, *map(_key, dataclasses.fields(self.state_type))})

    @cached_property
    def shape(self) -> str:
        """Stored with each state: other code, which knows other members or another schema, has another one."""
        return shape_of(self.state_type, self.schema)

    @cached_property
    def initial_state(self) -> bytes:
        """JSON document of what a fresh actor holds."""
        return self.write_state(self.fresh_state())

    def method(self, target: str) -> Method:
        """The method that a target identifier names: as registered, as Python spells it, or mangled by Swift.

        A mangled identifier means the method with its base name, whatever its labels and types; a whole identifier that
        is registered as an alias comes first.

        Raises:
            ActorError: There is none.
            ProtocolError: The identifier cannot name a method.
        """
        if (exact := self.targets.get(target)) is not None:
            return exact
        name = base_name(target)
        by_attribute = (method for method in self.methods.values() if method.attribute == name)
        found = self.targets.get(name) or next(by_attribute, None)
        if found is None:
            known = ", ".join(sorted(self.methods)) or "none"
            raise ActorError(f"Method '{name}' not found on '{self.exposed_as}'; there are: {known}")
        return found

    def names_of(self, target: str) -> tuple[str, ...]:
        """Everything that the method answers to which a target identifier names, its own name first; empty for none."""
        try:
            method = self.method(target)
        except (ActorError, ProtocolError):
            return ()
        return (method.name, method.attribute, *method.aliases)

    def fresh_state(self) -> Any:
        """The state of an actor that was never called."""
        return None if self.state_type is NoneType else self.state_type()

    def read_state(self, actor_id: str, document: bytes, schema: int) -> Any:
        """A stored state as its type, migrated if it is older; members that it does not declare are carried along.

        Args:
            actor_id: Whose it is.
            document: JSON document.
            schema: What it was stored under.

        Raises:
            NewerStateError: Newer code has stored it.
            StateError: It does not fit the type, or could not be migrated; names actor, schema and field.
        """
        # While a deployment is under way both codes run: the older one must not write back what it does not understand.
        if schema > self.schema:
            raise NewerStateError(
                f"the state of '{actor_id}' was stored under schema {schema}, and this code knows {self.schema}; "
                "it was left as it is"
            )
        try:
            plain = loads(document)
            if schema < self.schema:
                plain = self._migrate(plain, schema)
            return self._stored.from_json(plain)
        except MalformedError as error:
            raise StateError(f"the stored state of '{actor_id}' (schema {schema}) cannot be read: {error}") from error
        except _MigrationError as error:
            # The author's own exception is what belongs into the log, not our wrapping of it.
            raise StateError(
                f"the stored state of '{actor_id}' could not be migrated from schema {schema} to {self.schema}: {error}"
            ) from error.__cause__

    def today(self, actor_id: str, document: bytes, schema: int) -> bytes:
        """A stored state as this code would store it: migrated, with defaults for new members.

        Raises:
            StateError: As ``read_state``.
        """
        return self.write_state(self.read_state(actor_id, document, schema))

    def _migrate(self, plain: Json, schema: int) -> Json:
        migrate: Callable[..., Json] = self.actor_class.migrate
        # An override may leave the second one out.
        words = (plain, schema)[: len(inspect.signature(migrate).parameters)]
        try:
            return migrate(*words)
        except Exception as error:
            raise _MigrationError(f"{type(error).__name__}: {error}") from error

    def write_state(self, state: object, *, instead_of: object = None) -> bytes:
        """The JSON document of a state, one spelling per value so that unchanged states are equal.

        Args:
            state: The state.
            instead_of: The one before it, of which are kept the top-level members that this code does not know: the
                object that carried them may be another one by now.

        Raises:
            TypeError: The state is not of its type.
        """
        carried = unknown_members(instead_of)
        try:
            if not carried:
                return self._state.to_text(state)
            plain: Any = self._state.to_json(state)
            return canonical({**carried, **plain})
        except MalformedError as error:
            raise TypeError(f"the state of {self.actor_class.__name__} is not what it declares: {error}") from error

    def instance(self, actor_id: str, state: Any, *, now_ms: int, seed: UUID) -> Actor[Any]:
        """An actor for the length of one turn."""
        return self.actor_class(actor_id, state, now_ms=now_ms, seed=seed)


def _key(field: dataclasses.Field[Any]) -> str:
    return str(field.metadata.get("key", snake_to_camel(field.name)))


class _MigrationError(Exception):
    """A ``migrate`` of the actor's author failed."""


def _state_type(actor_class: type[Actor[Any]]) -> type[Any]:
    # Each class's own bases: `Actor[…]` may stand at a base class that the author's actors share.
    for class_ in actor_class.__mro__:
        for base in class_.__dict__.get("__orig_bases__", ()):
            if getattr(base, "__origin__", None) is Actor:
                return _checked_state(actor_class, get_args(base)[0])
    raise TypeError(
        f"{actor_class.__name__} says nothing about its state; write class {actor_class.__name__}(Actor[…])"
    )


def _checked_state(actor_class: type[Actor[Any]], state_type: Any) -> type[Any]:
    if state_type is None or state_type is NoneType:
        return NoneType
    if not isinstance(state_type, type) or not dataclasses.is_dataclass(state_type):
        raise TypeError(f"{actor_class.__name__}: the state must be a dataclass, not {state_type}")
    plan_of(state_type)
    missing = [
        parameter.name
        for parameter in inspect.signature(state_type).parameters.values()
        if parameter.default is parameter.empty
    ]
    if missing:
        raise TypeError(
            f"{state_type.__name__}: {', '.join(missing)} needs a default, for actors that have no state yet"
        )
    return state_type


def _methods(actor_class: type[Actor[Any]]) -> Iterator[Method]:
    for attribute, function in inspect.getmembers(actor_class, inspect.isfunction):
        name = getattr(function, MARK, None)
        if name is not None:
            yield _method(actor_class, name or snake_to_camel(attribute), attribute, function)


def _by_name(actor_class: type[Actor[Any]], named: Iterable[tuple[str, Method]]) -> dict[str, Method]:
    """Methods by their names, of which no two may be equal."""
    found: dict[str, Method] = {}
    for name, method in named:
        other = found.setdefault(name, method)
        if other is not method:
            where = f"{actor_class.__name__}.{method.attribute}"
            raise TypeError(f"{where}: clients call {other.attribute} '{name}' already; give it another name")
    return found


def _method(actor_class: type[Actor[Any]], name: str, attribute: str, function: Any) -> Method:
    where = f"{actor_class.__name__}.{attribute}"
    try:
        hints = get_type_hints(function)
    except NameError as error:
        raise TypeError(f"{where}: {error}; define the type at module level") from None
    parameters = list(inspect.signature(function).parameters.values())[1:]
    for parameter in parameters:
        if parameter.kind not in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
            raise TypeError(
                f"{where}: {parameter.name}: arguments come by position, so *, ** and keyword-only cannot be"
            )
    lacking = [word for word in (*(parameter.name for parameter in parameters), "return") if word not in hints]
    if lacking:
        raise TypeError(f"{where}: no type hint for {', '.join(lacking)}")
    for hint in hints.values():
        plan_of(hint)
    read = [Parameter(p.name, hints[p.name], p.default is p.empty) for p in parameters]
    query, aliases = hasattr(function, QUERY_MARK), getattr(function, ALIASES_MARK)
    return Method(name, attribute, tuple(read), hints["return"], query, aliases)
