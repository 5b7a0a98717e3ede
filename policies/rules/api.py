"""Rules about the WebSocket API: its routes, where they lead, and who may call what is there."""

from collections.abc import Iterator
from typing import Final

from policies.documents import like, many, statements
from policies.model import (
    API,
    AUTHORIZER,
    FUNCTION_URL,
    INTEGRATION,
    PERMISSION,
    QUEUE_POLICY,
    RESPONSE,
    ROUTE,
    UNKNOWN,
    FunctionRef,
    Node,
    Problem,
    Rule,
    Stack,
    each,
)
from policies.program import own_functions, variable
from policies.sources import API_GUIDE, PERSISTING, page
from policies.stages import is_websocket, same_place, split, stages_of
from trebuche.contract import ENV_WEBSOCKET_ENDPOINT

_SELECTION: Final = "$request.body.action"
_ROUTES: Final = ("$connect", "$disconnect", "$default")
_SILENT: Final = frozenset({"$connect", "$disconnect"})
_API_GATEWAY: Final = "apigateway.amazonaws.com"
_INVOKE: Final = "lambda:InvokeFunction"
_LONGEST_MILLISECONDS: Final = 29_000
_OF_OTHERS: Final = ("eventSourceToken", "functionUrlAuthType", "principalOrgId")
"""What Alexa, function URLs and accounts of an organisation are asked for; API Gateway does not bring it."""


def sockets(stack: Stack) -> list[Node]:
    """The APIs that clients connect to."""
    return [api for api in stack.all(API) if is_websocket(api)]


def integration_of(stack: Stack, route: Node) -> Node | None:
    """Where a route leads."""
    return next(iter(stack.linked(route, "target", INTEGRATION)), None)


def is_proxy(integration: Node | None) -> bool:
    """Whether a function answers what comes to an integration."""
    return integration is not None and integration.get("integrationType") == "AWS_PROXY"


def _routes(stack: Stack) -> Iterator[Problem]:
    for api in sockets(stack):
        keys = {route.get("routeKey") for route in stack.of_api(ROUTE, api)}
        if not keys:
            yield Problem(
                api, "it has no routes: no deployment of it can be made", "add $connect, $disconnect, $default"
            )
        for missing in (key for key in _ROUTES if keys and key not in keys):
            yield Problem(api, f"it has no route {missing}", f"add route {missing} to the websocket function")
    for function in own_functions(stack):
        has_endpoint = function.get("environment", "variables", ENV_WEBSOCKET_ENDPOINT)
        if has_endpoint and stack.all(API) and not sockets(stack):
            yield Problem(
                stack.all(API)[0], "its protocol is not WEBSOCKET, and functions post to it", "set protocolType"
            )
            return


def _selection(api: Node) -> Iterator[Problem]:
    if is_websocket(api) and api.get("routeSelectionExpression") not in (_SELECTION, UNKNOWN):
        what = f"it selects routes by {api.get('routeSelectionExpression')}, and clients name an action"
        yield Problem(api, what, f"set routeSelectionExpression to {_SELECTION}")


def _targets(stack: Stack) -> Iterator[Problem]:
    for api in sockets(stack):
        for route in stack.of_api(ROUTE, api):
            integration = integration_of(stack, route)
            if not route.get("target"):
                yield Problem(route, "it leads nowhere", "set target to integrations/<id>")
            # In a preview the id that it leads to is often not known yet.
            elif integration is None and (stack.complete or route.text("target")):
                what = f"it leads to {route.get('target')}, which is no integration of this stack"
                yield Problem(route, what, "set target to integrations/<id> of this API")
            elif integration is not None and is_proxy(integration):
                yield from _called(stack, route, integration)
            elif integration is not None and (route.get("routeKey") in _ROUTES or integration.get("integrationUri")):
                what = f"it leads to a {integration.get('integrationType')} integration: no function hears of it"
                yield Problem(route, what, "use an AWS_PROXY integration of the websocket function")


def _called(stack: Stack, route: Node, integration: Node) -> Iterator[Problem]:
    """The function behind a route."""
    ref = stack.function_ref(integration, "integrationUri")
    if ref is None:
        return
    function = stack.function(ref)
    if function is None:
        yield Problem(integration, f"{route.label} calls {ref}, which is not in this stack", "set integrationUri")
        return
    if ref.qualifier in ("", "$LATEST"):
        what = (
            f"{route.label} calls {ref.name} without its alias: unpublished code, and no permission on the alias helps"
        )
        yield Problem(integration, what, "set integrationUri to the alias's invokeArn")
    if integration.get("contentHandlingStrategy") == "CONVERT_TO_BINARY":
        what = "it turns frames, which are text, from Base64 into bytes: its function cannot read them"
        yield Problem(integration, what, "remove contentHandlingStrategy")
    if integration.get("connectionType") == "VPC_LINK":
        yield Problem(integration, "it goes through a VPC link, where no function is", "remove connectionType")
    if integration.get("integrationMethod") not in ("POST", UNKNOWN, None):
        what = f"it calls a function with {integration.get('integrationMethod')}, and Lambda takes POST"
        yield Problem(integration, what, "set integrationMethod to POST")
    usual = {one.text("handler") for one in _behind(stack, route)}
    if len(usual) == 1 and function.text("handler") not in usual:
        what = f"it calls {function.text('name')}, and the other two of {', '.join(_ROUTES)} call another function"
        yield Problem(route, what, "lead all three to the websocket function")


