"""Carries one event to a route's integration."""

import json

import aiohttp

from sandbox.aws import AwsRefusedError, Json
from sandbox.front.api_model import Route, Served
from sandbox.front.mock import answer_mock
from sandbox.front.outcome import BROKEN, FORBIDDEN, LATE, Outcome
from sandbox.front.proxy_answer import read_answer
from sandbox.functions import NOT_PERMITTED, Call, Functions
from sandbox.permissions.permissions import API_GATEWAY


async def call_integration(functions: Functions, served: Served, route: Route, event: Json) -> Outcome:
    """Run a route's integration on an event; never raises for what the integration does."""
    integration = route.integration
    if integration is None:
        return BROKEN
    if route.is_mock:
        return answer_mock(integration, event, served.stage.variables)
    function_arn = served.expand(integration.function_arn or "")
    # Lambda's interface is invoked by POST; another method fails there (developer guide, Lambda integrations).
    if integration.kind != "AWS_PROXY" or not function_arn or integration.method not in ("", "POST"):
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
    return read_answer(invocation.payload) if invocation.ok else BROKEN
