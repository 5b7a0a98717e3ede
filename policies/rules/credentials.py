"""Rules about roles that API Gateway takes to call functions, instead of a permission on the function."""

from collections.abc import Iterator
from typing import Final

from policies.documents import allows, many, statements
from policies.model import AUTHORIZER, INTEGRATION, ROLE, UNKNOWN, Node, Problem, Rule, Stack
from policies.rules.permissions import statements_of
from policies.sources import API_GUIDE

_API_GATEWAY: Final = "apigateway.amazonaws.com"
_INVOKE: Final = "lambda:InvokeFunction"
_CALLERS_OWN: Final = "arn:aws:iam::*:user/*"
_NAMED: Final = (
    (INTEGRATION, "credentialsArn", "integrationUri"),
    (AUTHORIZER, "authorizerCredentialsArn", "authorizerUri"),
)


def _credentials(stack: Stack) -> Iterator[Problem]:
    for kind, prop, uri in _NAMED:
        for node in stack.all(kind):
            if value := node.get(prop):
                yield from _role(stack, node, prop, uri, value)


def _role(stack: Stack, node: Node, prop: str, uri: str, value: object) -> Iterator[Problem]:
    mend = f"remove {prop}: a Permission on the alias is enough"
    if value == _CALLERS_OWN:
        what = "it calls with the caller's own AWS credentials, which clients of a socket have not"
        yield Problem(node, what, mend)
        return
    role = next(iter(stack.linked(node, prop, ROLE)), None)
    if role is None:
        if value is not UNKNOWN:
            what = f"it calls as {value}, which is no role of this stack: a permission on the function does not count"
            yield Problem(node, what, mend)
        return
    if not _may_take(role):
        yield Problem(node, f"it calls as {role.label}, which API Gateway may not take", mend)
    target, allowed = node.text(uri).split("/functions/")[-1].removesuffix("/invocations"), statements_of(stack, role)
    if allowed is not None and target and not allows(allowed, _INVOKE, target):
        what = f"it calls as {role.label}, which does not allow {_INVOKE} on {target}: clients get an error"
        yield Problem(node, what, mend)


def _may_take(role: Node) -> bool:
    document = role.get("assumeRolePolicy")
    if document in (None, UNKNOWN):
        return True
    return any(
        one.get("Effect") == "Allow" and _API_GATEWAY in many(one["Principal"].get("Service"))
        for one in statements(document)
        if isinstance(one.get("Principal"), dict)
    )


RULES: Final = (
    Rule(
        id="integration-credentials",
        title="Roles with which API Gateway calls functions can be taken, and suffice",
        sources=(f"{API_GUIDE}: credentials of integrations and authorizers",),
        check=_credentials,
    ),
)