def _behind(stack: Stack, route: Node) -> list[Node]:
    """The functions behind the other two of the three routes that one function serves."""
    api = stack.api(route)
    if route.get("routeKey") not in _ROUTES or api is None:
        return []
    others = [one for one in stack.of_api(ROUTE, api) if one is not route and one.get("routeKey") in _ROUTES]
    ends = [integration_of(stack, one) for one in others]
    found = [stack.function(stack.function_ref(one, "integrationUri")) for one in ends if one is not None]
    known = [one for one in found if one is not None]
    return known if len(known) == len(_ROUTES) - 1 else []


def _replies(stack: Stack) -> Iterator[Problem]:
    for api in sockets(stack):
        for route in stack.of_api(ROUTE, api):
            if route.get("routeKey") in _SILENT or not is_proxy(integration_of(stack, route)):
                # Nobody could get it: there is no socket yet, or none any more.
                continue
            if route.get("routeResponseSelectionExpression") not in ("$default", UNKNOWN):
                what = "what its function answers is dropped: it has no routeResponseSelectionExpression"
                yield Problem(route, what, "set it to $default, and add a RouteResponse $default")
            responses = [one for one in stack.all(RESPONSE) if route in stack.linked(one, "routeId", ROUTE)]
            if not any(one.get("routeResponseKey") == "$default" for one in responses):
                what = "what its function answers is dropped: it has no RouteResponse"
                yield Problem(route, what, "add a RouteResponse with routeResponseKey $default")


def _permissions(stack: Stack) -> Iterator[Problem]:
    for api in sockets(stack):
        for route in stack.of_api(ROUTE, api):
            integration = integration_of(stack, route)
            ref = stack.function_ref(integration, "integrationUri") if integration and is_proxy(integration) else None
            if ref is None or stack.function(ref) is None:
                continue
            if not any(_permits(stack, one, ref, api, route) for one in stack.all(PERMISSION)):
                what = f"API Gateway may not call {ref} for it: the client gets Internal server error"
                mend = (
                    f"add a Permission of {_INVOKE} for apigateway.amazonaws.com on {ref}, with this route's sourceArn"
                )
                yield Problem(route, what, mend)
    yield from _useless(stack)


def _useless(stack: Stack) -> Iterator[Problem]:
    """Permissions on a function whose alias is called, or the other way round: a preview cannot know their routes."""
    called = [stack.function_ref(one, "integrationUri") for one in stack.all(INTEGRATION) if is_proxy(one)]
    called += [stack.function_ref(one, "authorizerUri") for one in stack.all(AUTHORIZER)]
    for permission in stack.all(PERMISSION):
        on = stack.function_ref(permission, "function")
        if on is None or permission.get("principal") != _API_GATEWAY or permission.get("qualifier") is UNKNOWN:
            continue
        given = FunctionRef(on.name, permission.text("qualifier") or on.qualifier)
        meant = sorted({str(ref) for ref in called if ref is not None and ref.name == on.name})
        if meant and str(given) not in meant:
            what = f"it is on {given}, and API Gateway calls {' and '.join(meant)}: it permits nothing"
            yield Problem(permission, what, "set qualifier to the alias that is called")


def _permits(stack: Stack, permission: Node, ref: FunctionRef, api: Node, route: Node) -> bool:
    on = stack.function_ref(permission, "function")
    qualifier = permission.text("qualifier") or (on.qualifier if on else "")
    if qualifier == "" and permission.get("qualifier") is UNKNOWN:
        # Of an alias that is made in the same deployment: it gets the benefit of the doubt.
        qualifier = ref.qualifier
    return (
        on is not None
        and (on.name, qualifier) == (ref.name, ref.qualifier)
        and permission.get("action") in (_INVOKE, "lambda:*")
        and permission.get("principal") == _API_GATEWAY
        and not any(permission.get(one) not in (None, "", UNKNOWN) for one in _OF_OTHERS)
        and permission.get("sourceAccount") in (None, "", UNKNOWN, _account(api))
        and _covers(stack, permission, api, route.text("routeKey"))
    )


