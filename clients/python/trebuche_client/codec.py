"""Between a caller's values and the JSON documents of calls and streams, with types or without."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any, Protocol, get_type_hints

from trebuche.actor_types import WHOLE_STATE, ActorType
from trebuche.documents import dumps, loads
from trebuche.errors import ActorError, MalformedError
from trebuche.naming import snake_to_camel
from trebuche.values import from_json, to_json
from trebuche_client.errors import CallFailedError, StreamFailedError


class Codec(Protocol):
    """How an actor's names and values travel."""

    def method(self, name: str) -> str:
        """A method's name on the wire."""
        ...

    def name_of(self, function: Callable[..., Any]) -> str:
        """The name of a method that is given as a class's function."""
        ...

    def arguments(self, name: str, values: Sequence[object], named: Mapping[str, object]) -> list[bytes]:
        """A JSON document for each argument."""
        ...

    def result(self, name: str, document: bytes) -> Any:
        """The value of a result."""
        ...

    def property(self, name: str) -> Callable[[bytes], Any]:
        """What reads the values of an observed property."""
        ...


class PlainCodec:
    """Without types: JSON values as Python has them; names in snake case or as on the wire."""

    def method(self, name: str) -> str:
        """``add_todo`` is ``addTodo`` on the wire."""
        return snake_to_camel(name)

    def name_of(self, function: Callable[..., Any]) -> str:
        """A name is all that there is without a class.

        Raises:
            TypeError: Always.
        """
        raise TypeError(f"{function.__qualname__}: to call by a function, resolve the actor by its class")

    def arguments(self, name: str, values: Sequence[object], named: Mapping[str, object]) -> list[bytes]:
        """A JSON document for each argument; dataclasses as objects.

        Raises:
            TypeError: A value has no wire form, or a name no place.
        """
        if named:
            given = ", ".join(named)
            raise TypeError(
                f"{name}: {given}: the wire has places, no names; resolve the actor by its class to use them"
            )
        return [
            _document(f"{name}: argument {position}", type(value) if is_dataclass(value) else Any, value)
            for position, value in enumerate(values, start=1)
        ]

    def result(self, name: str, document: bytes) -> Any:
        """The JSON value; None for a method without result."""
        return _value(f"the result of {name}", Any, document, CallFailedError) if document else None

    def property(self, name: str) -> Callable[[bytes], Any]:
        """JSON values as they come."""
        return lambda document: _value(name, Any, document, StreamFailedError)


class TypedCodec:
    """With the types of an actor's class.

    Args:
        actor_type: The class.
    """

    def __init__(self, actor_type: ActorType) -> None:
        self._type = actor_type

    def method(self, name: str) -> str:
        """A method's name on the wire.

        Raises:
            AttributeError: The class has no such method.
        """
        try:
            return self._type.method(name).name
        except ActorError as error:
            raise AttributeError(str(error)) from None

    def name_of(self, function: Callable[..., Any]) -> str:
        """The name of a method of the class.

        Raises:
            TypeError: The function is none of its methods.
        """
        for method in self._type.methods.values():
            if getattr(self._type.actor_class, method.attribute) is function:
                return method.attribute
        raise TypeError(f"{function.__qualname__} is no method of {self._type.actor_class.__name__}")

    def arguments(self, name: str, values: Sequence[object], named: Mapping[str, object]) -> list[bytes]:
        """A JSON document for each argument up to the last one that is given, in the declared type.

        Raises:
            TypeError: Too few, too many, or not of their types.
        """
        method = self._type.method(name)
        signature = inspect.signature(getattr(self._type.actor_class, method.attribute))
        try:
            bound = signature.bind(None, *values, **named)
        except TypeError as error:
            names = ", ".join(parameter.name for parameter in method.parameters)
            raise TypeError(f"{name}({names}): {error}") from None
        last = max((at for at, one in enumerate(method.parameters) if one.name in bound.arguments), default=-1)
        # What is left out before it travels as the default: the wire has places only.
        bound.apply_defaults()
        return [
            _document(f"{name}: {parameter.name}", parameter.type, bound.arguments[parameter.name])
            for parameter in method.parameters[: last + 1]
        ]

    def result(self, name: str, document: bytes) -> Any:
        """The result in the declared type.

        Raises:
            CallFailedError: The server's code declares another type.
        """
        if not document:
            return None
        return _value(f"the result of {name}", self._type.method(name).returns, document, CallFailedError)

    def property(self, name: str) -> Callable[[bytes], Any]:
        """What reads the values of a property in its declared type.

        Raises:
            AttributeError: The state has no such property.
        """
        hint = self._property_type(name)
        return lambda document: _value(name, hint, document, StreamFailedError)

    def _property_type(self, name: str) -> object:
        if name == WHOLE_STATE:
            return self._type.state_type
        state = self._type.state_type
        hints = get_type_hints(state)
        for field in fields(state) if is_dataclass(state) else ():
            if name in (field.name, field.metadata.get("key", snake_to_camel(field.name))):
                return hints[field.name]
        known = ", ".join(sorted(self._type.properties))
        raise AttributeError(f"'{self._type.exposed_as}' has no property {name}; there are: {known}")


def _document(where: str, hint: object, value: object) -> bytes:
    try:
        return dumps(to_json(hint, value)).encode()
    except MalformedError as error:
        raise TypeError(f"{where}: {error}") from None


def _value(where: str, hint: object, document: bytes, failure: type[CallFailedError] | type[StreamFailedError]) -> Any:
    try:
        return from_json(hint, loads(document))
    except MalformedError as error:
        raise failure(f"{where} is not what this client expects: {error}", code="malformed") from error
