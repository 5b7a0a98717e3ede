"""What the engine asks of a resource, in terms of the table and plain properties; no gRPC."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from sandbox.provider import diff
from sandbox.provider.checking import Failure, check_fields
from sandbox.provider.cloud import BUSY, Cloud, Scope, code_of, is_gone, patiently
from sandbox.provider.naming import Naming, named_inputs
from sandbox.provider.properties import Props
from sandbox.provider.table import Edit, ResourceType
from trebuche.errors import TrebucheError

_DELETE_PATIENCE_SECONDS = 20
FAILURES = (ClientError, BotoCoreError, TimeoutError, TrebucheError)


class OperationError(TrebucheError):
    """An operation that AWS (or the sandbox) refused: type, name, AWS code and message in one line."""


@dataclass(frozen=True, kw_only=True)
class Made:
    """A resource after Create or Update; ``reasons`` say what of its set-up failed."""

    ident: str
    state: Props
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Found:
    """A resource as AWS holds it now."""

    ident: str
    state: Props
    inputs: Props


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a change of inputs means."""

    changes: tuple[diff.Change, ...] = ()
    delete_first: bool = False


def resource_name(urn: str) -> str:
    """The logical name at the end of a URN."""
    return urn.rsplit("::", 1)[-1]


def one_line(error: BaseException) -> str:
    """An error as one readable line, with the AWS code first where there is one."""
    code = code_of(error)
    message = error.response.get("Error", {}).get("Message", "") if isinstance(error, ClientError) else str(error)
    return " ".join(f"{code}: {message}".split() if code else message.split())


