"""REQUEST authorizers on ``$connect``: what must be there before one is asked, and what it is asked."""

import json
import time
from typing import Final

import aiohttp

from sandbox.aws import AwsRefusedError, Json
from sandbox.front.api_model import Authorizer, Served
from sandbox.front.authorizer_answer import BROKEN, UNASKED, Verdict, read_answer, read_failure
from sandbox.functions import Call, Functions
from sandbox.permissions.permissions import API_GATEWAY

AUTHORIZER_SECONDS: Final = 30.0
"""API Gateway waits no longer for an authorizer (quota page; not adjustable)."""


async def authorize(functions: Functions, authorizer: Authorizer | None, served: Served, event: Json) -> Verdict:
    """Ask a route's authorizer about a handshake; there is no cache: each handshake is asked about.

    Args:
        functions: Invokes the authorizer.
        authorizer: None when the route names one that is not there: nobody gets in.
        served: API and stage of the handshake.
        event: The ``$connect`` event of the handshake.
    """
    function_arn = served.expand(authorizer.function_arn or "") if authorizer else None
    if authorizer is None or not function_arn:
        return BROKEN
    # All of them must be there and not empty, else API Gateway answers 401 without a call.
    if not all(_look_up(source, event) for source in authorizer.identity_sources):
        return UNASKED
    call = Call(
        function_arn=function_arn,
        payload=json.dumps(_question(event, served)).encode(),
        timeout=AUTHORIZER_SECONDS,
        principal=API_GATEWAY,
        source_arn=served.authorizer_arn(authorizer),
        credentials=authorizer.credentials,
    )
    started = time.monotonic()
    try:
        invocation = await functions.invoke(call)
    except (aiohttp.ClientError, AwsRefusedError, TimeoutError, ValueError):  # the last one: no ARN
        return BROKEN
    if not invocation.ok:
        return read_failure(invocation.payload)
    verdict = read_answer(invocation.payload, served.arn("$connect"), event)
    latency = int((time.monotonic() - started) * 1000)
    return Verdict(verdict.status, verdict.message, {**verdict.context, "integrationLatency": latency})


def _question(event: Json, served: Served) -> Json:
    """The authorizer's event: the handshake's, with the ARN to decide on."""
    handshake = {name: value for name, value in event.items() if name != "isBase64Encoded"}
    missing: Json = {"queryStringParameters": {}, "multiValueQueryStringParameters": {}, "stageVariables": {}}
    return {"type": "REQUEST", "methodArn": served.arn("$connect"), **missing, **handshake}


def _look_up(source: str, event: Json) -> object:
    """The value of an identity source, e.g. ``route.request.header.Auth``; nothing when it is missing or empty."""
    place, _, name = source.removeprefix("route.request.").partition(".")
    if place == "header":  # the only names that have no case
        return {key.lower(): value for key, value in event["headers"].items()}.get(name.lower())
    if place == "querystring":
        return event.get("queryStringParameters", {}).get(name)
    if place == "stageVariables":
        return event.get("stageVariables", {}).get(name)
    value: object = event["requestContext"]
    for step in name.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    return value
