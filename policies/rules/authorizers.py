"""Rules about who is asked at the door: the authorizer of ``$connect``."""

from collections.abc import Iterator
from typing import Final

from policies.documents import like
from policies.model import (
    AUTHORIZER,
    FUNCTION,
    PERMISSION,
    ROUTE,
    UNKNOWN,
    FunctionRef,
    Node,
    Problem,
    Rule,
    Stack,
    each,
)
from policies.program import astray, document, is_guarded
from policies.rules.invocations import permitted, void
from policies.rules.routes import sockets
from policies.sources import API_GUIDE
from trebuche.contract import AUTHORIZER_HANDLER, ENV_AUTH

_GUARDED: Final = "$connect"
_SOURCES: Final = {
    "header": "route.request.header.Authorization",
    "query": "route.request.querystring.token",
    "protocol": "route.request.header.Sec-WebSocket-Protocol",
}
"""Place of a credential, as trebuche.yaml has it, to the identity source that stands for it."""


def _authorizers(stack: Stack) -> Iterator[Problem]:
    for api in sockets(stack):
        routes = stack.of_api(ROUTE, api)
        connect = next((one for one in routes if one.get("routeKey") == _GUARDED), None)
        for authorizer in stack.of_api(AUTHORIZER, api):
            if connect is not None and authorizer not in stack.linked(connect, "authorizerId", AUTHORIZER):
                what = "no one asks it: $connect does not name it, and whoever knows the address gets in"
                yield Problem(authorizer, what, "set authorizationType CUSTOM and authorizerId on route $connect")
            yield from _asked(stack, authorizer, api)
        for route in routes:
            yield from _authorization(stack, route)
        if connect is not None and is_guarded(stack) and connect.get("authorizationType") in (None, "", "NONE"):
            what = (
                "it asks nobody, though there is an authorizer's function: the door is open, or all calls are refused"
            )
            yield Problem(connect, what, "set authorizationType CUSTOM and authorizerId")
        if is_guarded(stack) and not stack.of_api(AUTHORIZER, api):
            what = "it has no authorizer, though there is an authorizer's function"
            yield Problem(api, what, "add an Authorizer, and name it on route $connect")


def _authorization(stack: Stack, route: Node) -> Iterator[Problem]:
    kind, named, is_door = route.get("authorizationType"), route.get("authorizerId"), route.get("routeKey") == _GUARDED
    if kind == "CUSTOM" and not named:
        yield Problem(route, "its authorizationType is CUSTOM, and it names no authorizer", "set authorizerId")
    if named and kind not in ("CUSTOM", UNKNOWN):
        yield Problem(route, f"it names an authorizer, and its authorizationType is {kind}", "set CUSTOM")
    if isinstance(named, str) and named and not stack.linked(route, "authorizerId", AUTHORIZER):
        yield Problem(route, f"its authorizer {named} is not in this stack", "set authorizerId")
    if kind == "JWT":
        yield Problem(route, "WebSocket APIs know no JWT authorizers", "check the token in a REQUEST authorizer")
    if kind == "AWS_IAM" and is_door:
        what = "it takes connects signed with AWS credentials only: browsers and the clients here get 403"
        yield Problem(route, what, "let a REQUEST authorizer decide (trebuche.yaml: auth), or set NONE")
    if route.get("apiKeyRequired") is True and is_door:
        what = "it asks for an API key of a usage plan, in a header that browsers cannot send: they get 403"
        yield Problem(route, what, "let a REQUEST authorizer decide (trebuche.yaml: auth)")
    if kind in ("CUSTOM", "AWS_IAM") and not is_door:
        yield Problem(route, "only $connect can be authorized", "move the authorizer to $connect")
    if route.get("apiKeyRequired") is True and not is_door:
        yield Problem(route, "only $connect can ask for an API key", "remove apiKeyRequired")


