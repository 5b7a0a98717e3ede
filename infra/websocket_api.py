"""The WebSocket API in two parts: its address, which functions are told, and its stage, which leads to functions.

In one component, a function that is told the address and a stage that waits for the function would wait for each other.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Protocol

import pulumi
from pulumi_aws import apigatewayv2, lambda_

from infra.access_logs import ACCESS_LOG_FORMAT, AccessLogs
from infra.function import LambdaFunction
from infra.grants import Grant
from trebuche.contract import INTEGRATION_TIMEOUT_SECONDS

ROUTE_SELECTION = "$request.body.action"
_ANSWER = "$default"
"""Key of a route response, without which API Gateway drops the answer; of an integration response, any status."""
_GUARDED_ROUTE = "$connect"
_SILENT_ROUTES = frozenset({"$connect", "$disconnect"})
"""Routes without a message that could be answered."""
PING = "ping"
"""Action that keeps a connection open and costs no invocation."""
_PING_STATUS = "200"
"""Names the templates; API Gateway demands an expression that selects one."""
_PONG = '{"type":"pong"}'
"""Answer to a ping: browsers can send no ping of WebSocket's own to learn whether anybody is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSocketApiArgs:
    """An API and the stage that it will have."""

    api_name: str
    stage: str


class WebSocketApi(pulumi.ComponentResource):
    """The API and its addresses."""

    api: apigatewayv2.Api
    api_name: str
    stage: str
    wss_endpoint: pulumi.Output[str]
    management_endpoint: pulumi.Output[str]
    """Where functions post to connections."""

    def __init__(self, name: str, args: WebSocketApiArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("trebuche:aws:WebSocketApi", name, {}, opts)
        self.api_name = args.api_name
        self.stage = args.stage
        self.api = apigatewayv2.Api(
            f"{name}-api",
            name=args.api_name,
            protocol_type="WEBSOCKET",
            route_selection_expression=ROUTE_SELECTION,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.wss_endpoint = pulumi.Output.concat(self.api.api_endpoint, "/", args.stage)
        # Connections are posted to over HTTPS, at the host and path of the stage.
        self.management_endpoint = self.wss_endpoint.apply(lambda address: address.replace("ws", "http", 1))
        self.register_outputs(
            {"wss_endpoint": self.wss_endpoint, "management_endpoint": self.management_endpoint},
        )

    def grant_post(self) -> Grant:
        """Post to any connection of the stage; which ones there are is not known beforehand."""
        arn = pulumi.Output.concat(self.api.execution_arn, "/", self.stage, "/POST/@connections/*")
        return Grant("Post", ("execute-api:ManageConnections",), (arn,))

    def grant_ask(self) -> Grant:
        """Ask when something last happened on a connection."""
        arn = pulumi.Output.concat(self.api.execution_arn, "/", self.stage, "/GET/@connections/*")
        return Grant("Ask", ("execute-api:ManageConnections",), (arn,))

    def grant_close(self) -> Grant:
        """Close any connection of the stage: of those who have lost their right to be there."""
        arn = pulumi.Output.concat(self.api.execution_arn, "/", self.stage, "/DELETE/@connections/*")
        return Grant("Close", ("execute-api:ManageConnections",), (arn,))


class Gate(Protocol):
    """Who decides about ``$connect``; an authorizer can stand nowhere else."""

    @property
    def authorizer(self) -> apigatewayv2.Authorizer:
        """Asked about each handshake."""

    @property
    def permission(self) -> lambda_.Permission:
        """To ask it."""

    @property
    def made_of(self) -> pulumi.Output[str]:
        """Everything whose change takes a new deployment, as JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSocketStageArgs:
    """Where messages lead, and how many."""

    api: WebSocketApi
    routes: Mapping[str, LambdaFunction]
    """Route key to function; an action's key is the action itself."""
    messages_per_second: int
    message_burst: int
    access_logs: AccessLogs | None = None
    gate: Gate | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a route's integration consists of."""

    type: str
    uri: pulumi.Input[str] | None = None
    method: str | None = None
    timeout_milliseconds: int | None = None
    templates: Mapping[str, str] | None = None
    selection: str | None = None
    answer: str | None = None
    """What is answered where there is no function to do it."""

    @property
    def parts(self) -> dict[str, object]:
        """All of it, by name."""
        return {part.name: getattr(self, part.name) for part in fields(self)}


_PING_TARGET = Target(
    type="MOCK", templates={_PING_STATUS: '{"statusCode": 200}'}, selection=_PING_STATUS, answer=_PONG
)


@dataclass(frozen=True, slots=True)
class _DeployedRoute:
    resources: tuple[pulumi.CustomResource, ...]
    made_of: pulumi.Output[str]
    """Everything that a client could notice, as JSON."""
    permission: lambda_.Permission | None


class WebSocketStage(pulumi.ComponentResource):
    """Routes to functions, the ping, and the deployment that makes them live."""

    stage: apigatewayv2.Stage

    def __init__(self, name: str, args: WebSocketStageArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("trebuche:aws:WebSocketStage", name, {}, opts)
        self._gate = args.gate
        routes = [self._to_function(name, args.api, key, function) for key, function in args.routes.items()]
        routes.append(self._route(f"{name}-ping", args.api, PING, _PING_TARGET))
        deployment = self._deployment(name, args.api, routes)
        self.stage = self._stage(name, args, deployment, routes)
        self.register_outputs({})

    def _to_function(self, name: str, api: WebSocketApi, key: str, function: LambdaFunction) -> _DeployedRoute:
        prefix = f"{name}-{key.removeprefix('$')}" if key.startswith("$") else f"{name}-action-{key}"
        target = Target(
            type="AWS_PROXY",
            uri=function.invoke_arn,
            method="POST",
            timeout_milliseconds=INTEGRATION_TIMEOUT_SECONDS * 1000,
        )
        permission = self._permission(prefix, api, key, function)
        return self._route(prefix, api, key, target, permission)

    def _route(
        self,
        prefix: str,
        api: WebSocketApi,
        key: str,
        target: Target,
        permission: lambda_.Permission | None = None,
    ) -> _DeployedRoute:
        integration = self._integration(prefix, api, target)
        answers = key not in _SILENT_ROUTES
        gate = self._gate if key == _GUARDED_ROUTE else None
        route = apigatewayv2.Route(
            f"{prefix}-route",
            api_id=api.api.id,
            route_key=key,
            target=pulumi.Output.concat("integrations/", integration.id),
            route_response_selection_expression=_ANSWER if answers else None,
            authorization_type="CUSTOM" if gate else None,
            authorizer_id=gate.authorizer.id if gate else None,
            opts=pulumi.ResourceOptions(parent=self),
        )
        resources: tuple[pulumi.CustomResource, ...] = (integration, route)
        if answers:
            resources += (self._response(prefix, api, route),)
        if target.answer is not None:
            resources += (self._integration_response(prefix, api, integration, target.answer),)
        # With the ids: a part that was made anew is not served before a new deployment either.
        parts = [key, target.parts, answers, [resource.id for resource in resources]]
        made_of = pulumi.Output.json_dumps([*parts, gate.made_of] if gate else parts)
        return _DeployedRoute(resources, made_of, permission)

    def _integration(self, prefix: str, api: WebSocketApi, target: Target) -> apigatewayv2.Integration:
        return apigatewayv2.Integration(
            f"{prefix}-integration",
            api_id=api.api.id,
            integration_type=target.type,
            integration_uri=target.uri,
            integration_method=target.method,
            timeout_milliseconds=target.timeout_milliseconds,
            request_templates=target.templates,
            template_selection_expression=target.selection,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _response(self, prefix: str, api: WebSocketApi, route: apigatewayv2.Route) -> apigatewayv2.RouteResponse:
        return apigatewayv2.RouteResponse(
            f"{prefix}-response",
            api_id=api.api.id,
            route_id=route.id,
            route_response_key=_ANSWER,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _integration_response(
        self, prefix: str, api: WebSocketApi, integration: apigatewayv2.Integration, answer: str
    ) -> apigatewayv2.IntegrationResponse:
        """What a function's proxy integration answers by itself has to be said for any other."""
        return apigatewayv2.IntegrationResponse(
            f"{prefix}-answer",
            api_id=api.api.id,
            integration_id=integration.id,
            integration_response_key=_ANSWER,
            response_templates={_PING_STATUS: answer},
            template_selection_expression=_PING_STATUS,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _permission(self, prefix: str, api: WebSocketApi, key: str, function: LambdaFunction) -> lambda_.Permission:
        """On the alias: a permission on the function does not cover it."""
        return lambda_.Permission(
            f"{prefix}-permission",
            action="lambda:InvokeFunction",
            principal="apigateway.amazonaws.com",
            function=function.function_name,
            qualifier=function.alias_name,
            source_arn=pulumi.Output.concat(api.api.execution_arn, "/", api.stage, "/", key),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _deployment(self, name: str, api: WebSocketApi, routes: list[_DeployedRoute]) -> apigatewayv2.Deployment:
        """A snapshot of the routes; a new one is taken when anything that they consist of has changed."""
        made_of = pulumi.Output.json_dumps([ROUTE_SELECTION, *(route.made_of for route in routes)])
        return apigatewayv2.Deployment(
            f"{name}-deployment",
            api_id=api.api.id,
            triggers={"routes": made_of.apply(_digest)},
            opts=pulumi.ResourceOptions(
                parent=self, depends_on=[resource for route in routes for resource in route.resources]
            ),
        )

    def _stage(
        self,
        name: str,
        args: WebSocketStageArgs,
        deployment: apigatewayv2.Deployment,
        routes: list[_DeployedRoute],
    ) -> apigatewayv2.Stage:
        # A stage that is live before its permissions answers "Internal server error".
        needed = [route.permission for route in routes if route.permission]
        needed += [self._gate.permission] if self._gate else []
        logs = args.access_logs.needs if args.access_logs else []
        return apigatewayv2.Stage(
            f"{name}-stage",
            api_id=args.api.api.id,
            name=args.api.stage,
            deployment_id=deployment.id,
            # Both or neither: a limit that is not given is sent as 0, which answers 429 to everything.
            default_route_settings=apigatewayv2.StageDefaultRouteSettingsArgs(
                throttling_rate_limit=args.messages_per_second,
                throttling_burst_limit=args.message_burst,
            ),
            access_log_settings=_access_log_settings(args.access_logs),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[*needed, *logs]),
        )


def _access_log_settings(logs: AccessLogs | None) -> apigatewayv2.StageAccessLogSettingsArgs | None:
    if logs is None:
        return None
    return apigatewayv2.StageAccessLogSettingsArgs(destination_arn=logs.destination_arn, format=ACCESS_LOG_FORMAT)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
