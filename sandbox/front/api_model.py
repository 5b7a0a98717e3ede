"""What a WebSocket API serves, as read from the control plane: frozen, so that a deployment keeps what it saw."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from sandbox.aws import Json
from sandbox.quotas import Quotas

INTEGRATION_LIMIT_SECONDS: Final = 29.0
"""API Gateway waits no longer (quota page; not adjustable for WebSocket APIs)."""

_FUNCTION_ARN = re.compile(r"/functions/(?P<arn>arn:[^/]+)/invocations$")


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
    """Where a route leads: a Lambda function, or a mock that answers by template."""

    kind: str
    function_arn: str | None
    timeout_seconds: float
    templates: Mapping[str, str] = field(default_factory=dict)
    selection: str = ""
    responses: tuple[MockResponse, ...] = ()


@dataclass(frozen=True, slots=True)
class Route:
    """A route of the API; ``replies`` says whether the integration's answer goes back to the caller."""

    key: str
    integration: Integration | None
    replies: bool


@dataclass(frozen=True, slots=True)
class ApiSnapshot:
    """Routes and integrations of one API at one moment."""

    api_id: str
    account: str
    region: str
    selection_expression: str
    routes: Mapping[str, Route] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Limit:
    """A throttle: requests per second, and how many may come at once."""

    rate: float
    burst: float


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage; its settings are live at once, its routes only with a deployment.

    Each route has a throttle of its own: what ``route_limits`` says of it, else ``default_limit``; None is no limit.
    """

    name: str
    auto_deploy: bool
    deployment_id: str | None
    variables: Mapping[str, str]
    default_limit: Limit | None = None
    route_limits: Mapping[str, Limit | None] = field(default_factory=dict)

    def limit_of(self, route_key: str) -> Limit | None:
        """The throttle of a route."""
        return self.route_limits.get(route_key, self.default_limit)


@dataclass(frozen=True, slots=True)
class Served:
    """What a socket on a stage meets right now."""

    api: ApiSnapshot
    stage: Stage


def choose_template(templates: Mapping[str, str], selection: str) -> str | None:
    r"""The template that a constant selection expression (``200``, ``\$default``) names, else ``$default``'s."""
    chosen = templates.get(selection.removeprefix("\\"), templates.get("$default"))
    if chosen is None and not selection and len(templates) == 1:
        # The emulator forgets the expression of an integration's request templates.
        return next(iter(templates.values()))
    return chosen


def read_stage(document: Json) -> Stage:
    """A stage as ``GetStage`` answers it."""
    return Stage(
        name=document["stageName"],
        auto_deploy=bool(document.get("autoDeploy")),
        deployment_id=document.get("deploymentId"),
        variables=document.get("stageVariables") or {},
        default_limit=_read_limit(document.get("defaultRouteSettings") or {}),
        route_limits={key: _read_limit(settings) for key, settings in (document.get("routeSettings") or {}).items()},
    )


def _read_limit(settings: Json) -> Limit | None:
    """Settings may be about logging only; 0 is a limit, too, and what is left out is as the account has it."""
    rate, burst = settings.get("throttlingRateLimit"), settings.get("throttlingBurstLimit")
    if rate is None and burst is None:
        return None
    account = Quotas()
    return Limit(
        account.request_rate if rate is None else float(rate),
        account.request_burst if burst is None else float(burst),
    )


def read_integration(document: Json, responses: Sequence[Json]) -> Integration:
    """An integration as ``GetIntegration`` answers it, with its integration responses."""
    arn = _FUNCTION_ARN.search(document.get("integrationUri") or "")
    milliseconds = document.get("timeoutInMillis") or INTEGRATION_LIMIT_SECONDS * 1000
    return Integration(
        kind=document.get("integrationType", ""),
        function_arn=arn["arn"] if arn else None,
        timeout_seconds=min(milliseconds / 1000, INTEGRATION_LIMIT_SECONDS),
        templates=document.get("requestTemplates") or {},
        selection=document.get("templateSelectionExpression") or "",
        responses=tuple(
            MockResponse(
                key=response["integrationResponseKey"],
                templates=response.get("responseTemplates") or {},
                selection=response.get("templateSelectionExpression") or "",
            )
            for response in responses
        ),
    )


def read_route(document: Json, integrations: Mapping[str, Integration], responses: Sequence[Json]) -> Route:
    """A route as ``GetRoute`` answers it, with its route responses."""
    target = (document.get("target") or "").removeprefix("integrations/")
    keys = {response["routeResponseKey"] for response in responses}
    return Route(
        key=document["routeKey"],
        integration=integrations.get(target),
        replies=bool(document.get("routeResponseSelectionExpression")) and "$default" in keys,
    )


def mock_status(template: str | None) -> int | None:
    """The ``statusCode`` that a mock integration's request template gives, if it gives one."""
    try:
        document = json.loads(template or "")
    except ValueError:
        return None
    status = document.get("statusCode") if isinstance(document, dict) else None
    return status if isinstance(status, int) else None
