"""Rules about the WebSocket API's routes, and where they lead."""

from collections.abc import Iterator
from typing import Final

from policies.model import API, INSTANCE, INTEGRATION, ROUTE, UNKNOWN, FunctionRef, Node, Problem, Rule, Stack, each
from policies.program import astray, own_functions
from policies.sources import API_GUIDE, PERSISTING, page
from policies.stages import is_websocket
from policies.traps import Trap, sprung
from trebuche.contract import ACTOR_ID, ENV_WEBSOCKET_ENDPOINT

SELECTION: Final = "$request.body.action"
ROUTES: Final = ("$connect", "$disconnect", "$default")
PING: Final = "ping"
_LONGEST_MILLISECONDS: Final = 29_000


def sockets(stack: Stack) -> list[Node]:
    """The APIs that clients connect to."""
    return [api for api in stack.all(API) if is_websocket(api)]


def integration_of(stack: Stack, route: Node) -> Node | None:
    """Where a route leads."""
    return next(iter(stack.linked(route, "target", INTEGRATION)), None)


def is_proxy(integration: Node | None) -> bool:
    """Whether a function answers what comes to an integration."""
    return integration is not None and integration.get("integrationType") == "AWS_PROXY"


def called_by(stack: Stack, route: Node) -> FunctionRef | None:
    """The function that answers what comes to a route."""
    integration = integration_of(stack, route)
    return stack.function_ref(integration, "integrationUri") if integration and is_proxy(integration) else None


def _routes(stack: Stack) -> Iterator[Problem]:
    for api in sockets(stack):
        keys = {route.get("routeKey") for route in stack.of_api(ROUTE, api)}
        if not keys:
            yield Problem(
                api, "it has no routes: no deployment of it can be made", "add $connect, $disconnect, $default"
            )
        for missing in (key for key in ROUTES if keys and key not in keys):
            yield Problem(api, f"it has no route {missing}", f"add route {missing} to the websocket function")
        if keys and PING not in keys and own_functions(stack):
            what = f"it has no route {PING}: keep-alives cost an invocation, and clients take silence for a dead socket"
            yield Problem(api, what, f"add route {PING} with a MOCK integration that answers")
    for function in own_functions(stack):
        has_endpoint = function.get("environment", "variables", ENV_WEBSOCKET_ENDPOINT)
        if has_endpoint and stack.all(API) and not sockets(stack):
            yield Problem(
                stack.all(API)[0], "its protocol is not WEBSOCKET, and functions post to it", "set protocolType"
            )
            return


def _selection(api: Node) -> Iterator[Problem]:
    if is_websocket(api) and api.get("routeSelectionExpression") not in (SELECTION, UNKNOWN):
        what = f"it selects routes by {api.get('routeSelectionExpression')}, and clients name an action"
        yield Problem(api, what, f"set routeSelectionExpression to {SELECTION}")


def _targets(stack: Stack) -> Iterator[Problem]:
    for api in sockets(stack):
        for route in stack.of_api(ROUTE, api):
            integration = integration_of(stack, route)
            if not route.get("target"):
                yield Problem(route, "it leads nowhere", "set target to integrations/<id>")
            elif integration is None and route.get("target") is not UNKNOWN:
                what = f"it leads to {route.get('target')}, which is no integration of this stack"
                yield Problem(route, what, "set target to integrations/<id> of this API")
            elif integration is not None and is_proxy(integration):
                yield from _called(stack, route, integration)
            elif integration is not None and (integration.get("integrationUri") or _is_for_functions(stack, route)):
                what = f"it leads to a {integration.get('integrationType')} integration: no function hears of it"
                yield Problem(route, what, "use an AWS_PROXY integration of the websocket function")


def _is_for_functions(stack: Stack, route: Node) -> bool:
    """Whether clients send calls to a route: it is one of the three, or has an actor's name."""
    return route.get("routeKey") in (*ROUTES, *(one.get("attributes", ACTOR_ID) for one in stack.all(INSTANCE)))


