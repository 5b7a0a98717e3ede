"""The program's own stack as the doctor's rules see it, and ways to break it."""

import copy
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pulumi
from pulumi.runtime import mocks

from infra.app import StreamingApp, StreamingAppArgs
from infra.plan import make_plan
from infra.provider import make_provider
from policies.model import UNKNOWN, Node, Stack
from tests.infra.project import CONFIG, make_project
from tests.infra.recording import Recording, Registered, deploy

REGION, ACCOUNT = "eu-west-1", "123456789012"
ENDPOINT = f"wss://abc123.execute-api.{REGION}.amazonaws.com"
REMOVED = object()
"""Stands for a property that is not there."""

Change = Callable[[Stack], Stack]


class AwsAnswers(mocks.Mocks):
    """What AWS computes, with names as AWS makes them; remembers the outputs by logical name.

    Args:
        fresh: Whether nothing is deployed yet, so that AWS has computed nothing.
    """

    def __init__(self, *, fresh: bool = False) -> None:
        self.outputs: dict[str, dict[str, Any]] = {}
        self._fresh = fresh

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        """The program asks nothing."""
        raise AssertionError(f"the program asks the provider: {args.token}")

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        """A resource's id and outputs."""
        if self._fresh:
            self.outputs[args.name] = {"region": REGION, **args.inputs}
            return None, args.inputs
        identity, outputs = f"{args.name}-id", {**args.inputs, **_computed(args)}
        self.outputs[args.name] = {"id": identity, "region": REGION, **outputs}
        return identity, outputs


def _computed(args: mocks.MockResourceArgs) -> dict[str, str]:
    name = args.inputs.get("name", args.name)

    def arn(service: str, rest: str, region: str = REGION) -> str:
        return f"arn:aws:{service}:{region}:{ACCOUNT}:{rest}"

    match args.typ:
        case "aws:dynamodb/table:Table":
            table = arn("dynamodb", f"table/{name}")
            return {"arn": table, "streamArn": f"{table}/stream/2026-11-23T00:00:00.000"}
        case "aws:lambda/function:Function":
            return {"arn": arn("lambda", f"function:{name}"), "version": "7"}
        case "aws:lambda/alias:Alias":
            alias = arn("lambda", f"function:{args.inputs['functionName']}:{name}")
            uri = f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{alias}/invocations"
            return {"arn": alias, "invokeArn": uri}
        case "aws:apigatewayv2/api:Api":
            return {"apiEndpoint": ENDPOINT, "executionArn": arn("execute-api", "abc123")}
        case "aws:sqs/queue:Queue":
            return {"arn": arn("sqs", name), "url": f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{name}"}
        case "aws:cloudwatch/logGroup:LogGroup":
            return {"arn": arn("logs", f"log-group:{name}")}
        case "aws:iam/role:Role":
            return {"arn": arn("iam", f"role/{name}", "")}
    return {"arn": f"arn:aws:other:{REGION}:{ACCOUNT}:{name}"}


def record(root: Path, stack: str = "dev", config: str = CONFIG, *, fresh: bool = False, **settings: str) -> Stack:
    """Deploy a small project, and give its resources as a running stack has them.

    ``fresh`` previews it instead, where nothing was deployed before: values that AWS computes are ``UNKNOWN``.
    """
    make_project(root, config)
    plan = make_plan(root, stack, {f"trebuche:{key}": value for key, value in settings.items()})
    answers = AwsAnswers(fresh=fresh)

    def program() -> None:
        options = pulumi.ResourceOptions(provider=make_provider(plan))
        StreamingApp("app", StreamingAppArgs(plan=plan), options)

    recording = deploy(program, stack, answers=answers, preview=fresh)
    return Stack(stack, tuple(_nodes(recording, answers.outputs, root)), complete=not fresh)


def _nodes(recording: Recording, outputs: Mapping[str, dict[str, Any]], root: Path) -> list[Node]:
    return [_node(one, outputs[one.name], root) for one in recording.custom() if one.type.startswith("aws:")]


def _node(one: Registered, outputs: dict[str, Any], root: Path) -> Node:
    props = _known({**outputs, **one.inputs})
    if isinstance(archive := props.get("code"), pulumi.FileArchive):
        props["code"] = {"path": str(root / archive.path)}
    return Node(
        urn=one.name, type=one.type, props=props, depends_on=one.depends_on, refers=one.refers, protect=one.protect
    )


def _known(value: Any) -> Any:
    """A copy with the rules' own word for what is not known yet."""
    if isinstance(value, dict):
        return {key: _known(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_known(one) for one in value]
    return UNKNOWN if isinstance(value, pulumi.output.Unknown) else value


def change(type_: str, which: str, **values: Any) -> Change:
    """Set properties of the resources whose name holds a text; a ``__`` in a key goes one level down."""

    def apply(stack: Stack) -> Stack:
        nodes = [_changed(one, values) if _is(one, type_, which) else one for one in stack.nodes]
        assert nodes != list(stack.nodes), f"no {type_} is called {which}, or it is like that already"
        return replace(stack, nodes=tuple(nodes))

    return apply


def drop(type_: str, which: str) -> Change:
    """Leave out the resources whose name holds a text."""

    def apply(stack: Stack) -> Stack:
        nodes = tuple(one for one in stack.nodes if not _is(one, type_, which))
        assert len(nodes) < len(stack.nodes), f"no {type_} is called {which}"
        return replace(stack, nodes=nodes)

    return apply


def add(type_: str, urn: str, /, **props: Any) -> Change:
    """One more resource."""
    return lambda stack: replace(stack, nodes=(*stack.nodes, Node(urn=urn, type=type_, props={"id": urn, **props})))


def rewire(type_: str, which: str, **parts: Any) -> Change:
    """Set what is beside the properties: ``depends_on``, ``refers``, ``protect``."""

    def apply(stack: Stack) -> Stack:
        nodes = tuple(replace(one, **parts) if _is(one, type_, which) else one for one in stack.nodes)
        assert nodes != stack.nodes, f"no {type_} is called {which}"
        return replace(stack, nodes=nodes)

    return apply


def both(*changes: Change) -> Change:
    """Several changes."""

    def apply(stack: Stack) -> Stack:
        for one in changes:
            stack = one(stack)
        return stack

    return later(apply) if any(map(takes_a_deployment, changes)) else apply


def later(apply: Change) -> Change:
    """A change of what nobody knows before the first deployment, such as a policy that is made from ARNs."""
    apply.takes_a_deployment = True  # type: ignore[attr-defined]
    return apply


def takes_a_deployment(change: Change) -> bool:
    """Whether a change is of what nobody knows before the first deployment."""
    return bool(getattr(change, "takes_a_deployment", False))


def _is(node: Node, type_: str, which: str) -> bool:
    return node.type == type_ and which in f"{node.urn} {node.label}"


def _changed(node: Node, values: Mapping[str, Any]) -> Node:
    props = copy.deepcopy(dict(node.props))
    for path, value in values.items():
        *way, last = path.split("__")
        place = props
        for step in way:
            place = place.setdefault(step, {})
        if value is REMOVED:
            place.pop(last, None)
        else:
            place[last] = value
    return replace(node, props=props)
