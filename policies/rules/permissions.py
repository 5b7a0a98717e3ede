"""Rules about permissions: what a role allows, held against what its function does."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, Final

from policies import needs
from policies.conditions import Caller, judged
from policies.documents import allows, many, statements
from policies.model import (
    ATTACHMENT,
    FUNCTION,
    LOG_GROUP,
    NAMESPACE,
    POLICY,
    QUEUE,
    ROLE,
    ROLE_POLICY,
    TABLE,
    UNKNOWN,
    WARNING,
    Node,
    Problem,
    Rule,
    Stack,
)
from policies.needs import Need, Needs
from policies.sources import BROADCASTING, IAM_GUIDE, LAMBDA_GUIDE, PERSISTING, page

_NAMED: Final = (TABLE, QUEUE, LOG_GROUP)
"""What ends its ARN with its name."""


def statements_of(stack: Stack, role: Node) -> list[dict[str, Any]] | None:
    """What a role allows and denies to a function's calls; None when a part of it is not known."""
    found = all_statements_of(stack, role)
    return None if found is None else judged(found, caller_of(stack, role))


def caller_of(stack: Stack, role: Node) -> Caller:
    """A function with this role, as far as the stack tells where it runs."""
    arns = [one.text("arn") for one in (*stack.all(TABLE), *stack.all(FUNCTION)) if one.text("arn")]
    _, _, _, region, account, *_ = [*(arns[0] if arns else "").split(":"), *[""] * 5]
    return Caller(
        region=region,
        account=account,
        role=role.text("arn"),
        namespaces=tuple(one.text("name") for one in stack.all(NAMESPACE) if one.text("name")),
        now=datetime.now(UTC),
    )


def boundary_of(stack: Stack, role: Node) -> list[dict[str, Any]] | None:
    """The statements of a role's permissions boundary; None when it has none, or nobody knows what it says."""
    document = role.get("boundaryDocument")  # of a running stack, whoever made the policy
    for policy in stack.linked(role, "permissionsBoundary", POLICY):
        document = document or policy.get("policy")
    if not isinstance(document, (str, dict)):
        return None
    return judged(statements(document), caller_of(stack, role))


def all_statements_of(stack: Stack, role: Node) -> list[dict[str, Any]] | None:
    """All statements of a role, whatever their conditions; None when a part is not known, such as a policy of AWS's."""
    documents = [policy.get("policy") for policy in _policies(stack, role)]
    own = {policy.get("name") for policy in _policies(stack, role)}
    # A role shows what is attached to it, as it was before the deployment.
    documents += [one.get("policy") for one in many(role.get("inlinePolicies")) if one.get("name") not in own]
    documents += [document_of(stack, one) for one in attachments_of(stack, role)]
    if not all(isinstance(one, (str, dict)) for one in documents):
        return None
    return [statement for one in documents for statement in statements(one)]


def attachments_of(stack: Stack, role: Node) -> list[Node]:
    """The policies that are attached to a role."""
    return [one for one in stack.all(ATTACHMENT) if role in stack.linked(one, "role", ROLE)]


def document_of(stack: Stack, attachment: Node) -> Any:
    """What an attached policy says: of a running stack, or where it is in the stack; else None."""
    named = stack.linked(attachment, "policyArn", POLICY)
    return attachment.get("document") or (named[0].get("policy") if named else None)


def _policies(stack: Stack, role: Node) -> list[Node]:
    return [one for one in stack.all(ROLE_POLICY) if role in stack.linked(one, "role", ROLE)]


def role_of(stack: Stack, function: Node) -> Node | None:
    """The role that a function runs with, when it is in this stack."""
    return next(iter(stack.linked(function, "role", ROLE)), None)


def roles_of(stack: Stack) -> list[Node]:
    """The roles that functions of the stack run with."""
    used = [role_of(stack, function) for function in stack.all(FUNCTION)]
    return [role for role in stack.all(ROLE) if role in used]


_REFUSED: Final = "its role does not allow {actions} on {place}"
_BOUNDED: Final = "the permissions boundary of its role does not allow {actions} on {place}"
_UNSAID: Final = "no policy of its role says anything of {place} ({actions})"
_NOWHERE: Final = "its role does not allow {actions} on anything, {place} included"


def _missing(needs: Needs) -> Callable[[Stack], Iterator[Problem]]:
    """A check that the roles allow what is needed; what one function may not do to one resource is told together."""

    def check(stack: Stack) -> Iterator[Problem]:
        told: dict[tuple[str, str, str], list[Need]] = {}
        for need in needs(stack):
            if why := unmet(stack, need):
                told.setdefault((need.function.urn, need.place, why), []).append(need)
        for (_, place, why), several in told.items():
            actions = ", ".join(dict.fromkeys(need.said for need in several))
            role = role_of(stack, several[0].function)
            mend = f"allow {actions} on it in {role.label if role else 'the role'}"
            mend += ", and in its permissions boundary" if why == _BOUNDED else ""
            yield Problem(several[0].function, why.format(actions=actions, place=place), mend)

    return check


