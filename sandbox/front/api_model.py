"""What a WebSocket API serves, as read from the control plane: frozen, so that a deployment keeps what it saw."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from sandbox.aws import Json

INTEGRATION_LIMIT_SECONDS: Final = 29.0
"""API Gateway waits no longer (quota page; not adjustable for WebSocket APIs)."""

_FUNCTION_ARN = re.compile(r"(?:^|/functions/)(?P<arn>(?:arn:[\w-]+:lambda:|\$\{)[^/]+)(?:/invocations)?$")
_STAGE_VARIABLE = re.compile(r"\$\{stageVariables\.(?P<name>\w+)\}")


@dataclass(frozen=True, slots=True)
class MockResponse:
    """One integration response: for which status, and what is sent."""

    key: str
    templates: Mapping[str, str]
    selection: str

    def matches(self, status: int) -> bool:
        """Whether this response is for ``status``; its key is ``$default`` or ``/pattern/``."""
        return self.key.startswith("/") and re.fullmatch(self.key.strip("/"), str(status)) is not None


@dataclass(frozen=True, slots=True)
class Integration:
    """Where a route leads: a Lambda function, or a mock that answers by template.

    ``passthrough`` says what becomes of a message for which a mock has no template. ``credentials`` is the ARN of the
    role in which the function is invoked, if there is one.
    """

    kind: str
    function_arn: str | None
    timeout_seconds: float
    templates: Mapping[str, str] = field(default_factory=dict)
    selection: str = ""
    passthrough: str = ""
    method: str = ""
    responses: tuple[MockResponse, ...] = ()
    credentials: str | None = None


@dataclass(frozen=True, slots=True)
class Authorizer:
    """A REQUEST authorizer: the function that decides, and what a handshake must bring before it is asked.

    ``credentials`` is the ARN of the role in which it is invoked, if there is one.
    """

    authorizer_id: str
    function_arn: str | None
    identity_sources: tuple[str, ...]
    credentials: str | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """A route of the API; ``replies`` says whether the integration's answer goes back to the caller.

    ``authorization`` is ``NONE``, ``AWS_IAM`` or ``CUSTOM``; the last one names an authorizer.
    """

    key: str
    integration: Integration | None
    replies: bool
    authorization: str = "NONE"
    authorizer: Authorizer | None = None
    api_key_required: bool = False

    @property
    def is_mock(self) -> bool:
        """Whether the API answers by itself, by a template."""
        return self.integration is not None and self.integration.kind == "MOCK"


@dataclass(frozen=True, slots=True)
class ApiSnapshot:
    """Routes, integrations and authorizers of one API at one moment.

    ``key_expression`` says where an API key is found; ``default_endpoint`` whether the API answers on its own address.
    """

    api_id: str
    account: str
    region: str
    selection_expression: str
    key_expression: str = ""
    default_endpoint: bool = True
    routes: Mapping[str, Route] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Limit:
    """A throttle: requests per second, and how many may come at once."""

    rate: float
    burst: float


@dataclass(frozen=True, slots=True)
class RouteSettings:
    """What a stage says of a route's throttle: settings may be about logging only, and 0 is a limit, too."""

    rate: float | None = None
    burst: float | None = None

    def or_else(self, default: "RouteSettings") -> "RouteSettings":
        """These settings, with those of ``default`` for what they leave out."""
        return RouteSettings(
            default.rate if self.rate is None else self.rate, default.burst if self.burst is None else self.burst
        )


