"""Stages and deployments: names, variables, throttles, logs, and which deployment is served."""

import re
from collections.abc import Mapping
from typing import Final

from sandbox.aws import Json
from sandbox.front.rules.write import Write, conflict, not_found, refuse

_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")
_VARIABLE: Final = re.compile(r"[A-Za-z0-9_]+")
_VALUE: Final = re.compile(r"[A-Za-z0-9\-._~:/?#&=,]+")
_REQUEST_ID: Final = re.compile(r"\$(\{context\.(r|extendedR)equestId\}|context\.(r|extendedR)equestId\b)")
LOG_FORMAT_BYTES: Final = 3 * 1024
"""Longest template of an access log (quota page; not adjustable)."""


async def check_new_deployment(write: Write) -> None:
    """CreateDeployment."""
    if stage := write.request.get("stageName"):
        found = await write.find("stages", "stageName", stage)
        if found is None:
            raise not_found("Invalid stage identifier specified")
        _refuse_by_hand(found)
    if not await write.items("routes"):
        raise refuse("Unable to deploy API because no routes exist in this API")


async def check_deleted_deployment(write: Write) -> None:
    """DeleteDeployment."""
    if await write.find("stages", "deploymentId", write.identifier):
        raise refuse("Active stages pointing to this deployment must be moved or deleted")


async def check_new_stage(write: Write) -> None:
    """CreateStage."""
    name = write.request.get("stageName") or ""
    if not _NAME.fullmatch(name):
        raise refuse(f"Stage name {name!r} is invalid: a WebSocket API's has 1 to 128 of a-z, A-Z, 0-9, - and _")
    if await write.find("stages", "stageName", name):
        raise conflict("Stage already exists")
    await write.refuse_beyond(write.quotas.stages, "stages", "Stages")
    _check_variables(write.request.get("stageVariables") or {}, empty=False)
    await _check(write, write.request)


async def check_changed_stage(write: Write) -> None:
    """UpdateStage; an empty variable is one that is taken away."""
    before = await write.find("stages", "stageName", write.identifier) or {}
    _check_variables(write.request.get("stageVariables") or {}, empty=True)
    await _check(write, {**before, **write.request})


async def _check(write: Write, after: Json) -> None:
    if deployment := write.request.get("deploymentId"):
        _refuse_by_hand(after)
        if await write.find("deployments", "deploymentId", deployment) is None:
            raise not_found("Invalid deployment identifier specified")
    await _check_settings(write)
    log = write.request.get("accessLogSettings") or {}
    if log.get("format"):
        check_log_format(log["format"])
    if log and ":log-group:" not in log.get("destinationArn", ""):
        raise refuse("The sandbox writes access logs to log groups of CloudWatch Logs only, not to Firehose.")
    if (log or _logs_execution(write.request)) and not await write.log_role():
        raise refuse("CloudWatch Logs role ARN must be set in account settings to enable logging")


def check_log_format(text: str) -> None:
    """Hold the format of an access log against AWS's rules.

    Raises:
        AwsRefusedError: It is too long, has several lines, or no request id.
    """
    found = "The following errors are found in Access Log Format: "
    if len(text.encode()) > LOG_FORMAT_BYTES:
        raise refuse(f"{found}Access Log format must not be longer than {LOG_FORMAT_BYTES} bytes")
    if "\n" in text or "\r" in text:
        raise refuse(f"{found}Access Log format must be single line: '{text}'")
    if not _REQUEST_ID.search(text):
        wanted = "Access Log format must include either $context.requestId or $context.extendedRequestId"
        raise refuse(f"{found}{wanted} : '{text}'")


async def _check_settings(write: Write) -> None:
    """Throttles are no numbers below zero, and settings are for routes that are there."""
    routes = write.request.get("routeSettings") or {}
    for settings in (write.request.get("defaultRouteSettings") or {}, *routes.values()):
        for name in ("throttlingBurstLimit", "throttlingRateLimit"):
            if (limit := settings.get(name)) is not None and limit < 0:
                raise refuse(f"Invalid {name} {limit}: a throttle is not negative")
    keys = {route["routeKey"] for route in await write.items("routes")} if routes else set()
    for key in routes:
        if key not in keys:
            raise not_found(f"Unable to find Route by key {key} within the provided RouteSettings")


def _check_variables(variables: Mapping[str, str], *, empty: bool) -> None:
    for name, value in variables.items():
        if not _VARIABLE.fullmatch(name):
            raise refuse(f"Invalid stage variable name {name!r}: it has a-z, A-Z, 0-9 and _ only")
        if not _VALUE.fullmatch(value) and not (empty and value == ""):
            raise refuse(f"Invalid value of stage variable {name}: it has a-z, A-Z, 0-9 and -._~:/?#&=, only")


def _refuse_by_hand(stage: Json) -> None:
    if stage.get("autoDeploy"):
        raise refuse("Deployment ID cannot be set on this stage because AutoDeploy is enabled")


def _logs_execution(request: Json) -> bool:
    settings = [request.get("defaultRouteSettings") or {}, *(request.get("routeSettings") or {}).values()]
    return any(one.get("loggingLevel") in ("ERROR", "INFO") for one in settings)
