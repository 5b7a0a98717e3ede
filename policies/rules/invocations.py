"""Rules about who may call the functions: API Gateway on behalf of this API, and nobody besides."""

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from policies.documents import like, many, statements
from policies.model import (
    API,
    AUTHORIZER,
    FUNCTION_URL,
    INTEGRATION,
    PERMISSION,
    QUEUE,
    QUEUE_POLICY,
    ROUTE,
    STAGE,
    UNKNOWN,
    FunctionRef,
    Node,
    Problem,
    Rule,
    Stack,
    each,
)
from policies.rules.routes import called_by, is_proxy, sockets

API_GATEWAY: Final = "apigateway.amazonaws.com"
INVOKE: Final = "lambda:InvokeFunction"
_OF_OTHERS: Final = ("eventSourceToken", "functionUrlAuthType", "principalOrgId")
"""What Alexa, function URLs and accounts of an organisation are asked for; API Gateway does not bring it."""


def permitted(stack: Stack, permission: Node) -> FunctionRef | None:
    """The function, with its alias, that a permission is on; None when nobody can tell yet."""
    on = stack.function_ref(permission, "function")
    if on is None or permission.get("qualifier") is UNKNOWN:
        return None
    return FunctionRef(on.name, permission.text("qualifier") or on.qualifier, on.place)


def void(permission: Node, api: Node) -> str:
    """Why API Gateway gains nothing by a permission that is meant for it; empty when it does."""
    action, principal = permission.get("action"), permission.get("principal")
    if action not in (INVOKE, "lambda:*", UNKNOWN):
        return f"it allows {action}, and API Gateway needs {INVOKE}"
    if principal not in (API_GATEWAY, "*", UNKNOWN):
        return f"it is {principal}'s, and API Gateway calls as {API_GATEWAY}"
    for one in _OF_OTHERS:
        if permission.get(one) not in (None, "", UNKNOWN):
            return f"its {one} is {permission.get(one)}, which API Gateway does not bring"
    if permission.get("sourceAccount") not in (None, "", UNKNOWN, _account(api)):
        return f"it is for account {permission.get('sourceAccount')}, and the API is in {_account(api)}"
    return ""


def _permissions(stack: Stack) -> Iterator[Problem]:
    faulty = list(_faulty(stack))
    yield from faulty
    told = {problem.node.urn for problem in faulty if problem.node}
    for api in sockets(stack):
        for route in stack.of_api(ROUTE, api):
            ref, key = called_by(stack, route), route.text("routeKey")
            if ref is None or stack.function(ref) is None:
                continue
            meant = [one for one in stack.all(PERMISSION) if _covers(stack, one, api, key)]
            if not any(one.urn in told or permitted(stack, one) in (None, ref) for one in meant):
                what = f"API Gateway may not call {ref} for it: the client gets Internal server error"
                yield Problem(
                    route, what, f"add a Permission of {INVOKE} for {API_GATEWAY} on {ref}, with its sourceArn"
                )
        yield from _too_few(stack, api)


def _too_few(stack: Stack, api: Node) -> Iterator[Problem]:
    """Before a deployment nobody knows which route a permission is for, but how many there are."""
    routes = Counter(ref for route in stack.of_api(ROUTE, api) if (ref := called_by(stack, route)) is not None)
    for ref, wanted in routes.items():
        mine = [one for one in stack.all(PERMISSION) if permitted(stack, one) == ref]
        # A single one may be for all routes.
        if all(one.get("sourceArn") is UNKNOWN for one in mine) and 1 < len(mine) < wanted:
            what = f"{len(mine)} permissions let API Gateway call {ref}, and {wanted} of its routes lead there"
            yield Problem(api, what, f"add a Permission of {INVOKE} on {ref} for the other routes")


def _faulty(stack: Stack) -> Iterator[Problem]:
    """Permissions that are meant for this stack's APIs, and do nothing for them."""
    called = [
        ref for one in stack.all(INTEGRATION) if is_proxy(one) and (ref := stack.function_ref(one, "integrationUri"))
    ]
    called += [ref for one in stack.all(AUTHORIZER) if (ref := stack.function_ref(one, "authorizerUri"))]
    for permission in stack.all(PERMISSION):
        api, on = _meant_for(stack, permission), permitted(stack, permission)
        if api is None:
            continue
        if why := void(permission, api):
            yield Problem(permission, f"{why}: it permits nothing", f"make it one of {INVOKE} for {API_GATEWAY}")
        elif on is not None and called and on not in called:
            meant = sorted({str(ref) for ref in called if ref.name == on.name} or {str(ref) for ref in called})
            what = f"it is on {on}, and API Gateway calls {' and '.join(meant)}: it permits nothing"
            yield Problem(permission, what, "set function and qualifier to the alias that is called")
        elif not _has_source(stack, permission, api):
            what = f"its source {permission.get('sourceArn')} is no route of this stack: it permits nothing"
            yield Problem(permission, what, "set sourceArn to the API's stage and route")