@dataclass(frozen=True, slots=True)
class AccessLog:
    """Where a stage logs who came, and what a line looks like."""

    destination_arn: str
    format: str


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage; its settings are live at once, its routes only with a deployment.

    Each route has a throttle of its own: what ``routes`` says of it, completed by ``default``. It has metrics of its
    own if ``route_details`` says so, else ``default_details``.
    """

    name: str
    auto_deploy: bool
    deployment_id: str | None
    variables: Mapping[str, str]
    access_log: AccessLog | None = None
    default: RouteSettings = RouteSettings()
    routes: Mapping[str, RouteSettings] = field(default_factory=dict)
    default_details: bool = False
    route_details: Mapping[str, bool] = field(default_factory=dict)

    def settings_of(self, route_key: str) -> RouteSettings:
        """The settings that hold for a route."""
        return self.routes.get(route_key, self.default)

    def is_detailed(self, route_key: str) -> bool:
        """Whether a route has metrics of its own."""
        return self.route_details.get(route_key, self.default_details)


@dataclass(frozen=True, slots=True)
class Served:
    """What a socket on a stage meets right now."""

    api: ApiSnapshot
    stage: Stage

    def arn(self, route_key: str) -> str:
        """The ARN of a route on this stage, as policies name it."""
        return f"{self._api_arn}/{self.stage.name}/{route_key}"

    def authorizer_arn(self, authorizer: Authorizer) -> str:
        """The ARN on whose behalf API Gateway asks an authorizer."""
        return f"{self._api_arn}/authorizers/{authorizer.authorizer_id}"

    @property
    def _api_arn(self) -> str:
        return f"arn:aws:execute-api:{self.api.region}:{self.api.account}:{self.api.api_id}"

    def expand(self, function_arn: str) -> str | None:
        """A function's ARN with the stage's variables put in; None when one is not set."""
        if any(name not in self.stage.variables for name in _STAGE_VARIABLE.findall(function_arn)):
            return None
        return _STAGE_VARIABLE.sub(lambda match: self.stage.variables[match["name"]], function_arn)


def read_stage(document: Json) -> Stage:
    """A stage as ``GetStage`` answers it."""
    log, routes = document.get("accessLogSettings") or {}, document.get("routeSettings") or {}
    settings = document.get("defaultRouteSettings") or {}
    default = _read_settings(settings)
    return Stage(
        name=document["stageName"],
        auto_deploy=bool(document.get("autoDeploy")),
        deployment_id=document.get("deploymentId"),
        variables=document.get("stageVariables") or {},
        access_log=AccessLog(log["destinationArn"], log["format"]) if log.get("destinationArn") else None,
        default=default,
        routes={key: _read_settings(own).or_else(default) for key, own in routes.items()},
        default_details=bool(settings.get("detailedMetricsEnabled")),
        route_details={key: bool(own.get("detailedMetricsEnabled")) for key, own in routes.items()},
    )


def _read_settings(settings: Json) -> RouteSettings:
    rate, burst = settings.get("throttlingRateLimit"), settings.get("throttlingBurstLimit")
    return RouteSettings(None if rate is None else float(rate), None if burst is None else float(burst))


def read_authorizer(document: Json) -> Authorizer:
    """An authorizer as ``GetAuthorizer`` answers it."""
    return Authorizer(
        authorizer_id=document["authorizerId"],
        function_arn=_function_of(document.get("authorizerUri")),
        # What is written in the syntax of HTTP APIs is the emulator's own default for "none given".
        identity_sources=tuple(
            source for source in document.get("identitySource") or () if not source.startswith("$request.")
        ),
        credentials=document.get("authorizerCredentialsArn") or None,
    )


def _function_of(uri: str | None) -> str | None:
    match = _FUNCTION_ARN.search(uri or "")
    return match["arn"] if match else None


def read_integration(document: Json, responses: Sequence[Json]) -> Integration:
    """An integration as ``GetIntegration`` answers it, with its integration responses."""
    milliseconds = document.get("timeoutInMillis") or INTEGRATION_LIMIT_SECONDS * 1000
    return Integration(
        kind=document.get("integrationType", ""),
        function_arn=_function_of(document.get("integrationUri")),
        timeout_seconds=min(milliseconds / 1000, INTEGRATION_LIMIT_SECONDS),
        templates=document.get("requestTemplates") or {},
        selection=document.get("templateSelectionExpression") or "",
        passthrough=document.get("passthroughBehavior") or "",
        method=document.get("integrationMethod") or "",
        responses=tuple(
            MockResponse(
                key=response["integrationResponseKey"],
                templates=response.get("responseTemplates") or {},
                selection=response.get("templateSelectionExpression") or "",
            )
            for response in responses
        ),
        credentials=document.get("credentialsArn") or None,
    )


def read_route(
    document: Json,
    integrations: Mapping[str, Integration],
    authorizers: Mapping[str, Authorizer],
    responses: Sequence[Json],
) -> Route:
    """A route as ``GetRoute`` answers it, with its route responses."""
    target = (document.get("target") or "").removeprefix("integrations/")
    keys = {response["routeResponseKey"] for response in responses}
    return Route(
        key=document["routeKey"],
        integration=integrations.get(target),
        # Both are needed for a reply (developer guide, "Set up route responses").
        replies=bool(document.get("routeResponseSelectionExpression")) and "$default" in keys,
        authorization=document.get("authorizationType") or "NONE",
        authorizer=authorizers.get(document.get("authorizerId") or ""),
        api_key_required=bool(document.get("apiKeyRequired")),
    )
