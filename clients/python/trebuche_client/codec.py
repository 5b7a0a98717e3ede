"""Between a caller's values and the JSON documents of calls and streams, with types or without."""

from collections.abc import Callable, Sequence
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

    def arguments(self, name: str, values: Sequence[object]) -> list[bytes]:
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

    def arguments(self, name: str, values: Sequence[object]) -> list[bytes]:
        """A JSON document for each argument; dataclasses as objects.

        Raises:
            TypeError: A value has no wire form.
        """
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

    def arguments(self, name: str, values: Sequence[object]) -> list[bytes]:
        """A JSON document for each argument, in the declared type.

        Raises:
            TypeError: Too few, too many, or not of their types.
        """
        parameters = self._type.method(name).parameters
        least = sum(parameter.required for parameter in parameters)
        if not least <= len(values) <= len(parameters):
            names = ", ".join(parameter.name for parameter in parameters)
            raise TypeError(f"{name}({names}): {len(values)} arguments given")
        return [
            _document(f"{name}: {parameter.name}", parameter.type, value)
            for parameter, value in zip(parameters, values, strict=False)
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