def _meant_for(stack: Stack, permission: Node) -> Node | None:
    """The API that a permission is for, as far as its source or its principal tells."""
    apis, source = sockets(stack), permission.get("sourceArn")
    if source is UNKNOWN:
        return next((api for api in apis if api in stack.made_from(permission, "sourceArn", API)), None)
    is_for_one = permission.get("principal") == API_GATEWAY or ":execute-api:" in permission.text("sourceArn")
    return apis[0] if apis and is_for_one else None


def _has_source(stack: Stack, permission: Node, api: Node) -> bool:
    """Whether a permission's source is anything that calls, as far as that is known."""
    pattern = permission.get("sourceArn")
    if not isinstance(pattern, str):
        return True
    if not api.text("executionArn"):
        # Before there is an API nobody can know its id.
        return "*" in pattern.split("/", 1)[0]
    if like(f"{api.text('executionArn')}/authorizers/x", pattern) or "/authorizers/" in pattern:
        return True
    return any(_covers(stack, permission, api, one.text("routeKey")) for one in stack.of_api(ROUTE, api))


def _account(api: Node) -> object:
    """The account of an API; what any permission says is right as long as that is not known."""
    parts = api.text("executionArn").split(":")
    return parts[4] if len(parts) > 4 else UNKNOWN


def _covers(stack: Stack, permission: Node, api: Node, key: str) -> bool:
    """Whether a permission's source is a route, on each of the API's stages."""
    pattern = permission.get("sourceArn")
    if pattern is UNKNOWN:
        return api in stack.made_from(permission, "sourceArn", API)
    if pattern is None:
        # Any API may call then: rule open-permission tells of it.
        return True
    arn = api.text("executionArn")
    stages = [stage.text("name") for stage in stack.of_api(STAGE, api)]
    # Without an ARN nothing was deployed yet, and nothing can be held against the pattern but its end.
    if not arn:
        return any(str(pattern).endswith((f"/{stage}/{key}", f"/{stage}/*", "/*/*", "/*")) for stage in stages)
    return all(like(f"{arn}/{stage}/{key}", str(pattern)) for stage in stages)


def _open_permissions(permission: Node) -> Iterator[Problem]:
    source, principal = permission.text("sourceArn"), permission.text("principal")
    # arn:aws:execute-api:<region>:<account>:<api>/<stage>/<route>
    which = source.split("/", 1)[0].split(":", 3)[-1]
    if principal in (API_GATEWAY, "*") and (not permission.get("sourceArn") or "*" in which):
        what = f"any API of any account may call the function: its sourceArn is {source or 'not set'}"
        yield Problem(permission, what, "set sourceArn to the API's stage and route")
    elif principal and not principal.endswith(".amazonaws.com"):
        who = "anybody" if principal == "*" else principal
        yield Problem(permission, f"{who} may call the function", f"set principal to {API_GATEWAY}")


def _open_doors(stack: Stack) -> Iterator[Problem]:
    for url in stack.all(FUNCTION_URL):
        if url.get("authorizationType") == "NONE":
            what = "it is a way to the function past API Gateway, its authorizer and its throttles"
            yield Problem(url, what, "remove it, or set authorizationType AWS_IAM")
    for type_ in (QUEUE_POLICY, QUEUE):
        for one in stack.all(type_):
            for statement in statements(one.get("policy")):
                yield from _queue_statement(one, statement)


def _queue_statement(policy: Node, statement: dict[str, Any]) -> Iterator[Problem]:
    principal = statement.get("Principal")
    named = [str(one) for one in many(principal.get("AWS") if isinstance(principal, dict) else principal)]
    if statement.get("Condition"):
        return
    if statement.get("Effect") == "Allow" and named:
        who = "anybody" if "*" in named else ", ".join(named)
        what = f"{who} may use the queue: have functions work for them, or read what failed"
        yield Problem(policy, what, "remove the statement; roles of this stack need no queue policy")
    if statement.get("Effect") == "Deny" and named:
        what = f"it denies {', '.join(map(str, many(statement.get('Action'))))} to the functions, too"
        yield Problem(policy, what, "remove the statement, or give it a condition (aws:SecureTransport)")


RULES: Final = (
    Rule(
        id="invoke-permission",
        title="API Gateway may call the alias behind each route",
        sources=("Lambda developer guide: a permission on a function does not cover its aliases",),
        check=_permissions,
    ),
    Rule(
        id="open-permission",
        title="This API, and no other, may call the functions",
        sources=("Lambda developer guide: the confused deputy",),
        check=each(PERMISSION, _open_permissions),
        types=(PERMISSION,),
    ),
    Rule(
        id="open-door",
        title="Nobody comes to functions and queues by another way",
        sources=("Lambda developer guide: function URLs; SQS developer guide: queue policies",),
        check=_open_doors,
    ),
)