def unmet(stack: Stack, need: Need) -> str:
    """Why a need is not met, with places for actions and resource; empty when it is, or nobody can tell."""
    action, on, resource = need.action, need.on, need.resource
    role = role_of(stack, need.function)
    if role is None:
        return ""
    allowed, limit = statements_of(stack, role), boundary_of(stack, role)
    if limit is not None and resource and not allows(limit, action, resource):
        return _BOUNDED
    if allowed is None:
        # Of a document that is not known yet one can see at least what it is made from.
        return _UNSAID if on is not None and not _is_mentioned(stack, role, on) else ""
    if resource:
        return "" if allows(allowed, action, resource) else _REFUSED
    # The ARN is not known yet, but what is allowed nowhere is not allowed there either.
    return "" if any(allows(allowed, action, _sample(one)) for one in _about(allowed, on)) else _NOWHERE


def _is_mentioned(stack: Stack, role: Node, on: Node) -> bool:
    policies = _policies(stack, role)
    if not policies and not any(role in stack.linked(one, "role", ROLE) for one in stack.all(ATTACHMENT)):
        return False
    vague = [one for one in policies if one.get("policy") is UNKNOWN]
    # In doubt for the role: a document whose makings nobody tells may be about anything.
    return not vague or any(on.urn in one.refers.get("policy", ()) or not one.refers.get("policy") for one in vague)


def _about(allowed: list[dict[str, Any]], on: Node | None) -> list[str]:
    """The resources of statements that may be the one that is meant, whose name is known before its ARN is."""
    found = [str(one) for statement in allowed for one in many(statement.get("Resource"))]
    name = on.text("name") if on is not None and on.type in _NAMED else ""
    return [one for one in found if name in one or one.endswith("*")]


def _sample(pattern: str) -> str:
    return pattern.replace("*", "x").replace("?", "x")


RULES: Final = (
    Rule(
        id="connection-permission",
        title="The functions may work on connections and subscriptions",
        sources=(page(PERSISTING, 1),),
        check=_missing(needs.connections),
    ),
    Rule(
        id="state-permission",
        title="The actors' functions may read and write state and journal",
        sources=(page(PERSISTING, 1), f"{IAM_GUIDE}: policy evaluation"),
        check=_missing(needs.states),
    ),
    Rule(
        id="access-permission",
        title="The authorizer may look up revocations, tickets and its secret",
        sources=("docs/auth.md", f"{IAM_GUIDE}: policy evaluation"),
        check=_missing(needs.access),
    ),
    Rule(
        id="post-permission",
        title="Functions that answer clients may post to connections of this stage, and close those that must go",
        sources=(page(BROADCASTING, 3), "sst#956, sst#4633, aws-cdk#14828, architect/functions#130"),
        check=_missing(needs.posts),
    ),
    Rule(
        id="stream-permission",
        title="A mapping's function may read its stream",
        sources=(page(BROADCASTING, 2), f"{LAMBDA_GUIDE}: execution role for DynamoDB streams"),
        check=_missing(needs.streams),
    ),
    Rule(
        id="failure-permission",
        title="A mapping's function may send what was given up",
        sources=(f"{LAMBDA_GUIDE}: destinations are written with the execution role",),
        check=_missing(needs.failures),
    ),
    Rule(
        id="queue-permission",
        title="A mapping's function may take messages from its queue",
        sources=(f"{LAMBDA_GUIDE}: execution role for Amazon SQS",),
        check=_missing(needs.queues),
    ),
    Rule(
        id="reminder-permission",
        title="Functions may send the reminders that they owe: of late subscribers, of rights that end",
        sources=("docs/architecture.md: D9",),
        check=_missing(needs.reminders),
    ),
    Rule(
        id="log-permission",
        title="Each function may write its logs",
        sources=(page(PERSISTING, 3),),
        check=_missing(needs.logs),
    ),
    Rule(
        id="trace-permission",
        title="Traced functions may write their traces",
        sources=("X-Ray developer guide: sending trace data",),
        severity=WARNING,
        check=_missing(needs.traces),
    ),
    Rule(
        id="key-permission",
        title="Functions may use the keys that their tables and variables are encrypted with",
        sources=("DynamoDB developer guide: customer managed keys; a key's own policy may allow it as well",),
        severity=WARNING,
        check=_missing(needs.keys),
    ),
    Rule(
        id="actor-permission",
        title="The websocket function finds the actors' functions and may call them",
        sources=(f"{IAM_GUIDE}: policy evaluation", "docs/architecture.md"),
        check=_missing(needs.actors),
    ),
)