def _account(api: Node) -> object:
    """The account of an API; what any permission says is right as long as that is not known."""
    parts = api.text("executionArn").split(":")
    return parts[4] if len(parts) > 4 else UNKNOWN


def _covers(stack: Stack, permission: Node, api: Node, key: str) -> bool:
    """Whether a permission's source is this route, on each of the API's stages."""
    pattern = permission.get("sourceArn")
    if pattern is UNKNOWN:
        return api in stack.made_from(permission, "sourceArn", API)
    if pattern is None:
        # Any API may call then: rule open-permission tells of it.
        return True
    arn = api.text("executionArn")
    stages = [stage.text("name") for stage in stack.of_api("aws:apigatewayv2/stage:Stage", api)]
    # Without an ARN nothing was deployed yet, and nothing can be held against the pattern.
    return not arn or all(like(f"{arn}/{stage}/{key}", str(pattern)) for stage in stages)


def _open_permissions(permission: Node) -> Iterator[Problem]:
    if permission.get("principal") in (_API_GATEWAY, "*") and not permission.get("sourceArn"):
        what = "any API of any account may call the function: it has no sourceArn"
        yield Problem(permission, what, "set sourceArn to the API's stage and route")
    elif permission.get("principal") == "*":
        yield Problem(permission, "anybody may call the function", "set principal to apigateway.amazonaws.com")


def _open_doors(stack: Stack) -> Iterator[Problem]:
    for url in stack.all(FUNCTION_URL):
        if url.get("authorizationType") == "NONE":
            what = "it is a way to the function past API Gateway, its authorizer and its throttles"
            yield Problem(url, what, "remove it, or set authorizationType AWS_IAM")
    for policy in stack.all(QUEUE_POLICY):
        for one in statements(policy.get("policy")):
            principal = one.get("Principal")
            named = many(principal.get("AWS")) if isinstance(principal, dict) else many(principal)
            if one.get("Effect") == "Allow" and "*" in named and not one.get("Condition"):
                what = "anybody may use the queue: have functions work for them, or read what failed"
                yield Problem(policy, what, "name the principal; roles of this stack need no queue policy")


def _integration_time(integration: Node) -> Iterator[Problem]:
    time = integration.number("timeoutMilliseconds")
    if integration.get("integrationType") == "AWS_PROXY" and time is not None:
        if time > _LONGEST_MILLISECONDS:
            yield Problem(integration, f"it waits {time:g} ms, and API Gateway 29 s at the most", "set 29000")
        elif time < _LONGEST_MILLISECONDS / 10:
            what = f"it waits {time:g} ms: a cold start or a busy actor takes longer, and the client gets an error"
            yield Problem(integration, what, "set timeoutMilliseconds to 29000")


def _endpoint(stack: Stack) -> Iterator[Problem]:
    for function in own_functions(stack):
        address = variable(function, ENV_WEBSOCKET_ENDPOINT)
        if not address:
            continue
        parts, known = (
            split(address),
            [(api, stage) for api, stage in stages_of(stack, function) if api.get("apiEndpoint")],
        )
        # The API's own address is wss://…; posts go to the same host by https.
        wanted = [f"{api.text('apiEndpoint')}/{stage.text('name')}".replace("ws", "http", 1) for api, stage in known]
        mend = (
            f"set {ENV_WEBSOCKET_ENDPOINT} to {wanted[0] if wanted else 'https://<api>.execute-api.<region>…/<stage>'}"
        )
        if parts.scheme not in ("http", "https"):
            what = f"{ENV_WEBSOCKET_ENDPOINT} is {address}: posts need https, not {parts.scheme or 'nothing'}"
            yield Problem(function, what, mend)
        elif wanted and parts.scheme != split(wanted[0]).scheme:
            yield Problem(
                function, f"{ENV_WEBSOCKET_ENDPOINT} is {address}: posts need {split(wanted[0]).scheme}", mend
            )
        if known and not any(same_place(address, api, stage) for api, stage in known):
            what = f"{ENV_WEBSOCKET_ENDPOINT} is {address}, which is no stage of this stack: posts reach nobody"
            yield Problem(function, what, mend)
        elif not known and not parts.path.strip("/"):
            yield Problem(function, f"{ENV_WEBSOCKET_ENDPOINT} is {address}: it has no stage", mend)


def _default_endpoint(stack: Stack) -> Iterator[Problem]:
    for api in sockets(stack):
        if own_functions(stack) and api.get("disableExecuteApiEndpoint") is True:
            what = "its own address is switched off, and functions post there: no client gets anything"
            yield Problem(api, what, "leave disableExecuteApiEndpoint off")