def _asked(stack: Stack, authorizer: Node, api: Node) -> Iterator[Problem]:
    """The function behind an authorizer."""
    ref = stack.function_ref(authorizer, "authorizerUri")
    if not authorizer.get("authorizerUri"):
        yield Problem(authorizer, "it asks nothing: it has no authorizerUri", "set it to the alias's invokeArn")
    if ref is None:
        return
    function = stack.function(ref)
    if lost := astray(stack, ref):
        yield Problem(authorizer, f"it asks {lost}", "set authorizerUri to the alias's invokeArn")
    elif function is not None and is_guarded(stack) and function.text("handler") != AUTHORIZER_HANDLER:
        what = f"it asks {ref}, which says nothing of who may come in: every connect fails"
        yield Problem(authorizer, what, "set authorizerUri to the authorizer's own alias")
    if not any(_lets_ask(stack, one, ref, api) for one in stack.all(PERMISSION)):
        what = f"API Gateway may not call {ref}: every connect fails with 500"
        yield Problem(authorizer, what, f"add a Permission on {ref} with sourceArn …/authorizers/<id>")


def _lets_ask(stack: Stack, permission: Node, ref: FunctionRef, api: Node) -> bool:
    named, pattern, arn = (
        stack.function_ref(permission, "function"),
        permission.get("sourceArn"),
        api.text("executionArn"),
    )
    # A qualifier that is not known yet gets the benefit of the doubt.
    if permitted(stack, permission) not in (None, ref) or named is None or named.name != ref.name:
        return False
    if void(permission, api):
        return False
    # An authorizer's source is <api>/authorizers/<id>: it has no stage and no route.
    if not isinstance(pattern, str):
        return True
    ids = [one.text("id") or "x" for one in stack.of_api(AUTHORIZER, api)]
    return any(like(f"{arn}/authorizers/{one}", pattern) for one in ids) if arn else "/authorizers/" in pattern


def _sources(stack: Stack) -> Iterator[Problem]:
    places = [document(one, ENV_AUTH) for one in stack.all(FUNCTION) if one.text("handler") == AUTHORIZER_HANDLER]
    wanted = [_SOURCES.get(place) for one in places if isinstance(one, dict) for place in one.get("places", ())]
    for authorizer in stack.all(AUTHORIZER):
        sources = authorizer.get("identitySources")
        given = [str(one) for one in sources] if isinstance(sources, (list, tuple)) else []
        if sources is UNKNOWN or not wanted:
            continue
        if len(wanted) > 1 and given:
            what = f"it wants {' and '.join(given)}, all of them: who shows a credential in another place gets 401"
            yield Problem(authorizer, what, "leave identitySources empty")
        elif len(wanted) == 1 and given and given != wanted:
            what = f"it wants {' and '.join(given)}, and credentials come as {wanted[0]}: everybody gets 401"
            yield Problem(authorizer, what, f"set identitySources to [{wanted[0]}]")


def _authorizer_kind(authorizer: Node) -> Iterator[Problem]:
    kind = authorizer.get("authorizerType")
    if kind not in ("REQUEST", UNKNOWN):
        what = f"it is of type {kind}: WebSocket APIs know REQUEST only"
        yield Problem(authorizer, what, "check the token in a REQUEST authorizer's function")
    sources = authorizer.get("identitySources")
    for one in sources if isinstance(sources, list) else ():
        if isinstance(one, str) and not one.startswith(("route.request.", "stageVariables.", "context.")):
            what = f"identity source {one} is of another kind of API: it is never there, and everybody gets 401"
            yield Problem(authorizer, what, "write route.request.header.<Name> or route.request.querystring.<name>")
    for prop in ("authorizerResultTtlInSeconds", "enableSimpleResponses", "authorizerPayloadFormatVersion"):
        if authorizer.get(prop) not in (None, UNKNOWN, 0, False, ""):
            yield Problem(authorizer, f"{prop} is for HTTP APIs only", "remove it")


RULES: Final = (
    Rule(
        id="authorizer",
        title="$connect asks the authorizer, which API Gateway may call",
        sources=(f"{API_GUIDE}: REQUEST authorizers", "sst#5089, sst#6041"),
        check=_authorizers,
    ),
    Rule(
        id="authorizer-sources",
        title="An authorizer is asked wherever a credential is shown",
        sources=(f"{API_GUIDE}: identity sources (all of them must be there)", "docs/auth.md"),
        check=_sources,
    ),
    Rule(
        id="authorizer-kind",
        title="Authorizers are of a kind that WebSocket APIs know",
        sources=("aws-cdk#14085, stelvio#264: no JWT authorizers", f"{API_GUIDE}: identity sources"),
        check=each(AUTHORIZER, _authorizer_kind),
        types=(AUTHORIZER,),
    ),
)
