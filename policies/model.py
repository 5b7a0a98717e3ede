"""The resources of a stack, and what refers to what; values that a preview cannot know yet are ``UNKNOWN``."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, TypeAlias

Props: TypeAlias = Mapping[str, Any]
"""Properties by the name that Pulumi has on the wire (``streamViewType``)."""

TABLE: Final = "aws:dynamodb/table:Table"
FUNCTION: Final = "aws:lambda/function:Function"
ALIAS: Final = "aws:lambda/alias:Alias"
PERMISSION: Final = "aws:lambda/permission:Permission"
MAPPING: Final = "aws:lambda/eventSourceMapping:EventSourceMapping"
WARM: Final = "aws:lambda/provisionedConcurrencyConfig:ProvisionedConcurrencyConfig"
API: Final = "aws:apigatewayv2/api:Api"
ROUTE: Final = "aws:apigatewayv2/route:Route"
RESPONSE: Final = "aws:apigatewayv2/routeResponse:RouteResponse"
INTEGRATION: Final = "aws:apigatewayv2/integration:Integration"
AUTHORIZER: Final = "aws:apigatewayv2/authorizer:Authorizer"
DEPLOYMENT: Final = "aws:apigatewayv2/deployment:Deployment"
STAGE: Final = "aws:apigatewayv2/stage:Stage"
ACCOUNT: Final = "aws:apigateway/account:Account"
ROLE: Final = "aws:iam/role:Role"
POLICY: Final = "aws:iam/policy:Policy"
ROLE_POLICY: Final = "aws:iam/rolePolicy:RolePolicy"
ATTACHMENT: Final = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
LOG_GROUP: Final = "aws:cloudwatch/logGroup:LogGroup"
QUEUE: Final = "aws:sqs/queue:Queue"
NAMESPACE: Final = "aws:servicediscovery/httpNamespace:HttpNamespace"
SCALING: Final = "aws:appautoscaling/target:Target"
FUNCTION_URL: Final = "aws:lambda/functionUrl:FunctionUrl"
QUEUE_POLICY: Final = "aws:sqs/queuePolicy:QueuePolicy"
ANSWER: Final = "aws:apigatewayv2/integrationResponse:IntegrationResponse"
API_MAPPING: Final = "aws:apigatewayv2/apiMapping:ApiMapping"
ALARM: Final = "aws:cloudwatch/metricAlarm:MetricAlarm"
INSTANCE: Final = "aws:servicediscovery/instance:Instance"
SERVICE: Final = "aws:servicediscovery/service:Service"
SECRET: Final = "aws:secretsmanager/secret:Secret"

_ARNS = ("arn", "id", "invokeArn", "streamArn")
_NAMES = ("id", "name", "url")
"""Properties by which other resources name one."""


class _Unknown:
    """A value that is known only after the deployment."""

    def __repr__(self) -> str:
        return "UNKNOWN"

    def __reduce__(self) -> str:
        # A copy is the thing itself.
        return "UNKNOWN"


UNKNOWN: Final = _Unknown()


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One resource.

    Args:
        urn: Of Pulumi; of a resource that is only in AWS, anything that names it.
        type: Pulumi's token of its type.
        props: What the program asks for, and what AWS made of it as far as that is known.
        depends_on: URNs of the resources that are made before it.
        refers: Property to the URNs of the resources that its value was made from.
        protect: Whether Pulumi refuses to delete it.
        ignores: Properties whose changes Pulumi leaves alone.
        delete_first: Whether Pulumi deletes it before it makes another one in its place.
        by_hand: Whether it is in AWS only, and no program made it.
    """

    urn: str
    type: str
    props: Props
    depends_on: frozenset[str] = frozenset()
    refers: Mapping[str, frozenset[str]] = field(default_factory=dict)
    protect: bool = False
    ignores: frozenset[str] = frozenset()
    delete_first: bool = False
    by_hand: bool = False

    @property
    def label(self) -> str:
        """``Table my-app-connections``: how people speak of it."""
        # Each function's alias is called like the other's, and so is each role's policy.
        keys = () if self.type in (ALIAS, ROLE_POLICY) else ("name", "routeKey")
        own = next((self.props[key] for key in keys if isinstance(self.props.get(key), str)), None)
        return f"{self.type.rsplit(':', 1)[-1]} {own or self.urn.rsplit('::', 1)[-1]}"

    def get(self, *path: str | int) -> Any:
        """The value at a path; None where there is nothing, ``UNKNOWN`` where it is not known yet."""
        value: Any = self.props
        for step in path:
            if value is UNKNOWN:
                return UNKNOWN
            if isinstance(step, int):
                value = value[step] if isinstance(value, (list, tuple)) and len(value) > step else None
            else:
                value = value.get(step) if isinstance(value, Mapping) else None
        return value

    def number(self, *path: str) -> float | None:
        """The number at a path; None where there is none, or it is not known."""
        value = self.get(*path)
        if isinstance(value, str) and value.lstrip("-").isdigit():
            return float(value)
        return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None

    def text(self, *path: str | int) -> str:
        """The text at a path; empty where there is none, or it is not known."""
        value = self.get(*path)
        return value if isinstance(value, str) else ""


@dataclass(frozen=True, slots=True)
class FunctionRef:
    """A function as something names it; no qualifier is ``$LATEST``.

    Args:
        name: Of the function.
        qualifier: A version or an alias.
        place: ``<region>:<account>``; empty where it is not said.
    """

    name: str
    qualifier: str = ""
    place: str = field(default="", compare=False)

    @classmethod
    def parse(cls, text: str) -> "FunctionRef":
        """Read a name, an ARN, or the URI of an integration, with or without a qualifier."""
        text = text.split("/functions/", 1)[-1].removesuffix("/invocations")
        before, _, named = text.rpartition(":function:") if ":function:" in text else ("", "", text)
        name, _, qualifier = named.partition(":")
        return cls(name, qualifier, before.partition(":lambda:")[2])

    def __str__(self) -> str:
        return f"{self.name}:{self.qualifier}" if self.qualifier else self.name