def _called(stack: Stack, route: Node, integration: Node) -> Iterator[Problem]:
    """The function behind a route."""
    yield from _carried(integration)
    ref = stack.function_ref(integration, "integrationUri")
    if not integration.get("integrationUri"):
        yield Problem(integration, f"{route.label} calls nothing: it has no integrationUri", "set integrationUri")
    if ref is None:
        return
    if lost := astray(stack, ref):
        yield Problem(integration, f"{route.label} calls {lost}", "set integrationUri to the alias's invokeArn")
        return
    function, usual = stack.function(ref), {one.text("handler") for one in _behind(stack, route)}
    if function is not None and len(usual) == 1 and function.text("handler") not in usual:
        what = f"it calls {function.text('name')}, and the other two of {', '.join(ROUTES)} call another function"
        yield Problem(route, what, "lead all three to the websocket function")


def _carried(integration: Node) -> Iterator[Problem]:
    """How frames come to a function."""
    if integration.get("contentHandlingStrategy") == "CONVERT_TO_BINARY":
        what = "it turns frames, which are text, from Base64 into bytes: its function cannot read them"
        yield Problem(integration, what, "remove contentHandlingStrategy")
    if integration.get("connectionType") == "VPC_LINK":
        yield Problem(integration, "it goes through a VPC link, where no function is", "remove connectionType")
    if integration.get("integrationMethod") not in ("POST", UNKNOWN, None):
        what = f"it calls a function with {integration.get('integrationMethod')}, and Lambda takes POST"
        yield Problem(integration, what, "set integrationMethod to POST")
    if integration.get("payloadFormatVersion") not in ("1.0", "", UNKNOWN, None):
        what = f"its payload format is {integration.get('payloadFormatVersion')}, which is for HTTP APIs"
        yield Problem(integration, what, "set payloadFormatVersion to 1.0")


def _behind(stack: Stack, route: Node) -> list[Node]:
    """The functions behind the other two of the three routes that one function serves."""
    api = stack.api(route)
    if route.get("routeKey") not in ROUTES or api is None:
        return []
    others = [one for one in stack.of_api(ROUTE, api) if one is not route and one.get("routeKey") in ROUTES]
    known = [one for other in others if (one := stack.function(called_by(stack, other))) is not None]
    return known if len(known) == len(ROUTES) - 1 else []


def _waits(stack: Stack) -> Iterator[Problem]:
    for integration in (one for one in stack.all(INTEGRATION) if is_proxy(one)):
        time, mend = integration.number("timeoutMilliseconds"), f"set timeoutMilliseconds to {_LONGEST_MILLISECONDS}"
        function = stack.function(stack.function_ref(integration, "integrationUri"))
        seconds = (function.number("timeout") if function is not None else None) or 0
        if time is None:
            continue
        if time > _LONGEST_MILLISECONDS:
            yield Problem(integration, f"it waits {time:g} ms, and API Gateway 29 s at the most", mend)
        elif time < _LONGEST_MILLISECONDS / 10:
            what = f"it waits {time:g} ms: a cold start or a busy actor takes longer, and the client gets an error"
            yield Problem(integration, what, mend)
        elif time < min(seconds * 1_000, _LONGEST_MILLISECONDS):
            what = (
                f"it waits {time:g} ms, and its function may take {seconds:g} s: the client has its error, it runs on"
            )
            yield Problem(integration, what, mend)


RULES: Final = (
    Rule(
        id="routes",
        title="A WebSocket API has $connect, $disconnect, $default and ping",
        sources=(page(PERSISTING, 1), "stelvio#264: an API without routes fails without a message"),
        check=_routes,
    ),
    Rule(
        id="route-selection",
        title="Routes are selected by the action",
        sources=("AWS WebSocket Streaming page, API Gateway WebSocket API",),
        check=each(API, _selection),
        types=(API,),
    ),
    Rule(
        id="route-target",
        title="Routes lead to the aliases of this stack's functions",
        sources=(f"{API_GUIDE}: integrations",),
        check=_targets,
    ),
    Rule(
        id="route-models",
        title="No model keeps messages out",
        sources=(f"{API_GUIDE}: request validation",),
        check=sprung(
            Trap(
                type=ROUTE,
                path=("requestModels",),
                bites=bool,
                what="messages that do not fit a model are refused before a function hears of them",
                mend="remove requestModels; the functions say what is wrong with a frame",
            )
        ),
        types=(ROUTE,),
    ),
    Rule(
        id="integration-timeout",
        title="Integrations wait as long as API Gateway and their functions do",
        sources=("API Gateway quotas: integration timeout 29 s",),
        check=_waits,
    ),
)
