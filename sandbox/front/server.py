"""Listens on the one AWS address and tells apart what is ours from what is the emulator's."""

import errno
import logging
import re
import socket
from typing import Final

import aiohttp
from aiohttp import HttpVersion11, web
from multidict import CIMultiDict

from sandbox.aws import Answer, AwsRefusedError
from sandbox.errors import SandboxError
from sandbox.expiry import Janitor
from sandbox.faults.dynamodb import ItemsRequest
from sandbox.faults.index_lag import LaggingIndexes
from sandbox.faults.requests import RequestFaults
from sandbox.front.api_endpoint import rewrite_endpoints
from sandbox.front.connections_api import ConnectionsApi
from sandbox.front.control_api import CONTROL_PATH, ControlApi
from sandbox.front.control_plane import APIS_PATH, ControlPlane, read_object
from sandbox.front.control_rules import ControlRules
from sandbox.front.domains import DOMAINS_PATH, Domains
from sandbox.front.functions_api import FUNCTIONS_PATH, FunctionsApi
from sandbox.front.gateway import Gateway
from sandbox.front.mappings_api import MAPPINGS_PATH, MappingsApi
from sandbox.front.metered_calls import MeteredCalls
from sandbox.front.metered_tables import MeteredTables
from sandbox.front.metrics_api import MetricsApi
from sandbox.front.proxy import EmulatorDownError, Proxy, emulator_down, refusal
from sandbox.front.receiving import ReceivingServer, bad_request
from sandbox.front.service_errors import BROKEN, in_protocol, of_mistake
from sandbox.front.service_models import find_mistake
from sandbox.front.signature import Callers
from sandbox.front.streams_api import STREAMS_TARGET, StreamsApi
from sandbox.front.table_capacity import TableCapacity
from sandbox.front.throttle import Throttle
from sandbox.front.time_to_live_api import DELETE_TABLE_TARGET, TIME_TO_LIVE_TARGETS, TimeToLiveApi
from sandbox.pump import Pump
from sandbox.services import Services

_SOCKET_PATH = re.compile(r"^/_aws/execute-api/(?P<api>[^/?]+)/(?P<stage>[^/?]+)/?(?:\?|$)")
_CONNECTION_PATH = re.compile(
    r"^/_aws/execute-api/(?P<api>[^/?]+)/(?P<stage>[^/?]+)/@connections/(?P<id>[^/?]+)(?:\?|$)"
)
_MAPPED_CONNECTION = re.compile(r"^/@connections/(?P<id>[^/?]+)(?:\?|$)")
_ANY_PATH = re.compile(r"^/_aws/execute-api/(?P<api>[^/?]+)")
_TABLE_WRITE = re.compile(r"^DynamoDB_20120810\.(Put|Update|Delete|BatchWrite|Transact|Execute|BatchExecute)")
_TABLE_CHANGES: Final = tuple(f"DynamoDB_20120810.{verb}Table" for verb in ("Create", "Update", "Delete", "Restore"))
_SIGNED_FOR_IAM = re.compile(r"Credential=[^,]+/iam/aws4_request")
_TO_QUEUES = re.compile(r"Credential=[^,]+/(sqs|sns|events)/aws4_request")
_QUEUE_READS: Final = ("AmazonSQS.Receive", "AmazonSQS.Get", "AmazonSQS.List", "AmazonSQS.Delete")
# Long: a connection that is closed in the moment in which an SDK reuses it is an error there.
KEEP_ALIVE_SECONDS: Final = 3600.0
LINE_BYTES: Final = 64 * 1024
_TYPED: Final = (APIS_PATH, "/20")
"""Paths of API Gateway v2 and, with the date of each interface, of Lambda."""
_logger = logging.getLogger(__name__)


def listen(port: int) -> socket.socket:
    """A listening socket on the loopback interface.

    Args:
        port: 0 takes a free one.

    Raises:
        SandboxError: The port is in use.
    """
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            text = f"Port {port} is in use by another program; choose another one, or none and a free one is taken."
            raise SandboxError(text) from error
        raise SandboxError(f"Cannot listen on port {port}: {error.strerror}.") from error
    listener.listen(1024)
    return listener


