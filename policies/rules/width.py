"""Rules about what roles are, who may take them, and what they allow besides what is needed."""

from collections.abc import Iterator
from typing import Any, Final

from policies.documents import many, statements
from policies.model import (
    ATTACHMENT,
    FUNCTION,
    POLICY,
    ROLE,
    ROLE_POLICY,
    UNKNOWN,
    WARNING,
    Node,
    Problem,
    Rule,
    Stack,
)
from policies.needs import NEEDS, keys
from policies.rules.permissions import all_statements_of, attachments_of, role_of, roles_of
from policies.sources import IAM_GUIDE, LAMBDA_GUIDE
from policies.width import powers, too_wide

_LAMBDA: Final = "lambda.amazonaws.com"
_USED_BESIDES: Final = frozenset({"kms:describekey", "servicediscovery:discoverinstancesrevision"})
"""What AWS asks for beside what a function does."""
_OURS: Final = ("dynamodb", "sqs", "execute-api", "logs", "lambda", "servicediscovery", "secretsmanager", "xray", "kms")
"""Services whose use is known: an actor of one's own may use others."""


def _wide(stack: Stack) -> Iterator[Problem]:
    for node, document in _documents(stack):
        for statement in statements(document):
            wide: dict[str, list[str]] = {}
            for action, resource in too_wide(statement):
                wide.setdefault(resource, []).append(action)
            for resource, actions in wide.items():
                what = f"it allows {', '.join(actions)} on {resource}: whoever gets into the function gets that"
                yield Problem(node, what, "name the actions and the resources that are used")
            if found := powers(statement):
                what = f"it allows {', '.join(found)}: a function could change the deployment, or take other rights"
                yield Problem(node, what, "remove it; deployments do that, with a role of their own")
    for role in roles_of(stack):
        attached = [(one, one.text("policyArn")) for one in attachments_of(stack, role)]
        for node, arn in [*attached, *((role, str(one)) for one in many(role.get("managedPolicyArns")))]:
            if ":iam::aws:policy/" in arn:
                what = (
                    f"it attaches {arn.rsplit('/', 1)[-1]}: AWS's own policies name no resource of this stack, but all"
                )
                yield Problem(node, what, "write a policy with the actions and resources that are used")


def _documents(stack: Stack) -> Iterator[tuple[Node, object]]:
    """Every policy of the stack, and whatever else its roles allow."""
    for policy in (*stack.all(ROLE_POLICY), *stack.all(POLICY)):
        yield policy, policy.get("policy")
    names = {one.get("name") for one in stack.all(ROLE_POLICY)}
    for role in stack.all(ROLE):
        yield from (
            (role, one.get("policy")) for one in many(role.get("inlinePolicies")) if one.get("name") not in names
        )
    for attachment in stack.all(ATTACHMENT):
        if ":iam::aws:policy/" not in attachment.text("policyArn"):
            yield attachment, attachment.get("document")


def _unused(stack: Stack) -> Iterator[Problem]:
    needed = [need for kind in (*NEEDS, keys) for need in kind(stack)]
    for role in roles_of(stack):
        mine = [one for one in stack.all(FUNCTION) if role_of(stack, one) is role]
        used = {need.action.lower() for need in needed if need.function in mine} | _USED_BESIDES
        # Of a stack that is not whole nobody knows what a function does.
        for statement in all_statements_of(stack, role) or () if len(used) > len(_USED_BESIDES) else ():
            if idle := [one for one in _allowed(statement) if one.lower() not in used]:
                what = f"it allows {', '.join(idle)}, and {mine[0].label} does nothing of the kind"
                yield Problem(role, what, "remove what is not used")


def _allowed(statement: dict[str, Any]) -> list[str]:
    """The single actions that a statement allows, of services whose use is known; not what `wide-permission` names."""
    actions = [str(one) for one in many(statement.get("Action")) if str(one).split(":")[0] in _OURS and "*" not in one]
    return [one for one in actions if one not in powers(statement)] if statement.get("Effect") == "Allow" else []


