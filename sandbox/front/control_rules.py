"""What API Gateway refuses at its control plane and the emulator accepts.

Only WebSocket APIs are judged. A caller without permission is told of the mistake before the emulator would tell of
the missing permission; AWS asks in the other order.
"""

import re
from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import unquote

from sandbox.aws import AwsClient, AwsRefusedError, Json
from sandbox.front.signature import Owner

_PATH = re.compile(
    r"^/v2/apis/(?P<api>[^/?]+)/(?P<part>[^/?]+)(?:/(?P<id>[^/?]+)(?:/(?P<child>[^/?]+)(?:/[^/?]+)?)?)?/?(?:\?|$)"
)
# WebSocket APIs have this syntax; HTTP APIs write `$request.header.Name`.
_SOURCE = re.compile(r"(route\.request\.(header|querystring)|stageVariables|context)\..+")
_REQUEST_ID = re.compile(r"\$(\{context\.(r|extendedR)equestId\}|context\.(r|extendedR)equestId\b)")
# What begins a reference or a directive of the Velocity Template Language.
_DIRECTIVE = re.compile(r"[#$]!?\{?[a-z]", re.IGNORECASE)
_OF_THE_CALLER: Final = "arn:aws:iam::*:user/*"
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/.+")
_RUN: Final = ("AWS_PROXY", "MOCK")
_BUILT_IN: Final = ("$connect", "$disconnect", "$default")


def refuse(message: str, *, status: int = 400, code: str = "BadRequestException") -> AwsRefusedError:
    """A refusal in API Gateway's form."""
    return AwsRefusedError(status, code, message)


def conflict(message: str) -> AwsRefusedError:
    """What is to be made is there already."""
    return refuse(message, status=409, code="ConflictException")


def not_found(message: str) -> AwsRefusedError:
    """What is named is not there."""
    return refuse(message, status=404, code="NotFoundException")


class ControlRules:
    """Looks at writes before they reach the emulator.

    Args:
        aws: Reads what is there.
    """

    def __init__(self, aws: AwsClient) -> None:
        self._aws = aws
        self._checks: dict[tuple[str, str], Callable[[Write], Awaitable[None]]] = {
            ("POST", "deployments"): self._new_deployment,
            ("DELETE", "deployments"): self._deleted_deployment,
            ("POST", "stages"): self._new_stage,
            ("PATCH", "stages"): self._changed_stage,
            ("POST", "routes"): self._route,
            ("PATCH", "routes"): self._route,
            ("POST", "integrations"): self._integration,
            ("PATCH", "integrations"): self._integration,
            ("POST", "integrationresponses"): self._integration_response,
            ("PATCH", "integrationresponses"): self._integration_response,
            ("POST", "routeresponses"): self._route_response,
            ("POST", "authorizers"): self._authorizer,
            ("PATCH", "authorizers"): self._authorizer,
        }

    async def check(self, method: str, path: str, owner: Owner, request: Json) -> None:
        """Judge one write.

        Args:
            method: HTTP method.
            path: Of ``/v2/apis…``.
            owner: Whom and where it was signed for.
            request: Its body.

        Raises:
            AwsRefusedError: AWS would refuse it.
        """
        match = _PATH.match(path)
        check = self._checks.get((method, match["child"] or match["part"])) if match else None
        if match is None or check is None:
            return
        write = Write(self._aws, owner, unquote(match["api"]), unquote(match["id"] or ""), request)
        if await write.on_web_socket():
            await check(write)

    async def _new_deployment(self, write: "Write") -> None:
        if stage := write.request.get("stageName"):
            found = await write.find("stages", "stageName", stage)
            if found is None:
                raise not_found("Invalid stage identifier specified")
            _refuse_by_hand(found)
        if not await write.items("routes"):
            raise refuse("Unable to deploy API because no routes exist in this API")

    async def _deleted_deployment(self, write: "Write") -> None:
        if await write.find("stages", "deploymentId", write.identifier):
            raise refuse("Active stages pointing to this deployment must be moved or deleted")

    async def _new_stage(self, write: "Write") -> None:
        if await write.find("stages", "stageName", write.request.get("stageName")):
            raise conflict("Stage already exists")
        await self._stage(write, write.request)

    async def _changed_stage(self, write: "Write") -> None:
        before = await write.find("stages", "stageName", write.identifier) or {}
        await self._stage(write, {**before, **write.request})

    async def _stage(self, write: "Write", after: Json) -> None:
        if deployment := write.request.get("deploymentId"):
            _refuse_by_hand(after)
            if await write.find("deployments", "deploymentId", deployment) is None:
                raise not_found("Invalid deployment identifier specified")
        log = write.request.get("accessLogSettings") or {}
        if log.get("format"):
            check_log_format(log["format"])
        if log and ":log-group:" not in log.get("destinationArn", ""):
            raise refuse("The sandbox writes access logs to log groups of CloudWatch Logs only, not to Firehose.")
        if (log or _logs_execution(write.request)) and not await write.log_role():
            raise refuse("CloudWatch Logs role ARN must be set in account settings to enable logging")

    async def _route(self, write: "Write") -> None:
        key = write.request.get("routeKey")
        if key is None:
            return
        if key.startswith("$") and key not in _BUILT_IN:
            raise refuse(f"The provided route key is not formatted properly for the protocol: {key}")
        found = await write.find("routes", "routeKey", key)
        if found is not None and found["routeId"] != write.identifier:
            raise conflict(f"Route with key {key} already exists for this API")

    async def _integration(self, write: "Write") -> None:
        kind = write.request.get("integrationType", "AWS_PROXY")
        if write.request.get("connectionType") == "VPC_LINK":
            kind = f"{kind} over a VPC link"
        if kind not in _RUN:
            raise refuse(f"The sandbox does not run integrations of type {kind}; it runs {' and '.join(_RUN)}.")
        # Quota page; other than REST APIs, WebSocket APIs get no more than 29 s on request.
        if not 50 <= write.request.get("timeoutInMillis", 50) <= 29_000:
            raise refuse("Timeout should be between 50 ms and 29000 ms")
        _check_credentials(write.request.get("credentialsArn"))
        _refuse_directives(write.request.get("requestTemplates"))

    async def _integration_response(self, write: "Write") -> None:
        _refuse_directives(write.request.get("responseTemplates"))

    async def _route_response(self, write: "Write") -> None:
        if (key := write.request.get("routeResponseKey")) != "$default":
            raise refuse(f"Route response key must be $default, not {key}")

    async def _authorizer(self, write: "Write") -> None:
        _check_credentials(write.request.get("authorizerCredentialsArn"))
        for source in write.request.get("identitySource") or ():
            if not _SOURCE.fullmatch(source):
                text = f"Invalid mapping expression specified: {source}"
                raise refuse(
                    f"Invalid mapping expression specified: Validation Result: warnings : [], errors : [{text}]"
                )


