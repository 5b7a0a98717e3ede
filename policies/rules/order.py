"""Rules about how the engine goes about it: in which order, in which region, and what it is told to leave alone."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from policies.model import (
    API,
    LOG_GROUP,
    PERMISSION,
    ROLE,
    ROLE_POLICY,
    STAGE,
    TABLE,
    WARNING,
    Node,
    Problem,
    Rule,
    Stack,
)
from policies.program import own_functions, variable
from policies.sources import LAMBDA_GUIDE, LATENCY, page
from trebuche.contract import ENV_WEBSOCKET_ENDPOINT

_HARMLESS: Final = frozenset({"tags", "tagsAll", "description", "provisionedConcurrentExecutions"})
_SCALED: Final = frozenset({"readCapacity", "writeCapacity"})
"""Autoscaling changes them, and a deployment that changed them back would throttle."""


def _order(stack: Stack) -> Iterator[Problem]:
    for function in own_functions(stack):
        before = stack.waits_for(function)
        role = next(iter(stack.linked(function, "role", ROLE)), None)
        needed = [one for one in stack.all(ROLE_POLICY) if role and role in stack.linked(one, "role", ROLE)]
        group = function.text("loggingConfig", "logGroup") or f"/aws/lambda/{function.text('name')}"
        needed += [one for one in stack.all(LOG_GROUP) if one.text("name") == group]
        for one in (one for one in needed if not one.by_hand):
            if one.urn not in before:
                what = f"it may be made before {one.label}: its first invocations fail, or leave logs without an end"
                yield Problem(function, what, "add it to depends_on")
    for stage in stack.all(STAGE):
        before, api = stack.waits_for(stage), stack.api(stage)
        for one in stack.all(PERMISSION):
            if one.urn not in before and _is_for_routes(one) and api in stack.made_from(one, "sourceArn", API):
                what = f"it may be live before {one.label}: its first messages fail"
                yield Problem(stage, what, "add it to depends_on")


def _is_for_routes(permission: Node) -> bool:
    return "/authorizers/" not in permission.text("sourceArn")


def _ignored(stack: Stack) -> Iterator[Problem]:
    for node in stack.nodes:
        held = sorted(one for one in node.ignores if not _may_be_left(node, one))
        if held:
            what = f"changes of {', '.join(held)} are left alone: what the program says is not deployed"
            yield Problem(node, what, "remove ignoreChanges")


def _may_be_left(node: Node, path: str) -> bool:
    first, last = path.split(".")[0].split("[")[0], path.rsplit(".", 1)[-1]
    return first in _HARMLESS or (node.type == TABLE and last in _SCALED)


def _regions(stack: Stack) -> Iterator[Problem]:
    placed = [one for one in stack.nodes if isinstance(one.get("region"), str)]
    usual, _ = Counter(one.text("region") for one in placed).most_common(1)[0] if placed else ("", 0)
    for one in placed:
        if one.text("region") != usual:
            what = f"it is in {one.text('region')}, and the stack in {usual}: each use of it crosses the world"
            yield Problem(one, what, "remove region from its arguments; a stack's region is aws:region")
    for function in own_functions(stack):
        yield from _address_region(function, usual)


def _address_region(function: Node, region: str) -> Iterator[Problem]:
    host = variable(function, ENV_WEBSOCKET_ENDPOINT).split("//", 1)[-1].split("/", 1)[0]
    parts = host.split(".")
    if "execute-api" in parts[:-1] and region and parts[parts.index("execute-api") + 1] != region:
        what = f"it posts to {host}, and the stack is in {region}"
        yield Problem(function, what, "make the address from the API's apiEndpoint")


RULES: Final = (
    Rule(
        id="creation-order",
        title="What is needed is made before what needs it",
        sources=(f"{LAMBDA_GUIDE}: log groups made by Lambda have no retention", "docs/architecture.md"),
        severity=WARNING,
        check=_order,
    ),
    Rule(
        id="ignored-changes",
        title="What the program says is deployed",
        sources=("Pulumi documentation: ignoreChanges",),
        check=_ignored,
    ),
    Rule(
        id="region",
        title="All of a stack is in one region",
        sources=(page(LATENCY, 4), "stelvio#264: the ambient region instead of the provider's"),
        check=_regions,
    ),
)