def _authorizers(stack: Stack) -> Iterator[Problem]:
    for api in sockets(stack):
        routes = stack.of_api(ROUTE, api)
        connect = next((one for one in routes if one.get("routeKey") == "$connect"), None)
        for authorizer in stack.of_api(AUTHORIZER, api):
            if connect is not None and authorizer not in stack.linked(connect, "authorizerId", AUTHORIZER):
                what = "no one asks it: $connect does not name it, and whoever knows the address gets in"
                yield Problem(authorizer, what, "set authorizationType CUSTOM and authorizerId on route $connect")
            yield from _authorizer_permission(stack, authorizer, api)
        for route in routes:
            yield from _authorization(stack, route)


def _authorization(stack: Stack, route: Node) -> Iterator[Problem]:
    kind, named = route.get("authorizationType"), route.get("authorizerId")
    if kind == "CUSTOM" and not named:
        yield Problem(route, "its authorizationType is CUSTOM, and it names no authorizer", "set authorizerId")
    if named and kind not in ("CUSTOM", UNKNOWN):
        yield Problem(route, f"it names an authorizer, and its authorizationType is {kind}", "set CUSTOM")
    if isinstance(named, str) and stack.complete and not stack.linked(route, "authorizerId", AUTHORIZER):
        yield Problem(route, f"its authorizer {named} is not in this stack", "set authorizerId")
    if kind == "JWT":
        yield Problem(route, "WebSocket APIs know no JWT authorizers", "check the token in a REQUEST authorizer")
    if kind == "AWS_IAM" and route.get("routeKey") == "$connect":
        what = "it takes connects signed with AWS credentials only: browsers and the clients here get 403"
        yield Problem(route, what, "let a REQUEST authorizer decide (trebuche.yaml: auth), or set NONE")
    if route.get("apiKeyRequired") is True and route.get("routeKey") == "$connect":
        what = "it asks for an API key of a usage plan, in a header that browsers cannot send: they get 403"
        yield Problem(route, what, "let a REQUEST authorizer decide (trebuche.yaml: auth)")
    if kind == "CUSTOM" and route.get("routeKey") != "$connect":
        yield Problem(route, "only $connect can be authorized", "move the authorizer to $connect")
    if route.get("apiKeyRequired") is True and route.get("routeKey") != "$connect":
        yield Problem(route, "only $connect can ask for an API key", "remove apiKeyRequired")


def _authorizer_permission(stack: Stack, authorizer: Node, api: Node) -> Iterator[Problem]:
    ref = stack.function_ref(authorizer, "authorizerUri")
    if ref is None:
        return
    for permission in stack.all(PERMISSION):
        on = stack.function_ref(permission, "function")
        qualifier = permission.text("qualifier") or (on.qualifier if on else "")
        if on is not None and (on.name, qualifier) == (ref.name, ref.qualifier):
            pattern, arn = permission.get("sourceArn"), api.text("executionArn")
            # An authorizer's source is <api>/authorizers/<id>: it has no stage and no route.
            if (
                not pattern
                or pattern is UNKNOWN
                or not arn
                or "/authorizers/" in pattern
                or like(f"{arn}/authorizers/x", pattern)
            ):
                return
    what = f"API Gateway may not call {ref}: every connect fails with 500"
    yield Problem(authorizer, what, f"add a Permission on {ref} with sourceArn …/authorizers/<id>")


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
        id="routes",
        title="A WebSocket API has $connect, $disconnect and $default",
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
        id="route-reply",
        title="What a function answers reaches the client",
        sources=(f"{API_GUIDE}: route responses for WebSocket APIs",),
        check=_replies,
    ),
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
    Rule(
        id="integration-timeout",
        title="Integrations wait as long as API Gateway does",
        sources=("API Gateway quotas: integration timeout 29 s",),
        check=each(INTEGRATION, _integration_time),
        types=(INTEGRATION,),
    ),
    Rule(
        id="management-endpoint",
        title="WEBSOCKET_ENDPOINT is the https address of this stack's stage",
        sources=("aws-sdk-js-v3#1830, chalice#1503, aws-lambda-graphql#112: never from the custom domain",),
        check=_endpoint,
    ),
    Rule(
        id="api-endpoint",
        title="The API's own address is on",
        sources=(f"{API_GUIDE}: disabling the default endpoint; aws-sdk-js-v3#2001",),
        check=_default_endpoint,
    ),
    Rule(
        id="authorizer",
        title="$connect asks the authorizer, which API Gateway may call",
        sources=(f"{API_GUIDE}: REQUEST authorizers", "sst#5089, sst#6041"),
        check=_authorizers,
    ),
    Rule(
        id="authorizer-kind",
        title="Authorizers are of a kind that WebSocket APIs know",
        sources=("aws-cdk#14085, stelvio#264: no JWT authorizers", f"{API_GUIDE}: identity sources"),
        check=each(AUTHORIZER, _authorizer_kind),
        types=(AUTHORIZER,),
    ),
)