class Write:
    """One write to a part of an API, and what is there before it."""

    def __init__(self, aws: AwsClient, owner: Owner, api_id: str, identifier: str, request: Json) -> None:
        self.identifier = identifier
        self.request = request
        self._aws = aws
        self._owner = owner
        self._api_id = api_id

    async def on_web_socket(self) -> bool:
        """Whether it is about a WebSocket API; one that is not there is the emulator's to refuse."""
        try:
            return (await self._read(f"/v2/apis/{self._api_id}")).get("protocolType") == "WEBSOCKET"
        except AwsRefusedError:
            return False

    async def items(self, part: str) -> list[Json]:
        """All stages, routes and so on."""
        found: list[Json] = (await self._read(f"/v2/apis/{self._api_id}/{part}?maxResults=500"))["items"]
        return found

    async def find(self, part: str, name: str, value: object) -> Json | None:
        """The item whose field ``name`` has this value."""
        return next((item for item in await self.items(part) if item.get(name) == value), None)

    async def log_role(self) -> str | None:
        """The role with which API Gateway writes logs in this account and Region."""
        role: str | None = (await self._read("/account")).get("cloudwatchRoleArn")
        return role

    async def _read(self, path: str) -> Json:
        owner = self._owner
        return await self._aws.get_json(path, service="apigateway", region=owner.region, account=owner.account)


def check_log_format(text: str) -> None:
    """Hold the format of an access log against AWS's rules.

    Raises:
        AwsRefusedError: It has several lines, or no request id.
    """
    found = "The following errors are found in Access Log Format: "
    if "\n" in text or "\r" in text:
        raise refuse(f"{found}Access Log format must be single line: '{text}'")
    if not _REQUEST_ID.search(text):
        wanted = "Access Log format must include either $context.requestId or $context.extendedRequestId"
        raise refuse(f"{found}{wanted} : '{text}'")


def _refuse_directives(templates: Json | None) -> None:
    for text in (templates or {}).values():
        if found := _DIRECTIVE.search(text):
            raise refuse(
                f"The sandbox does not evaluate mapping templates, so it cannot take '{found[0]}…' in one; "
                "a template of plain text runs."
            )


def _check_credentials(arn: str | None) -> None:
    """An integration or an authorizer may name the role that API Gateway is to take."""
    if arn == _OF_THE_CALLER:
        raise refuse("The sandbox does not call functions with the caller's credentials; name a role instead.")
    if arn and not _ROLE.fullmatch(arn):
        raise refuse("Invalid ARN specified in the request")


def _refuse_by_hand(stage: Json) -> None:
    if stage.get("autoDeploy"):
        raise refuse("Deployment ID cannot be set on this stage because AutoDeploy is enabled")


def _logs_execution(request: Json) -> bool:
    settings = [request.get("defaultRouteSettings") or {}, *(request.get("routeSettings") or {}).values()]
    return any(one.get("loggingLevel") in ("ERROR", "INFO") for one in settings)