@dataclass(frozen=True)
class Stack:
    """All resources of a stack.

    Args:
        name: Of the stack; the last part of Pulumi's own.
        nodes: Without components.
        complete: Whether every value is known: a running stack, not a preview.
    """

    name: str
    nodes: tuple[Node, ...]
    complete: bool = False

    @cached_property
    def by_urn(self) -> Mapping[str, Node]:
        """The resources by their URN."""
        return {node.urn: node for node in self.nodes}

    def all(self, type_: str) -> list[Node]:
        """The resources of a type."""
        return [node for node in self.nodes if node.type == type_]

    def linked(self, node: Node, prop: str, type_: str, *path: str) -> list[Node]:
        """The resources of a type that a property names: by its value; one that is not known yet by its makings.

        The engine remembers what a value was made from also when a transform has put another one in its place.
        """
        value = node.get(prop, *path)
        if value is UNKNOWN:
            return self.made_from(node, prop, type_)
        return [one for one in self.all(type_) if isinstance(value, str) and is_named(one, value)]

    def made_from(self, node: Node, prop: str, type_: str) -> list[Node]:
        """The resources of a type that went into a property's value."""
        found = (self.by_urn.get(urn) for urn in sorted(node.refers.get(prop, ())))
        return [one for one in found if one is not None and one.type == type_]

    def function_ref(self, node: Node, prop: str) -> FunctionRef | None:
        """The function, version or alias that a property names; None when nobody can tell yet."""
        return self.made_ref(node, prop, node.get(prop))

    def made_ref(self, node: Node, prop: str, value: Any) -> FunctionRef | None:
        """The same for a value that is somewhere in a property."""
        if isinstance(value, str) and value:
            return FunctionRef.parse(value)
        if value is not UNKNOWN:
            return None
        for alias in self.made_from(node, prop, ALIAS):
            named = self.function_ref(alias, "functionName")
            return FunctionRef(named.name, alias.text("name")) if named else None
        for function in self.made_from(node, prop, FUNCTION):
            return FunctionRef(function.text("name")) if function.text("name") else None
        return None

    def function(self, ref: FunctionRef | None) -> Node | None:
        """The function of a reference, when it is in this stack."""
        return next((one for one in self.all(FUNCTION) if ref and _is_meant(ref, one)), None)

    def aliases(self, function: Node) -> list[Node]:
        """The aliases of a function."""
        return [one for one in self.all(ALIAS) if self.function(self.function_ref(one, "functionName")) is function]

    def api(self, node: Node) -> Node | None:
        """The API that a route, a stage and so on belongs to."""
        return next(iter(self.linked(node, "apiId", API)), None)

    def of_api(self, type_: str, api: Node) -> list[Node]:
        """What of a type belongs to an API."""
        return [node for node in self.all(type_) if self.api(node) is api]

    def waits_for(self, node: Node) -> frozenset[str]:
        """URNs of all that is made before a resource, directly or not."""
        seen: set[str] = set()
        waiting = list(_before(node))
        while waiting:
            urn = waiting.pop()
            if urn not in seen:
                seen.add(urn)
                if urn in self.by_urn:
                    waiting.extend(_before(self.by_urn[urn]))
        return frozenset(seen)


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a resource, and how to mend it; None is the stack as a whole."""

    node: Node | None
    what: str
    mend: str


ERROR: Final = "error"
WARNING: Final = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One named check.

    Args:
        id: Its name for people and programs.
        title: What must hold.
        sources: Where the fact, or the story, is from.
        severity: ``error``, or ``warning`` for what may be meant.
        check: Finds what is wrong. Of a rule with ``types``, it is given a stack of that one resource.
        types: What the rule looks at one by one; empty: it looks at the whole stack.
    """

    id: str
    title: str
    sources: tuple[str, ...]
    check: Callable[[Stack], Iterable[Problem]]
    severity: str = ERROR
    types: tuple[str, ...] = ()


def each(type_: str, check: Callable[[Node], Iterable[Problem]]) -> Callable[[Stack], Iterator[Problem]]:
    """A check of single resources, as a check of a stack."""

    def whole(stack: Stack) -> Iterator[Problem]:
        for node in stack.all(type_):
            yield from check(node)

    return whole


def _is_meant(ref: FunctionRef, function: Node) -> bool:
    # Of the same name, in another region or account, it is another one.
    elsewhere = bool(ref.place and function.text("arn")) and f":{ref.place}:" not in function.text("arn")
    return function.text("name") == ref.name and not elsewhere


def is_named(node: Node, value: str) -> bool:
    """Whether a value is how other resources name one: its ARN where that is known, else its name or its id."""
    if value.startswith("arn:") and node.text("arn"):
        # ARNs of log groups are written with and without what stands for their streams.
        return value.removesuffix(":*") in [node.text(key) for key in _ARNS]
    if value.startswith("http") and node.text("url"):
        return value == node.text("url")
    # As in `integrations/<id>`, or at the end of an ARN that nobody knows yet.
    return any(value == name or value.endswith((f"/{name}", f":{name}")) for key in _NAMES if (name := node.text(key)))


def _before(node: Node) -> frozenset[str]:
    return node.depends_on.union(*node.refers.values())
