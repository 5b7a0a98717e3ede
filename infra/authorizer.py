"""Who may connect: the authorizer in front of ``$connect``, its function, and what it looks things up in."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_aws import apigatewayv2, lambda_, secretsmanager

from infra.auth_config import AuthConfig
from infra.function import LambdaFunction
from infra.grants import Grant
from infra.websocket_api import WebSocketApi

TIMEOUT_SECONDS = 10
"""Of the authorizer's function: three seconds for the issuer's keys, and the rest in the worst case."""
_SOURCES: Mapping[str, str] = {
    "header": "route.request.header.Authorization",
    "query": "route.request.querystring.token",
    "protocol": "route.request.header.Sec-WebSocket-Protocol",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthSecretArgs:
    """A secret's name."""

    secret_name: str


class AuthSecret(pulumi.ComponentResource):
    """The secret that holds digests of API keys and the key of tickets.

    Its value is written by ``trebuche keys`` and never by the program: what the program writes is in the stack's state.
    """

    arn: pulumi.Output[str]
    secret_name: pulumi.Output[str]

    def __init__(self, name: str, args: AuthSecretArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("trebuche:aws:AuthSecret", name, {}, opts)
        secret = secretsmanager.Secret(
            f"{name}-secret",
            name=args.secret_name,
            description="Digests of API keys and the key of tickets; see `trebuche keys`",
            # A stack that is taken down and made again must get its name back at once.
            recovery_window_in_days=0,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.arn = secret.arn
        self.secret_name = secret.name
        self.register_outputs({"arn": self.arn})

    def grant_read(self) -> Grant:
        """Read the current value."""
        return Grant("Secret", ("secretsmanager:GetSecretValue",), (self.arn,))


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectAuthorizerArgs:
    """An API, and who decides for it."""

    authorizer_name: str
    api: WebSocketApi
    auth: AuthConfig
    function: LambdaFunction


class ConnectAuthorizer(pulumi.ComponentResource):
    """The REQUEST authorizer, with API Gateway's permission to ask its function."""

    authorizer: apigatewayv2.Authorizer
    permission: lambda_.Permission
    made_of: pulumi.Output[str]
    """Everything whose change takes a new deployment of the API, as JSON."""

    def __init__(self, name: str, args: ConnectAuthorizerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("trebuche:aws:ConnectAuthorizer", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        sources = _identity_sources(args.auth)
        self.authorizer = apigatewayv2.Authorizer(
            f"{name}-authorizer",
            api_id=args.api.api.id,
            name=args.authorizer_name,
            authorizer_type="REQUEST",
            authorizer_uri=args.function.invoke_arn,
            identity_sources=sources,
            opts=child,
        )
        self.permission = lambda_.Permission(
            f"{name}-permission",
            action="lambda:InvokeFunction",
            principal="apigateway.amazonaws.com",
            function=args.function.function_name,
            qualifier=args.function.alias_name,
            source_arn=pulumi.Output.concat(args.api.api.execution_arn, "/authorizers/", self.authorizer.id),
            opts=child,
        )
        self.made_of = pulumi.Output.json_dumps([self.authorizer.id, args.function.invoke_arn, sources])
        self.register_outputs({})


def _identity_sources(auth: AuthConfig) -> list[str]:
    """What must be there before anybody is asked. All of them must, so it can only be said of a single place."""
    return [_SOURCES[auth.places[0]]] if len(auth.places) == 1 else []