class Front:
    """The sandbox's AWS address.

    Args:
        session: To the emulator; must not decompress.
        emulator_endpoint: The emulator's own address.
        listener: See ``listen``.
        pump: Runs the event source mappings that are made here.
        services: Shared with the pump.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        emulator_endpoint: str,
        listener: socket.socket,
        pump: Pump,
        services: Services,
    ) -> None:
        self._listener = listener
        self._address = f"127.0.0.1:{listener.getsockname()[1]}"
        self._pump = pump
        self._proxy = Proxy(session, emulator_endpoint)
        self._callers = Callers(services.aws)
        self._control_plane = ControlPlane(services.aws)
        self._rules = ControlRules(services.aws, services.clock, services.quotas)
        self._domains = Domains(services.aws)
        throttle = Throttle(services.clock, services.quotas)
        self._gateway = Gateway(services, self._control_plane, self._proxy, throttle=throttle, after_message=pump.nudge)
        self._connections = ConnectionsApi(services, self._gateway, self._control_plane, self._proxy, throttle=throttle)
        self._functions = FunctionsApi(services.functions, services.events, services.permissions, self._proxy)
        self._metrics = MetricsApi(services.telemetry, services.clock, self._proxy)
        self._capacity = TableCapacity(services.clock)
        self._tables = MeteredTables(services, self._callers, self._send, self._capacity)
        self._calls = MeteredCalls(services.meter, services.telemetry, self._callers)
        self._events = services.events
        self._permissions = services.permissions
        self._telemetry = services.telemetry
        self._mappings = MappingsApi(pump, self._proxy)
        self._control = ControlApi(services)
        self._streams = StreamsApi(services.streams, services.clock, self._proxy, services.meter)
        self._janitor = Janitor(
            services.aws, services.clock, services.time_to_live, services.streams, services.telemetry.tables
        )
        self._time_to_live = TimeToLiveApi(services.time_to_live, self._janitor, services.aws, self._proxy)
        self._faults = services.faults
        indexes = LaggingIndexes(services.faults, services.clock, services.aws, services.streams.removals)
        self._request_faults = RequestFaults(services.faults, services.workers, indexes)
        self._runner: web.ServerRunner | None = None

    @property
    def endpoint(self) -> str:
        """What callers put into ``AWS_ENDPOINT_URL``."""
        return f"http://{self._address}"

    async def start(self) -> None:
        """Begin to serve."""
        server = ReceivingServer(
            self._handle,
            access_log=None,
            # Bodies go on as they came, since signatures cover them.
            auto_decompress=False,
            keepalive_timeout=KEEP_ALIVE_SECONDS,
            max_line_size=LINE_BYTES,
            max_field_size=LINE_BYTES,
            tcp_keepalive=False,
        )
        self._runner = web.ServerRunner(server, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.SockSite(self._runner, self._listener).start()

    async def stop(self) -> None:
        """Close every socket and stop listening."""
        await self._gateway.stop()
        await self._events.stop()
        await self._telemetry.stop()
        await self._janitor.stop()
        if self._runner is not None:
            await self._runner.cleanup()
        self._listener.close()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        # RFC 9112, section 3.2: a request of HTTP/1.1 without Host is answered 400. Proxies alone get whole URLs.
        if not request.raw_path.startswith("/") or (
            request.version >= HttpVersion11 and not request.headers.get("Host")
        ):
            return bad_request()
        try:
            response = await self._answer(request)
        except (EmulatorDownError, aiohttp.ClientError, TimeoutError):
            return emulator_down()
        except AwsRefusedError as error:
            return in_protocol(request, error)
        except Exception as error:  # whatever it was, the caller reads an error of the service that was asked
            if refused := await _refuse_mistake(request):
                return refused
            _logger.error("%s %s failed", request.method, request.path, exc_info=error)
            return in_protocol(request, BROKEN)
        # The emulator trips over what it cannot read, too.
        return (response.status == BROKEN.status and await _refuse_mistake(request)) or response

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        path, target = request.raw_path, request.headers.get("X-Amz-Target", "")
        # A custom domain is known by its host alone; any path may be below one of its mapping keys.
        if mapped := await self._domains.resolve(request.host, path):
            return await self._handle_mapped(request, *mapped)
        if path.startswith("/_aws/execute-api/"):
            return await self._handle_execute(request, path)
        # Before anything is made of it: the emulator takes a text for a number, and the like.
        if path.startswith(_TYPED) and request.method != "GET" and (refused := await _refuse_mistake(request)):
            return refused
        if path.startswith(MAPPINGS_PATH):
            return await self._mappings.handle(request, await self._callers.owner(request.headers))
        if FUNCTIONS_PATH.match(path):
            return await self._functions.handle(request, await self._callers.owner(request.headers))
        if operation := self._metrics.serves(request):
            return await self._metrics.handle(request, operation, await self._callers.owner(request.headers))
        if path.startswith(APIS_PATH):
            return await self._handle_control_plane(request, path)
        if path.startswith(DOMAINS_PATH):
            return await self._handle_domains(request, path)
        if path.startswith(CONTROL_PATH):
            return await self._control.handle(request, path)
        if target in TIME_TO_LIVE_TARGETS:
            return await self._time_to_live.handle(request, target, await self._callers.owner(request.headers))
        if target.startswith(STREAMS_TARGET):
            return await self._streams.handle(request, target.removeprefix(STREAMS_TARGET))
        return await self._forward(request)

    async def _handle_execute(self, request: web.BaseRequest, path: str) -> web.StreamResponse:
        match = _CONNECTION_PATH.match(path) or _SOCKET_PATH.match(path)
        api = match or _ANY_PATH.match(path)
        if api is None or await self._control_plane.is_of_another_kind(api["api"]):
            return await self._forward(request)
        if match is None:  # nothing else is served below a stage
            return _forbidden()
        if not await self._control_plane.has_default_endpoint(match["api"], match["stage"]):
            return _forbidden()
        if connection := match.groupdict().get("id"):
            return await self._connections.handle(request, match["api"], match["stage"], connection)
        return await self._gateway.connect(request, match["api"], match["stage"])

    async def _handle_mapped(self, request: web.BaseRequest, api: str, stage: str, rest: str) -> web.StreamResponse:
        if not api:
            return _forbidden()
        if match := _MAPPED_CONNECTION.match(rest):
            return await self._connections.handle(request, api, stage, match["id"])
        if await self._control_plane.is_of_another_kind(api):
            return await self._forward(request)
        if rest.partition("?")[0] not in ("", "/"):
            return _forbidden()
        return await self._gateway.connect(request, api, stage)

    async def _handle_domains(self, request: web.BaseRequest, path: str) -> web.StreamResponse:
        answer = await self._proxy.send(request, await request.read())
        if request.method != "GET" and 200 <= answer.status < 300:
            self._domains.observe_write(path, await self._callers.owner(request.headers), read_object(answer.body))
        return self._proxy.respond(request, answer)

    async def _handle_control_plane(self, request: web.BaseRequest, path: str) -> web.StreamResponse:
        body = await request.read()
        owner = await self._callers.owner(request.headers)
        try:
            # Judged before it is sent: the emulator would make what AWS refuses.
            await self._rules.check(request.method, path, owner, read_object(body))
        except AwsRefusedError as error:
            return refusal(error)
        answer = await self._proxy.send(request, body)
        # Before the caller hears of it, so that his next request meets what he has just made.
        if request.method != "GET" and 200 <= answer.status < 300:
            await self._control_plane.observe_write(path, owner, body, answer.body)
        shown = self._control_plane.kept.rewrite(path, rewrite_endpoints(answer.body, self._address))
        return self._proxy.respond(request, answer, shown)

    async def _forward(self, request: web.BaseRequest) -> web.StreamResponse:
        body, target = await request.read(), request.headers.get("X-Amz-Target", "")
        answer = await (self._tables.send if self._tables.meters(request) else self._send)(request, body)
        await self._calls.record(request, body, answer)
        if _SIGNED_FOR_IAM.search(request.headers.get("Authorization", "")):
            self._permissions.forget()  # its reads look like its writes, and asking anew is cheap
        if _TO_QUEUES.search(request.headers.get("Authorization", "")) and not target.startswith(_QUEUE_READS):
            self._pump.nudge_queues()
        # The pump need not wait for its next look at the stream.
        if _TABLE_WRITE.match(target):
            self._pump.nudge()
            self._janitor.look()
        if target.startswith(_TABLE_CHANGES):
            self._capacity.observe(target, await self._callers.owner(request.headers), answer)
        # A new table of this name begins without time to live.
        if target == DELETE_TABLE_TARGET and answer.status == 200:
            self._time_to_live.forget(body, await self._callers.owner(request.headers))
        return self._proxy.respond(request, answer)

    async def _send(self, request: web.BaseRequest, body: bytes, *, headers: CIMultiDict[str] | None = None) -> Answer:
        """Have the emulator answer, unless a fault stands in the way."""

        async def send() -> Answer:
            return await self._proxy.send(request, body, headers=headers)

        if self._capacity.any and (refused := await self._refuse_throughput(request, body)):
            return refused
        if not self._faults.active:
            return await send()
        owner = await self._callers.owner(request.headers)
        return await self._request_faults.send(request, body, send, account=owner.account, region=owner.region)

    async def _refuse_throughput(self, request: web.BaseRequest, body: bytes) -> Answer | None:
        """What is answered for a table whose capacity is used up."""
        items = ItemsRequest.read(request.headers, body)
        return None if items is None else self._capacity.refuse(items, await self._callers.owner(request.headers))


async def _refuse_mistake(request: web.BaseRequest) -> web.Response | None:
    """What a request that AWS could not read either is answered; None when it is in order."""
    mistake = find_mistake(request, await request.read())
    if mistake is None:
        return None
    _logger.warning("%s %s: %s", request.method, request.path, mistake.message)
    return in_protocol(request, of_mistake(mistake))


def _forbidden() -> web.Response:
    return web.json_response({"message": "Forbidden"}, status=403)
