"""Carries one event to a route's integration and reads what comes back, as API Gateway reads it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import aiohttp

from sandbox.aws import Json
from sandbox.front.api_model import Integration, choose_template, mock_status
from sandbox.functions import Call, Functions

INTERNAL: Final = "Internal server error"
TIMED_OUT: Final = "Endpoint request timed out"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an integration came to; ``problem`` is set when the API must speak in its place."""

    status: int
    body: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    problem: str | None = None

    @property
    def ok(self) -> bool:
        """Whether the status is a success."""
        return self.problem is None and 200 <= self.status < 300


BROKEN: Final = Outcome(502, problem=INTERNAL)
LATE: Final = Outcome(504, problem=TIMED_OUT)


async def call_integration(functions: Functions, integration: Integration | None, event: Json) -> Outcome:
    """Run a route's integration on an event; never raises for what the integration does."""
    if integration is None:
        return BROKEN
    if integration.kind == "MOCK":
        return _answer_mock(integration)
    if integration.kind != "AWS_PROXY" or integration.function_arn is None:
        return BROKEN
    call = Call(
        function_arn=integration.function_arn,
        payload=json.dumps(event).encode(),
        timeout=integration.timeout_seconds,
    )
    try:
        invocation = await functions.invoke(call)
    except TimeoutError:
        return LATE
    except aiohttp.ClientError:
        return BROKEN
    return _read_answer(invocation.payload) if invocation.ok else BROKEN


def _answer_mock(integration: Integration) -> Outcome:
    status = mock_status(choose_template(integration.templates, integration.selection))
    if status is None:
        return BROKEN
    fitting = [response for response in integration.responses if response.matches(status)]
    fitting += [response for response in integration.responses if response.key == "$default"]
    body = choose_template(fitting[0].templates, fitting[0].selection) if fitting else None
    return Outcome(status, body)


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
    return Outcome(status, body, {str(name): str(value) for name, value in named.items()})