@dataclass(frozen=True, kw_only=True)
class Lifecycle:
    """Check, diff, create, read, update and delete for every type of a table."""

    table: Mapping[str, ResourceType]
    cloud: Cloud
    default_tags: Mapping[str, str] = field(default_factory=dict)

    def check(self, token: str, olds: Props, news: Props, naming: Naming) -> tuple[Props, list[Failure]]:
        """The inputs with a name filled in, and every reason to refuse them."""
        row = self.table.get(token)
        if row is None:
            return news, [Failure("", self._unknown_type(token))]
        inputs = named_inputs(row.autoname, olds, news, naming) if row.autoname else news
        failures = check_fields(token, row.fields, inputs)
        # Rules look across properties, and take it for granted that each has its shape.
        return inputs, failures or list(row.rules(inputs))

    def _unknown_type(self, token: str) -> str:
        services: dict[str, list[str]] = {}
        for known in sorted(self.table):
            services.setdefault(known.split(":")[1].split("/")[0], []).append(known.rsplit(":", 1)[-1])
        there = "; ".join(f"{service}: {', '.join(names)}" for service, names in services.items())
        return f"the sandbox has no stand-in for {token}, so it cannot be deployed here. It has {there}"

    def diff(self, token: str, state: Props, news: Props) -> Plan:
        """What differs between the remembered state and the wanted inputs, and whether to delete first."""
        row = self.table[token]
        changes = diff.compare(row.fields, self._tagged_state(row, state), self._wanted(row, news))
        # A name that the program chose cannot be had twice: as in bridged providers, the old one goes first.
        explicit = row.autoname is not None and row.autoname.property not in news.get("__defaults", [])
        kept_name = row.autoname is not None and news.get(row.autoname.property) == state.get(row.autoname.property)
        replaces = any(change.replaces for change in changes)
        return Plan(changes=tuple(changes), delete_first=replaces and explicit and kept_name)

    def preview_create(self, token: str, inputs: Props) -> Props:
        """What is known before creation: the inputs; all outputs stay unknown."""
        row = self.table[token]
        return self._remembered(row, inputs, self._wanted(row, inputs))

    def preview_update(self, token: str, olds: Props, old_inputs: Props, news: Props) -> Props:
        """The state with the new inputs in it; outputs that will move are left out, hence unknown."""
        row = self.table[token]
        changed = frozenset(change.top for change in self.diff(token, olds, news).changes)
        moving = row.handler.moves(changed, news)
        dropped = {key for key in old_inputs if key not in news}
        kept = {key: value for key, value in olds.items() if key not in dropped | moving}
        return self._remembered(row, news, {**kept, **self._wanted(row, news)})

    def create(self, token: str, urn: str, inputs: Props) -> Made:
        """Make a resource and set it up.

        Raises:
            OperationError: Nothing was made.
        """
        row, scope = self.table[token], self._scope(urn, inputs)
        wanted = self._wanted(row, inputs)
        try:
            ident = row.handler.create(scope, wanted)
        except FAILURES as error:
            raise self._failed("create", token, urn, error) from error
        # It exists from here on: whatever fails is told together with the id, or the stack would lose sight of it.
        try:
            row.handler.settle(scope, ident, wanted)
            return Made(ident=ident, state=self._state(row, scope, ident, inputs))
        except FAILURES as error:
            reason = str(self._failed("set up", token, urn, error))
            return Made(ident=ident, state=self._remembered(row, inputs, wanted), reasons=(reason,))

    def read(self, token: str, urn: str, ident: str, state: Props, inputs: Props) -> Found | None:
        """What AWS holds now; None when it is gone. With no state it is an import, and the id is all there is.

        Raises:
            OperationError: AWS did not answer.
        """
        row = self.table[token]
        importing = not state
        if importing:
            ident, state = row.handler.locate(ident)
        scope = self._scope(urn, state)
        try:
            live = row.handler.read(scope, ident, self._tagged_state(row, state))
        except FAILURES as error:
            raise self._failed("read", token, urn, error) from error
        if live is None:
            return None
        found = self._remembered(row, state, diff.blend(row.fields, self._tagged_state(row, state), live))
        if importing:
            return Found(ident=ident, state=found, inputs=diff.imported_inputs(row.fields, found))
        refreshed = diff.refreshed_inputs(row.fields, inputs, found)
        names = {"__defaults": inputs["__defaults"]} if "__defaults" in inputs else {}
        return Found(ident=ident, state=found, inputs={**refreshed, **names})

    def update(self, token: str, urn: str, ident: str, olds: Props, news: Props) -> Made:
        """Change a resource in place, calling AWS for what differs from what it really holds.

        Raises:
            OperationError: The resource is gone.
        """
        row, scope = self.table[token], self._scope(urn, news)
        wanted = self._wanted(row, news)
        try:
            # Against what AWS holds: an update that broke off halfway goes on where it ended.
            live = row.handler.read(scope, ident, self._tagged_state(row, olds))
            if live is None:
                raise OperationError("it no longer exists; `pulumi refresh` brings the stack up to date")
            old = diff.blend(row.fields, self._tagged_state(row, olds), live)
            changed = frozenset(change.top for change in diff.compare(row.fields, old, wanted))
            row.handler.update(scope, ident, Edit(old=old, new=wanted, changed=changed))
            return Made(ident=ident, state=self._state(row, scope, ident, news))
        except FAILURES as error:
            raise self._failed("update", token, urn, error) from error

    def delete(self, token: str, urn: str, ident: str, state: Props) -> None:
        """Remove a resource; gone is fine, and one that others still hold on to is waited for.

        Raises:
            OperationError: AWS refused.
        """
        row, scope = self.table[token], self._scope(urn, state)
        try:
            patiently(lambda: row.handler.delete(scope, ident, state), codes=BUSY, seconds=_DELETE_PATIENCE_SECONDS)
        except FAILURES as error:
            if not is_gone(error):
                raise self._failed("delete", token, urn, error) from error

    def _scope(self, urn: str, props: Props) -> Scope:
        return Scope(cloud=self.cloud, region=props.get("region") or self.cloud.region, urn=urn)

    def _state(self, row: ResourceType, scope: Scope, ident: str, inputs: Props) -> Props:
        wanted = self._wanted(row, inputs)
        live = row.handler.read(scope, ident, wanted)
        if live is None:
            raise OperationError("AWS does not show it although it was just made")
        return self._remembered(row, inputs, diff.blend(row.fields, wanted, live))

    def _remembered(self, row: ResourceType, given: Mapping[str, Any], props: Mapping[str, Any]) -> Props:
        """Properties as the engine keeps them: the resource's region; the program's tags apart from the stack's.

        ``props["tags"]`` are all tags; ``given`` says which of them are the program's own.
        """
        state = {key: value for key, value in props.items() if not key.startswith("__")}
        if "region" in row.fields:
            state["region"] = given.get("region") or self.cloud.region
        if row.tagged:
            own, every = given.get("tags") or {}, state.pop("tags", None) or {}
            state["tagsAll"] = every
            # What neither program nor stack has set was set elsewhere: it is shown, or a refresh would hide the drift.
            tags = (
                {k: v for k, v in every.items() if k in own or self.default_tags.get(k) != v} if own != every else own
            )
            state.update({"tags": tags} if tags else {})
        return state

    def _tagged_state(self, row: ResourceType, state: Props) -> Props:
        return {**state, "tags": state.get("tagsAll") or {}} if row.tagged else state

    def _wanted(self, row: ResourceType, inputs: Props) -> Props:
        wanted: Props = {key: value for key, value in inputs.items() if not key.startswith("__")}
        if "region" in row.fields:
            wanted["region"] = inputs.get("region") or self.cloud.region
        if row.tagged:
            own = inputs.get("tags") or {}
            wanted["tags"] = {**self.default_tags, **own} if isinstance(own, Mapping) else own
        return wanted

    def _failed(self, verb: str, token: str, urn: str, error: BaseException) -> OperationError:
        return OperationError(f"cannot {verb} {token} '{resource_name(urn)}': {one_line(error)}")
