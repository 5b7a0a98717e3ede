"""What the provider needs to know about a resource type, in the shape of one row."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.provider.checking import Failure
from sandbox.provider.cloud import Scope
from sandbox.provider.properties import TAGS, Property, Props


@dataclass(frozen=True, kw_only=True)
class Edit:
    """A change in place: what AWS holds, what is wanted, and the properties in which they differ."""

    old: Props
    new: Props
    changed: frozenset[str]

    def touches(self, *names: str) -> bool:
        """Whether any of these properties changes."""
        return not self.changed.isdisjoint(names)

    def tag_changes(self) -> tuple[dict[str, str], list[str]]:
        """Tags to set, and keys to remove."""
        old, new = self.old.get("tags", {}), self.new.get("tags", {})
        return {key: value for key, value in new.items() if old.get(key) != value}, sorted(set(old) - set(new))


class Handler(ABC):
    """Carries out one type's operations by AWS calls. Inputs are checked, named and carry the stack's tags."""

    @abstractmethod
    def create(self, scope: Scope, inputs: Props) -> str:
        """Make the resource; the id by which the stack knows it."""

    def settle(self, scope: Scope, ident: str, inputs: Props) -> None:  # noqa: B027 - most need no second step
        """Set up what creation itself could not; when this fails, the resource exists and the next update mends it."""

    @abstractmethod
    def read(self, scope: Scope, ident: str, state: Props) -> Props | None:
        """What AWS holds now, by wire names (inputs and outputs); None when it does not exist."""

    def update(self, scope: Scope, ident: str, edit: Edit) -> None:  # noqa: B027 - types that only replace have none
        """Bring the changed properties to what is wanted; called only where that can be done in place."""

    @abstractmethod
    def delete(self, scope: Scope, ident: str, state: Props) -> None:
        """Remove the resource; an error that says it is gone counts as success."""

    def locate(self, ident: str) -> tuple[str, Props]:
        """An id as ``pulumi import`` takes it → the stack's id and what must be known to read it."""
        return ident, {}

    def moves(self, changed: frozenset[str], wanted: Mapping[str, Any]) -> frozenset[str]:  # noqa: ARG002
        """Outputs whose value cannot be foretold when these properties change."""
        return frozenset()


@dataclass(frozen=True, kw_only=True)
class Autoname:
    """How a resource without a name gets one: logical name, separator, seven hexadecimal digits."""

    property: str = "name"
    longest: int = 255
    separator: str = "-"
    prefix: str = ""
    suffix: Callable[[Mapping[str, Any]], str] = lambda _: ""


def _no_rules(_: Mapping[str, Any]) -> Iterable[Failure]:
    return ()


@dataclass(frozen=True, kw_only=True)
class ResourceType:
    """One row of the table.

    Attributes:
        token: The type as the engine names it, such as ``aws:dynamodb/table:Table``.
        fields: Every property that the sandbox knows, by wire name.
        outputs: Further properties that are only read.
        rules: What AWS refuses across properties; sees inputs that may hold unknowns.
    """

    token: str
    fields: Mapping[str, Property]
    outputs: tuple[str, ...]
    handler: Handler
    autoname: Autoname | None = None
    rules: Callable[[Mapping[str, Any]], Iterable[Failure]] = _no_rules

    @property
    def tagged(self) -> bool:
        """Whether the stack's default tags reach this type."""
        return self.fields.get("tags") is TAGS

    @property
    def record_only(self) -> tuple[str, ...]:
        """Properties that the emulator cannot hold: remembered in the stack, without effect."""
        return tuple(name for name, member in self.fields.items() if member.record_only)
