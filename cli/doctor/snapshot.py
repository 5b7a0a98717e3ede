"""A running stack as it is in AWS: read back through Pulumi's own provider, roles through IAM, functions as served."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cli.account import CLIENT_CONFIG, speaking_to_aws
from cli.doctor.served import as_served
from cli.errors import CommandError
from cli.pulumi_stack import PulumiStack
from cli.target import Target
from policies.model import ATTACHMENT, ROLE, ROLE_POLICY, Node, Stack

if TYPE_CHECKING:
    from types_boto3_iam import IAMClient

Json = dict[str, Any]


def read_stack(target: Target) -> Stack:
    """The resources of a stack as AWS has them now; what is gone is left out.

    Raises:
        CommandError: The engine cannot read them, or AWS refuses.
    """
    run = target.stack.look("refresh", "--preview-only")
    if not run.ok:
        raise CommandError(f"The stack's resources cannot be read: {run.text}")
    kept = {entry["urn"]: entry for entry in _resources(target.stack)}
    nodes = tuple(_nodes(run.events, kept))
    with speaking_to_aws():
        client = target.session.client("iam", config=CLIENT_CONFIG)
        stack = Stack(target.stack.short_name, nodes, complete=True)
        stack = replace(stack, nodes=tuple(_with_roles(client, stack)))
        return replace(stack, nodes=tuple(as_served(target.session.client("lambda", config=CLIENT_CONFIG), stack)))


def _resources(stack: PulumiStack) -> list[Json]:
    found: list[Json] = ((stack.state() or {}).get("deployment") or {}).get("resources") or []
    return found


def _nodes(events: Iterable[Json], kept: Mapping[str, Json]) -> Iterator[Node]:
    for event in events:
        step = (event.get("resOutputsEvent") or {}).get("metadata") or {}
        entry = kept.get(str(step.get("urn")))
        new = step.get("new")
        if entry is not None and entry["type"].startswith("aws:") and new and step.get("op") != "delete":
            yield _node(entry, new)


def _node(entry: Json, new: Json) -> Node:
    # AWS does not give back all that was asked for: what it is silent about is as the program said.
    props = {**(entry.get("inputs") or {}), **(new.get("outputs") or {}), "id": new.get("id")}
    refers = {key: frozenset(urns) for key, urns in (entry.get("propertyDependencies") or {}).items() if urns}
    return Node(
        urn=entry["urn"],
        type=entry["type"],
        props=props,
        depends_on=frozenset(entry.get("dependencies") or ()),
        refers=refers,
        protect=bool(entry.get("protect")),
    )


def _with_roles(client: "IAMClient", stack: Stack) -> Iterator[Node]:
    """The resources, with all that IAM knows of the roles: also what was attached to them by hand."""
    known = {(one.text("role"), one.text("name")): one for one in stack.all(ROLE_POLICY)}
    known |= {(one.text("role"), one.text("policyArn")): one for one in stack.all(ATTACHMENT)}
    yield from (one for one in stack.nodes if one.type not in (ROLE, ROLE_POLICY, ATTACHMENT))
    for role in stack.all(ROLE):
        yield _with_boundary(client, role)
        name = role.text("name")
        for page in client.get_paginator("list_role_policies").paginate(RoleName=name):
            for policy in page["PolicyNames"]:
                document = client.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
                props = {"role": name, "name": policy, "policy": json.dumps(document)}
                yield _kept(known.get((name, policy)), ROLE_POLICY, props)
        for attachments in client.get_paginator("list_attached_role_policies").paginate(RoleName=name):
            for attached in attachments["AttachedPolicies"]:
                arn = attached["PolicyArn"]
                attachment: Json = {"role": name, "name": f"{name} of {arn}", "policyArn": arn}
                attachment["document"] = _document(client, arn)
                yield _kept(known.get((name, arn)), ATTACHMENT, attachment)


def _with_boundary(client: "IAMClient", role: Node) -> Node:
    """The role, with what its permissions boundary says; one whose policy is gone allows nothing."""
    arn = role.text("permissionsBoundary")
    if not arn:
        return role
    try:
        document = _document(client, arn)
    except client.exceptions.NoSuchEntityException:
        document = {}
    return replace(role, props={**role.props, "boundaryDocument": document})


def _document(client: "IAMClient", arn: str) -> Json:
    version = client.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    found: Any = client.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
    return dict(found)


def _kept(mine: Node | None, type_: str, props: Json) -> Node:
    """The program's own resource with what AWS says of it, or what somebody made by hand."""
    if mine is not None:
        return replace(mine, props={**mine.props, **props})
    return Node(urn=f"{type_}::{props['role']}:{props['name']}", type=type_, props=props, by_hand=True)
