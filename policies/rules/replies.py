"""Rules about what comes back to the client: answers of functions, and of API Gateway itself."""

from collections.abc import Iterator
from typing import Final

from policies.model import ANSWER, INTEGRATION, RESPONSE, ROUTE, UNKNOWN, Node, Problem, Rule, Stack
from policies.rules.routes import ROUTES, integration_of, is_proxy, sockets
from policies.sources import API_GUIDE

_DEFAULT: Final = "$default"
_SILENT: Final = frozenset(ROUTES) - {_DEFAULT}


def _replies(stack: Stack) -> Iterator[Problem]:
    for api in sockets(stack):
        for route in stack.of_api(ROUTE, api):
            integration = integration_of(stack, route)
            # Nobody could get it: there is no socket yet, or none any more.
            if route.get("routeKey") in _SILENT or integration is None:
                continue
            who = "its function" if is_proxy(integration) else "its integration"
            yield from _returned(stack, route, f"what {who} answers is dropped")
            if integration.get("integrationType") == "MOCK":
                yield from _made_up(stack, route, integration)


def _returned(stack: Stack, route: Node, dropped: str) -> Iterator[Problem]:
    if route.get("routeResponseSelectionExpression") not in (_DEFAULT, UNKNOWN):
        what = f"{dropped}: it has no routeResponseSelectionExpression"
        yield Problem(route, what, "set it to $default, and add a RouteResponse $default")
    responses = [one for one in stack.all(RESPONSE) if route in stack.linked(one, "routeId", ROUTE)]
    if not any(one.get("routeResponseKey") == _DEFAULT for one in responses):
        yield Problem(
            route, f"{dropped}: it has no RouteResponse", "add a RouteResponse with routeResponseKey $default"
        )


def _made_up(stack: Stack, route: Node, integration: Node) -> Iterator[Problem]:
    """What API Gateway answers by itself has to be written down."""
    status = integration.text("templateSelectionExpression")
    templates = integration.get("requestTemplates")
    if templates is not UNKNOWN and not (status and isinstance(templates, dict) and templates.get(status)):
        what = "its MOCK integration has no request template that its templateSelectionExpression names: it fails"
        yield Problem(route, what, 'set requestTemplates {"200": "{\\"statusCode\\": 200}"} and the expression "200"')
    answers = [one for one in stack.all(ANSWER) if integration in stack.linked(one, "integrationId", INTEGRATION)]
    if not any(one.get("responseTemplates") for one in answers):
        what = "its MOCK integration answers nothing: whoever keeps a connection alive takes it for dead"
        yield Problem(route, what, "add an IntegrationResponse $default with responseTemplates")
    for one in answers:
        if one.get("integrationResponseKey") not in (_DEFAULT, UNKNOWN):
            what = f"it is used for {one.get('integrationResponseKey')} only, and the others get nothing"
            yield Problem(one, what, "set integrationResponseKey to $default")


RULES: Final = (
    Rule(
        id="route-reply",
        title="What a function, or API Gateway itself, answers reaches the client",
        sources=(f"{API_GUIDE}: route responses for WebSocket APIs",),
        check=_replies,
    ),
)
