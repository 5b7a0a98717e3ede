"""The vocabulary in which the table describes a resource type's properties."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, TypeAlias

Props: TypeAlias = dict[str, Any]
"""Properties by wire name. Their values are whatever JSON-like value the program gave, so nothing narrower is known."""


class Kind(Enum):
    """Shape of a value on the wire, worded as an error message says it."""

    STRING = "text"
    INTEGER = "a whole number"
    NUMBER = "a number"
    BOOLEAN = "true or false"
    LIST = "a list"
    MAP = "a map"
    OBJECT = "an object"
    ARCHIVE = "an archive"


@dataclass(frozen=True, kw_only=True)
class Property:
    """One property: its shape, what AWS accepts, and what a change of it means.

    Attributes:
        required: AWS (and the SDK) insist on it.
        replaces: A change cannot be made in place.
        default: What an unset property means; a deviation in AWS is then a difference.
        computed: AWS fills it in when unset; whatever it then holds is no difference.
        local: Only the provider uses it, AWS does not store it (``publish``, ``code``, ``triggers``).
        record_only: AWS stores it, the emulator does not: remembered in the stack's state alone.
        api: Name in the AWS API; the wire name with a capital letter when empty.
        canonical: Brings equivalent spellings to one form before they are compared.
        fields: Properties of an object.
        item: Shape of a list's or a map's values.
    """

    kind: Kind
    required: bool = False
    replaces: bool = False
    default: object = None
    computed: bool = False
    local: bool = False
    record_only: bool = False
    api: str = ""
    canonical: Callable[[Any], Any] | None = None
    fields: "Mapping[str, Property]" = field(default_factory=dict)
    item: "Property | None" = None
    choices: tuple[object, ...] = ()
    low: float | None = None
    high: float | None = None
    pattern: str = ""
    longest: int | None = None

    @property
    def blank(self) -> object:
        """What to send for a property that the program dropped."""
        nothing: dict[Kind, object] = {
            Kind.STRING: "",
            Kind.BOOLEAN: False,
            Kind.LIST: [],
            Kind.MAP: {},
            Kind.OBJECT: {},
        }
        return nothing.get(self.kind) if self.default is None else self.default

    def but(self, **changes: Any) -> "Property":
        """The same property with some attributes changed; keeps table rows short."""
        return replace(self, **changes)


def document(text: object) -> object:
    """JSON text as data, so that spacing and key order are no difference; anything else unchanged."""
    if not isinstance(text, str):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def policy(text: object) -> object:
    """A policy document as data, where one action or resource and a list of one are the same (IAM's rule)."""
    parsed = document(text)
    return _policy_node(parsed) if isinstance(parsed, dict) else parsed


def _policy_node(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _policy_node(value) for key, value in node.items()}
    if isinstance(node, list):
        members = [_policy_node(value) for value in node]
        if len(members) == 1:
            return members[0]
        return sorted(members, key=order) if all(isinstance(member, str) for member in members) else members
    return node


def order(value: object) -> str:
    """A sort key for values of any shape."""
    return json.dumps(value, sort_keys=True, default=str)


def as_set(values: Any) -> Any:
    """A list whose order means nothing, sorted."""
    return sorted(values, key=order) if isinstance(values, list) else values


STRING = Property(kind=Kind.STRING)
INTEGER = Property(kind=Kind.INTEGER)
NUMBER = Property(kind=Kind.NUMBER)
BOOLEAN = Property(kind=Kind.BOOLEAN)
ARCHIVE = Property(kind=Kind.ARCHIVE, local=True)
STRING_MAP = Property(kind=Kind.MAP, item=STRING)
STRINGS = Property(kind=Kind.LIST, item=STRING)
STRING_SET = Property(kind=Kind.LIST, item=STRING, canonical=as_set)
DOCUMENT = Property(kind=Kind.STRING, canonical=document)
POLICY = Property(kind=Kind.STRING, canonical=policy)
TAGS = Property(kind=Kind.MAP, item=STRING)
REGION = Property(kind=Kind.STRING, replaces=True, computed=True, local=True)


def fields(**members: Property) -> Property:
    """An object of these members."""
    return Property(kind=Kind.OBJECT, fields=members)


def list_of(item: Property) -> Property:
    """A list whose order counts."""
    return Property(kind=Kind.LIST, item=item)


def set_of(item: Property) -> Property:
    """A list whose order means nothing."""
    return Property(kind=Kind.LIST, item=item, canonical=as_set)


def one_of(*choices: str) -> Property:
    """Text out of a closed set."""
    return Property(kind=Kind.STRING, choices=choices)


def between(low: int, high: int) -> Property:
    """A whole number within bounds, both included."""
    return Property(kind=Kind.INTEGER, low=low, high=high)
