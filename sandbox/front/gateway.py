"""The WebSocket side of the front: handshake, messages to integrations, replies, goodbye."""

import asyncio
import contextlib
import dataclasses
from collections.abc import Callable, Coroutine
from typing import Any, Final

import aiohttp
from aiohttp import web

from sandbox.aws import AwsRefusedError, Json
from sandbox.front.api_model import Route, Served
from sandbox.front.connection import Connection
from sandbox.front.control_plane import ControlPlane
from sandbox.front.events import (
    ConnectionFacts,
    connect_event,
    disconnect_event,
    message_event,
    new_connection_id,
    problem,
)
from sandbox.front.exchange import Exchange, billed, metered
from sandbox.front.handshake import accept, as_text, forwarded_headers, refuse, refuse_handshake, refused_status
from sandbox.front.limits import GOING_AWAY, HEADER_BYTES, MESSAGE_BYTES, URL_CHARACTERS
from sandbox.front.outcome import INTERNAL
from sandbox.front.proxy import Proxy
from sandbox.front.selection import DEFAULT_ROUTE, select_route
from sandbox.front.throttle import TOO_MANY, Throttle
from sandbox.meter import Place
from sandbox.services import Services

FORBIDDEN: Final = "Forbidden"


class Gateway:
    """All open sockets, and what happens on them.

    Args:
        services: Invoke integrations, stamp events and drive the limits.
        control_plane: Says what a stage serves.
        proxy: Has the signatures of handshakes checked.
        throttle: Says who has to wait.
        after_message: Called when an integration has run: whatever it wrote is there now.
    """

    def __init__(
        self,
        services: Services,
        control_plane: ControlPlane,
        proxy: Proxy,
        *,
        throttle: Throttle,
        after_message: Callable[[], None],
    ) -> None:
        self._exchange = Exchange(services, proxy)
        self._metrics = services.telemetry.gateway
        self._meter = services.meter
        self._control_plane = control_plane
        self._clock = services.clock
        self._faults = services.faults
        self._throttle = throttle
        self._after_message = after_message
        self._connections: dict[str, Connection] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def find(self, api_id: str, stage: str, connection_id: str) -> Connection | None:
        """The open connection with this id on this API and stage."""
        connection = self._connections.get(connection_id)
        if connection is None or (connection.facts.api_id, connection.facts.stage) != (api_id, stage):
            return None
        return connection

    async def connect(self, request: web.BaseRequest, api_id: str, stage: str) -> web.StreamResponse:
        """Serve one handshake and, when it is accepted, the socket until its end."""
        if len(request.raw_path) > URL_CHARACTERS:
            return refuse(414, '{"message": "Request URI too large"}')
        if sum(len(value) for _, value in request.raw_headers) > HEADER_BYTES:
            return refuse(431, '{"message": "Request Header Fields Too Large"}')
        served = await self._control_plane.serve(api_id, stage)
        if served is None:
            return refuse(403, f'{{"message": "{FORBIDDEN}"}}')
        if (status := refused_status(request)) is not None:
            return refuse_handshake(status)
        facts = self._facts_of(request, served)
        if not self._throttle.admit_connection(served):
            self._metrics.refused(metered(served, None))
            return refuse(429, problem(TOO_MANY, facts.connection_id))
        context, outcome = await self._exchange.admit(served, self._connect_event(request, facts, served), request)
        if not outcome.ok:
            message = outcome.problem or outcome.refusal or FORBIDDEN
            return refuse(outcome.status, problem(message, facts.connection_id))
        facts = dataclasses.replace(facts, authorizer=context)
        return await self._run(request, facts, billed(served), accept(request.headers["Sec-WebSocket-Key"], outcome))

    async def stop(self) -> None:
        """Close every socket, and drop what is under way."""
        for connection in list(self._connections.values()):
            connection.close(GOING_AWAY, "Going away")
            connection.abort()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._exchange.stop()

    def _facts_of(self, request: web.BaseRequest, served: Served) -> ConnectionFacts:
        agent = request.headers.get("User-Agent")
        return ConnectionFacts(
            api_id=served.api.api_id,
            stage=served.stage.name,
            connection_id=new_connection_id(),
            connected_at_ms=self._clock.now_ms(),
            domain_name=request.host,
            source_ip=request.remote or "127.0.0.1",
            user_agent=None if agent is None else as_text(agent),
        )

    def _connect_event(self, request: web.BaseRequest, facts: ConnectionFacts, served: Served) -> Json:
        return connect_event(
            facts,
            now_ms=self._clock.now_ms(),
            headers=forwarded_headers(request, facts),
            query=request.query,
            variables=served.stage.variables,
        )

    async def _run(
        self, request: web.BaseRequest, facts: ConnectionFacts, place: Place, response: web.StreamResponse
    ) -> web.StreamResponse:
        with contextlib.suppress(ConnectionResetError):  # the client may have left while $connect ran
            await response.prepare(request)
        transport = request.transport
        # `$connect` has run, so `$disconnect` is owed, although there never was a socket.
        if transport is None:
            self._start(self._on_disconnect(facts, 1006, ""))
            return response
        connection = Connection(
            facts,
            self._clock,
            self._faults,
            transport,
            on_message=self._on_message,
            on_closed=self._on_closed,
        )
        # Only now can it be posted to: while `$connect` runs, a post answers 410.
        self._connections[facts.connection_id] = connection
        self._meter.opened(facts.connection_id, place)
        # It may hand over frames, and even the end, before it returns.
        connection.take_over(request.protocol)
        await connection.gone.wait()
        return response

    def _on_message(self, connection: Connection, text: str) -> None:
        self._start(self._answer(connection, text))

    def _on_closed(self, connection: Connection) -> None:
        self._connections.pop(connection.facts.connection_id, None)
        self._meter.closed(connection.facts.connection_id)
        self._start(self._on_disconnect(connection.facts, *connection.close_status))

    async def _answer(self, connection: Connection, text: str) -> None:
        try:
            await self._serve_message(connection, text)
        except (aiohttp.ClientError, AwsRefusedError, TimeoutError):
            connection.send(problem(INTERNAL, connection.facts.connection_id).encode())

    async def _serve_message(self, connection: Connection, text: str) -> None:
        facts = connection.facts
        served = await self._control_plane.serve(facts.api_id, facts.stage)
        if served is None:
            # What becomes of sockets whose stage is gone AWS does not say; here their messages are Forbidden.
            connection.send(problem(FORBIDDEN, facts.connection_id).encode())
            return
        route = _route_of(served, text)
        if not self._throttle.admit(served, route.key if route else DEFAULT_ROUTE):
            self._metrics.refused(metered(served, route))
            self._say(connection, served, problem(TOO_MANY, facts.connection_id), cause="error")
            return
        self._metrics.message(metered(served, route))
        self._meter.message(billed(served), "received", len(text.encode()), outbound=False)
        if route is None:
            self._metrics.refused(metered(served, route))
            self._say(connection, served, problem(FORBIDDEN, facts.connection_id), cause="error")
            return
        event = message_event(
            facts, route=route.key, now_ms=self._clock.now_ms(), body=text, variables=served.stage.variables
        )
        outcome = await self._exchange.run(served, route, event)
        self._after_message()
        if outcome.problem is not None:
            self._say(connection, served, problem(outcome.problem, facts.connection_id), cause="error")
        elif route.replies and outcome.body:
            # A route response is billed as a message, so it is counted as one.
            self._metrics.message(metered(served, route))
            self._say(connection, served, outcome.body, cause="replied")

    def _say(self, connection: Connection, served: Served, text: str, *, cause: str) -> None:
        data = text.encode()
        if len(data) > MESSAGE_BYTES:
            data = problem(INTERNAL, connection.facts.connection_id).encode()
        if connection.send(data):
            self._meter.message(billed(served), cause, len(data), outbound=True)

    async def _on_disconnect(self, facts: ConnectionFacts, code: int, reason: str) -> None:
        if self._faults.take("lost-disconnect", **facts.named()):
            return
        try:
            served = await self._control_plane.serve(facts.api_id, facts.stage)
        except (aiohttp.ClientError, AwsRefusedError, TimeoutError):
            return  # a goodbye is best effort
        route = served.api.routes.get("$disconnect") if served else None
        if served is None or route is None or route.integration is None:
            return
        if not self._throttle.admit(served, route.key):
            return  # best effort, too: a throttled goodbye is lost
        event = disconnect_event(
            facts, now_ms=self._clock.now_ms(), code=code, reason=reason, variables=served.stage.variables
        )
        await self._exchange.run(served, route, event)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _route_of(served: Served, text: str) -> Route | None:
    key = select_route(served.api.selection_expression, text, served.api.routes)
    return None if key is None else served.api.routes[key]