def _function_roles(stack: Stack) -> Iterator[Problem]:
    takers: dict[str, str] = {}
    for function in stack.all(FUNCTION):
        role = role_of(stack, function)
        if role is None and function.get("role") is not UNKNOWN:
            what = f"it runs as {function.get('role')}, which is no role of this stack: nobody knows what it may do"
            yield Problem(function, what, "set role to the arn of its own role")
        elif role is not None and role.urn in takers:
            what = f"it runs as {role.label}, as {takers[role.urn]} does: each may do what the other needs"
            yield Problem(function, what, "give each function a role of its own")
        elif role is not None:
            takers[role.urn] = function.label
    for policy in (*stack.all(ROLE_POLICY), *stack.all(ATTACHMENT)):
        if policy.get("role") is not UNKNOWN and not stack.linked(policy, "role", ROLE):
            what = f"it is a policy of {policy.get('role')}, which is no role of this stack"
            yield Problem(policy, what, "set role to the name of the function's role")


def _trust(stack: Stack) -> Iterator[Problem]:
    for function in stack.all(FUNCTION):
        role, mend = role_of(stack, function), f"let {_LAMBDA}, and nobody else, take it"
        if role is None or role.get("assumeRolePolicy") in (None, UNKNOWN):
            continue
        trusting = [one for one in statements(role.get("assumeRolePolicy")) if one.get("Effect") == "Allow"]
        plain = [one for one in trusting if not one.get("Condition") and "sts:AssumeRole" in many(one.get("Action"))]
        if _LAMBDA not in [who for one in plain for who in _trusted(one)] or _denied(role):
            yield Problem(role, f"Lambda may not take it, and {function.label} runs with it", mend)
        for who in sorted({who for one in trusting for who in _trusted(one)} - {_LAMBDA}):
            yield Problem(role, f"{'anybody' if who == '*' else who} may take it, and do what the function may", mend)


def _trusted(statement: dict[str, Any]) -> list[str]:
    """Whom a statement of a trust policy names."""
    principal = statement.get("Principal")
    if principal is None:
        return ["everybody but a few"] if "NotPrincipal" in statement else []
    groups = principal.values() if isinstance(principal, dict) else [principal]
    return [str(one) for group in groups for one in many(group)]


def _denied(role: Node) -> bool:
    denials = [one for one in statements(role.get("assumeRolePolicy")) if one.get("Effect") == "Deny"]
    return any({_LAMBDA, "*"} & set(_trusted(one)) for one in denials)


def _foreign(stack: Stack) -> Iterator[Problem]:
    for policy in (one for one in (*stack.all(ROLE_POLICY), *stack.all(ATTACHMENT)) if one.by_hand):
        named = policy.text("policyArn") or policy.text("name")
        what = f"no program gave {named} to role {policy.text('role')}: somebody did it by hand"
        yield Problem(policy, what, "take it away, or write it into the program")


RULES: Final = (
    Rule(
        id="wide-permission",
        title="Roles allow what is used, by name",
        sources=("aws-cdk#18410, docs/architecture.md: least privilege",),
        check=_wide,
    ),
    Rule(
        id="unused-permission",
        title="Roles allow nothing that their functions do not do",
        sources=("docs/architecture.md: D11, least privilege",),
        severity=WARNING,
        check=_unused,
    ),
    Rule(
        id="foreign-policy",
        title="Roles have the policies of the program, and no others",
        sources=(f"{IAM_GUIDE}: inline and attached policies",),
        severity=WARNING,
        check=_foreign,
    ),
    Rule(
        id="function-role",
        title="Each function has a role of its own in this stack",
        sources=("docs/architecture.md: D11, least privilege",),
        check=_function_roles,
    ),
    Rule(
        id="role-trust",
        title="Lambda, and nobody else, may take a function's role",
        sources=(f"{LAMBDA_GUIDE}: execution role",),
        check=_trust,
    ),
)
