"""Carries one event to a route's integration and reads what comes back, as API Gateway reads it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import aiohttp

from sandbox.aws import AwsRefusedError, Json
from sandbox.front.api_model import Integration, Route, Served, choose_template, mock_status
from sandbox.functions import NOT_PERMITTED, Call, Functions
from sandbox.permissions.permissions import API_GATEWAY

INTERNAL: Final = "Internal server error"
TIMED_OUT: Final = "Endpoint request timed out"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an event came to.

    ``problem`` is set when the API must speak in the integration's place, ``refusal`` when it was not even asked.
    ``integration_status`` is the integration's own, ``latency_ms`` how long it took.
    """

    status: int
    body: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    problem: str | None = None
    refusal: str | None = None
    integration_status: int | None = None
    latency_ms: int | None = None

    @property
    def ok(self) -> bool:
        """Whether the status is a success."""
        return self.problem is None and 200 <= self.status < 300


# A refused `$connect` shows its client these statuses; a message's client reads the problem's text.
BROKEN: Final = Outcome(502, problem=INTERNAL)
FORBIDDEN: Final = Outcome(500, problem=INTERNAL)
"""The function may not be invoked by this route, or not in the integration's role."""
LATE: Final = Outcome(504, problem=TIMED_OUT)


async def call_integration(functions: Functions, served: Served, route: Route, event: Json) -> Outcome:
    """Run a route's integration on an event; never raises for what the integration does."""
    integration = route.integration
    if integration is None:
        return BROKEN
    if route.is_mock:
        return _answer_mock(integration)
    function_arn = served.expand(integration.function_arn or "")
    if integration.kind != "AWS_PROXY" or not function_arn:
        return BROKEN
    call = Call(
        function_arn=function_arn,
        payload=json.dumps(event).encode(),
        timeout=integration.timeout_seconds,
        principal=API_GATEWAY,
        source_arn=served.arn(route.key),
        credentials=integration.credentials,
    )
    try:
        invocation = await functions.invoke(call)
    except TimeoutError:
        return LATE
    except (aiohttp.ClientError, AwsRefusedError, ValueError):  # the last one: no ARN
        return BROKEN
    if invocation.status == NOT_PERMITTED:
        return FORBIDDEN
    return _read_answer(invocation.payload) if invocation.ok else BROKEN


def _answer_mock(integration: Integration) -> Outcome:
    status = mock_status(choose_template(integration.templates, integration.selection))
    if status is None:
        return BROKEN
    fitting = [response for response in integration.responses if response.matches(status)]
    # A pattern that fits goes before `$default`, wherever that was declared.
    fitting += [response for response in integration.responses if response.key == "$default"]
    body = choose_template(fitting[0].templates, fitting[0].selection) if fitting else None
    return Outcome(status, body, integration_status=status)


def _read_answer(payload: bytes) -> Outcome:
    """A proxy integration must return an object with an integer ``statusCode``; anything else is an error of it."""
    try:
        document = json.loads(payload)
    except ValueError:
        return BROKEN
    if not isinstance(document, dict):
        return BROKEN
    status, body, headers = document.get("statusCode"), document.get("body"), document.get("headers")
    if not isinstance(status, int) or not (body is None or isinstance(body, str)):
        return BROKEN
    named = headers if isinstance(headers, dict) else {}
    texts = {str(name): str(value) for name, value in named.items()}
    return Outcome(status, body, texts, integration_status=status)
