"""``@connections``: post to, look at and close a client's connection.

Whether the caller may do so is judged by the emulator's IAM: the caller's own signed request is replayed there,
where the connection does not exist. "Gone" means allowed; anything else is the caller's answer.
"""

import json
import re
from datetime import UTC, datetime
from typing import Final
from urllib.parse import unquote

from aiohttp import web

from sandbox.front.api_model import Served
from sandbox.front.connection import Connection
from sandbox.front.control_plane import ControlPlane
from sandbox.front.events import new_request_id
from sandbox.front.exchange import billed, metered
from sandbox.front.gateway import Gateway
from sandbox.front.limits import MESSAGE_BYTES
from sandbox.front.proxy import Proxy
from sandbox.front.throttle import TOO_MANY, Throttle
from sandbox.services import Services

GONE: Final = 410
_CONNECTION_ID = re.compile(r"[A-Za-z0-9_-]{15}=")
_DELETED: Final = (1000, "Connection Closed Normally")
_REFUSALS: Final = {
    "post-gone": (GONE, "GoneException", "Gone"),
    "post-throttled": (429, "LimitExceededException", TOO_MANY),
    "post-error": (500, "InternalServerErrorException", "Internal server error"),
}
"""What each fault of a post answers."""


class ConnectionsApi:
    """Serves ``/<stage>/@connections/<id>`` of every API."""

    def __init__(
        self,
        services: Services,
        gateway: Gateway,
        control_plane: ControlPlane,
        proxy: Proxy,
        *,
        throttle: Throttle,
    ) -> None:
        self._faults = services.faults
        self._clock = services.clock
        self._meter = services.meter
        self._metrics = services.telemetry.gateway
        self._gateway = gateway
        self._control_plane = control_plane
        self._proxy = proxy
        self._throttle = throttle

    async def handle(self, request: web.BaseRequest, api_id: str, stage: str, quoted_id: str) -> web.StreamResponse:
        """Answer one request as API Gateway does."""
        body = await request.read()
        verdict = await self._proxy.send(request, b"" if request.method == "GET" else body)
        if verdict.status != GONE:
            return self._proxy.respond(request, verdict)
        served = await self._control_plane.serve(api_id, stage)
        if served is None:
            return _error(403, "ForbiddenException", "Forbidden")
        # Every call that IAM lets through takes a token, whatever it finds.
        if not self._throttle.admit_callback(served):
            return _error(429, "LimitExceededException", TOO_MANY)
        connection_id = unquote(quoted_id)
        if not _CONNECTION_ID.fullmatch(connection_id):
            return _error(400, "BadRequestException", f"Invalid connectionId: {connection_id}")
        if len(body) > MESSAGE_BYTES:
            return _error(413, "PayloadTooLargeException", "Message too long")
        connection = self._gateway.find(api_id, stage, connection_id)
        if connection is None:
            return _error(GONE, "GoneException", "Gone")
        if self._faults.active and request.method == "POST" and (answer := await self._strike(connection)):
            return answer
        return self._act(request.method, connection, body, served)

    async def _strike(self, connection: Connection) -> web.StreamResponse | None:
        """The answer that a fault gives to a post; None when the post goes its way."""
        facts = connection.facts.named()
        # Combines with the faults below: a post can hang and then fail.
        if fault := self._faults.take("post-hang", **facts):
            await self._clock.sleep(fault.parameters["seconds"])
        for name, refusal in _REFUSALS.items():
            if self._faults.take(name, **facts):
                return _error(*refusal)
        if self._faults.take("cut-socket", **facts):
            # Answered as a success: the sender of a post never learns whether it arrived.
            connection.abort()
            return web.Response(status=200)
        return None

    def _act(self, method: str, connection: Connection, body: bytes, served: Served) -> web.StreamResponse:
        """Do what is asked; looking at a connection and closing it are in no price list."""
        if method == "POST":
            # Clients get text frames only; bytes that are no text are replaced.
            if not connection.send(body.decode("utf-8", "replace").encode()):
                return _error(429, "LimitExceededException", "The client does not read; its buffer is full")
            self._metrics.message(metered(served, None))
            self._meter.message(billed(served), "posted", len(body), outbound=True)
            return web.Response(status=200)
        if method == "DELETE":
            connection.close(*_DELETED)
            return web.Response(status=204)
        if method == "GET":
            return _show(connection)
        return _error(405, "MethodNotAllowedException", f"Method {method} is not allowed")


def _show(connection: Connection) -> web.Response:
    shown = {
        "connectedAt": _iso(connection.facts.connected_at_ms / 1000),
        "identity": connection.facts.identity(),
        "lastActiveAt": _iso(connection.last_active),
    }
    return web.json_response(shown)


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _error(status: int, kind: str, message: str) -> web.Response:
    text = json.dumps({"message": message, "requestId": new_request_id()})
    return web.Response(status=status, text=text, content_type="application/json", headers={"x-amzn-ErrorType": kind})
