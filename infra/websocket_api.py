"""The WebSocket API in two parts: its address, which functions are told, and its stage, which leads to functions.

In one component, a function that is told the address and a stage that waits for the function would wait for each other.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_aws import apigatewayv2, lambda_

from infra.function import LambdaFunction
from infra.grants import Grant
from trebuche.contract import INTEGRATION_TIMEOUT_SECONDS

ROUTE_SELECTION = "$request.body.action"
_ANSWER = "$default"
"""Key of a route response; without it API Gateway drops what a function answers."""
_SILENT_ROUTES = frozenset({"$connect", "$disconnect"})
"""Routes without a message that could be answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSocketApiArgs:
    """An API and the stage that it will have."""

    api_name: str
    stage: str


class WebSocketApi(pulumi.ComponentResource):
    """The API and its addresses."""

    api: apigatewayv2.Api
    stage: str
    wss_endpoint: pulumi.Output[str]
    management_endpoint: pulumi.Output[str]
    """Where functions post to connections."""

    def __init__(self, name: str, args: WebSocketApiArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("trebuche:aws:WebSocketApi", name, {}, opts)
        self.stage = args.stage
        self.api = apigatewayv2.Api(
            f"{name}-api",
            name=args.api_name,
            protocol_type="WEBSOCKET",
            route_selection_expression=ROUTE_SELECTION,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.wss_endpoint = pulumi.Output.concat(self.api.api_endpoint, "/", args.stage)
        self.management_endpoint = self.wss_endpoint.apply(lambda address: address.replace("ws", "http", 1))
        self.register_outputs(
            {"wss_endpoint": self.wss_endpoint, "management_endpoint": self.management_endpoint},
        )

    def grant_post(self) -> Grant:
        """Post to any connection of the stage; which ones there are is not known beforehand."""
        arn = pulumi.Output.concat(self.api.execution_arn, "/", self.stage, "/POST/@connections/*")
        return Grant("Post", ("execute-api:ManageConnections",), (arn,))


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSocketStageArgs:
    """Where messages lead, and how many."""

    api: WebSocketApi
    routes: Mapping[str, LambdaFunction]
    """Route key to function."""
    messages_per_second: int
    message_burst: int


@dataclass(frozen=True, slots=True)
class _DeployedRoute:
    key: str
    resources: tuple[pulumi.CustomResource, ...]
    permission: lambda_.Permission


class WebSocketStage(pulumi.ComponentResource):
    """Routes to functions, and the deployment that makes them live."""

    def __init__(self, name: str, args: WebSocketStageArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("trebuche:aws:WebSocketStage", name, {}, opts)
        routes = [self._route(name, args.api, key, function) for key, function in args.routes.items()]
        deployment = self._deployment(name, args.api, routes)
        self._stage(name, args, deployment, routes)
        self.register_outputs({})

    def _route(self, name: str, api: WebSocketApi, key: str, function: LambdaFunction) -> _DeployedRoute:
        child = pulumi.ResourceOptions(parent=self)
        prefix = f"{name}-{key.removeprefix('$')}"
        integration = apigatewayv2.Integration(
            f"{prefix}-integration",
            api_id=api.api.id,
            integration_type="AWS_PROXY",
            integration_uri=function.invoke_arn,
            integration_method="POST",
            timeout_milliseconds=INTEGRATION_TIMEOUT_SECONDS * 1000,
            opts=child,
        )
        answers = key not in _SILENT_ROUTES
        route = apigatewayv2.Route(
            f"{prefix}-route",
            api_id=api.api.id,
            route_key=key,
            target=pulumi.Output.concat("integrations/", integration.id),
            route_response_selection_expression=_ANSWER if answers else None,
            opts=child,
        )
        resources: tuple[pulumi.CustomResource, ...] = (integration, route)
        if answers:
            resources += (self._response(prefix, api, route),)
        return _DeployedRoute(key, resources, self._permission(prefix, api, key, function))

    def _response(self, prefix: str, api: WebSocketApi, route: apigatewayv2.Route) -> apigatewayv2.RouteResponse:
        return apigatewayv2.RouteResponse(
            f"{prefix}-response",
            api_id=api.api.id,
            route_id=route.id,
            route_response_key=_ANSWER,
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
        """A snapshot of the routes; a new one is taken when what it consists of has changed."""
        resources = [resource for route in routes for resource in route.resources]
        fixed = [ROUTE_SELECTION, *(route.key for route in routes)]
        made_of = pulumi.Output.all(*(resource.id for resource in resources)).apply(lambda ids: _digest([*fixed, *ids]))
        return apigatewayv2.Deployment(
            f"{name}-deployment",
            api_id=api.api.id,
            triggers={"routes": made_of},
            opts=pulumi.ResourceOptions(parent=self, depends_on=resources),
        )

    def _stage(
        self,
        name: str,
        args: WebSocketStageArgs,
        deployment: apigatewayv2.Deployment,
        routes: list[_DeployedRoute],
    ) -> None:
        apigatewayv2.Stage(
            f"{name}-stage",
            api_id=args.api.api.id,
            name=args.api.stage,
            deployment_id=deployment.id,
            # Both or neither: a limit that is not given is sent as 0, which answers 429 to everything.
            default_route_settings=apigatewayv2.StageDefaultRouteSettingsArgs(
                throttling_rate_limit=args.messages_per_second,
                throttling_burst_limit=args.message_burst,
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[route.permission for route in routes]),
        )


def _digest(parts: list[str]) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
