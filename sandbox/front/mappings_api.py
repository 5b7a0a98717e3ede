"""Lambda's event source mapping API, for DynamoDB streams and SQS queues; other sources are the emulator's."""

import json
import re
from typing import Final
from urllib.parse import quote, unquote

from aiohttp import web

from sandbox.aws import Answer, AwsRefusedError, Json
from sandbox.front.control_plane import read_object
from sandbox.front.proxy import Proxy, refusal
from sandbox.front.signature import Owner
from sandbox.permissions.permissions import ACCESS_NEEDED
from sandbox.pump import queue_settings
from sandbox.pump.mapping import Mapping
from sandbox.pump.pump import Pump
from sandbox.pump.settings import merge, refuse
from sandbox.queues import ACTIONS, Queue
from sandbox.streams import StreamGoneError

MAPPINGS_PATH: Final = "/2015-03-31/event-source-mappings"
POSITIONS: Final = ("TRIM_HORIZON", "LATEST")
AT_TIMESTAMP: Final = "AT_TIMESTAMP"
"""Lambda has it for other sources only."""
_STREAM_ARN = re.compile(r"arn:[\w-]+:dynamodb:[\w-]+:\d{12}:table/[^/]+/stream/.+")
_QUEUE_ARN = re.compile(r"arn:[\w-]+:sqs:[\w-]+:\d{12}:[\w-]+(\.fifo)?")
NO_QUEUE: Final = (
    "Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. "
    "SQS Error Message: The specified queue does not exist for this wsdl version."
)
_FUNCTION = re.compile(
    r"(?:arn:[\w-]+:lambda:(?P<region>[\w-]+):)?(?:(?P<account>\d{12}):)?(?:function:)?"
    r"(?P<name>[\w-]+)(?::(?P<qualifier>\$LATEST|[\w-]+))?"
)


class MappingsApi:
    """Create, get, list, update and delete mappings."""

    def __init__(self, pump: Pump, proxy: Proxy) -> None:
        self._pump = pump
        self._proxy = proxy

    async def handle(self, request: web.BaseRequest, owner: Owner) -> web.StreamResponse:
        """Answer one request as Lambda does."""
        body = await request.read()
        identifier = unquote(request.raw_path.partition("?")[0][len(MAPPINGS_PATH) :].strip("/"))
        try:
            if identifier:
                answer = await self._handle_one(request.method, identifier, _parse(body), owner)
            elif request.method == "POST":
                answer = await self._create(_parse(body), owner)
            else:
                return await self._list(request, owner)
        except AwsRefusedError as error:
            return refusal(error)
        if answer is None:
            return self._proxy.respond(request, await self._proxy.send(request, body))
        # Lambda makes and changes mappings in the background, hence 202 (Accepted).
        return _json(200 if request.method == "GET" else 202, answer)

    async def _handle_one(self, method: str, identifier: str, request: Json, owner: Owner) -> Json | None:
        mapping = self._pump.mappings.get(identifier)
        if mapping is None or not _owns(owner, mapping):
            return None
        if method == "GET":
            return mapping.describe()
        if method == "DELETE":
            await self._pump.remove(mapping)
            return mapping.describe("Deleting")
        return await self._update(mapping, request)

    async def _create(self, request: Json, owner: Owner) -> Json | None:
        stream = request.get("EventSourceArn") or ""
        if _QUEUE_ARN.fullmatch(stream):
            return await self._create_of_queue(request, owner)
        if not _STREAM_ARN.fullmatch(stream):
            return None
        position = _starting_position(request, stream)
        document = merge(None, request)
        function = await self._existing_function(request.get("FunctionName") or "", owner)
        self._refuse_second(stream, function)
        await self._check_access(function, stream)
        mapping = Mapping(stream, function, position, document, self._pump.clock.now())
        if request.get("Enabled", True):
            mapping.enabled.set()
        try:
            await self._pump.add(mapping)
        except StreamGoneError as error:
            raise refuse(f"Stream not found: {stream}") from error
        return mapping.describe("Creating")

    async def _create_of_queue(self, request: Json, owner: Owner) -> Json:
        queue = request["EventSourceArn"]
        document = queue_settings.merge(None, request, queue)
        function = await self._existing_function(request.get("FunctionName") or "", owner)
        self._refuse_second(queue, function)
        await self._check_queue(function, queue)
        mapping = Mapping(queue, function, None, document, self._pump.clock.now())
        if request.get("Enabled", True):
            mapping.enabled.set()
        self._pump.add_queue(mapping)
        return mapping.describe("Creating")

    async def _update(self, mapping: Mapping, request: Json) -> Json:
        if mapping.of_queue:
            document = queue_settings.merge(mapping.document, request, mapping.source_arn)
        else:
            document = merge(mapping.document, request)
        if name := request.get("FunctionName"):
            function = await self._existing_function(name, Owner(mapping.account, mapping.region))
            check = self._check_queue if mapping.of_queue else self._check_access
            await check(function, mapping.source_arn)
            mapping.function_arn = function
        mapping.document = document
        mapping.last_modified = self._pump.clock.now()
        enabled = request.get("Enabled")
        if enabled is True:
            mapping.enabled.set()
        elif enabled is False:
            mapping.enabled.clear()
        return mapping.describe("Updating")

    async def _list(self, request: web.BaseRequest, owner: Owner) -> web.StreamResponse:
        # Judges the caller, and brings the mappings of sources that are none of ours.
        answer = await self._proxy.send(request, b"")
        if answer.status != 200:
            return self._proxy.respond(request, answer)
        wanted_stream, wanted_function = request.query.get("EventSourceArn"), request.query.get("FunctionName")
        function = wanted_function and function_arn(wanted_function, owner)
        ours = [
            mapping.describe()
            for mapping in self._pump.mappings.values()
            if _owns(owner, mapping)
            and wanted_stream in (None, mapping.source_arn)
            and function in (None, mapping.function_arn)
        ]
        document = _parse(answer.body)
        document["EventSourceMappings"] = ours + (document.get("EventSourceMappings") or [])
        return _json(200, document)

    async def _existing_function(self, name: str, owner: Owner) -> str:
        arn = function_arn(name, owner)
        await self._read_function(arn)
        return arn

    async def _read_function(self, arn: str) -> Json:
        """What GetFunction says.

        Raises:
            AwsRefusedError: There is no such function.
        """
        _, _, _, region, account, _ = arn.split(":", 5)
        plain, _, qualifier = arn.split(":function:")[1].partition(":")
        query = f"?Qualifier={quote(qualifier)}" if qualifier else ""
        answer: Answer = await self._pump.aws.send(
            "GET", f"/2015-03-31/functions/{plain}{query}", service="lambda", region=region, account=account
        )
        if answer.status != 200:
            raise AwsRefusedError(404, "ResourceNotFoundException", f"Function not found: {arn}")
        return read_object(answer.body)

    async def _check_access(self, function: str, stream: str) -> None:
        if await self._pump.permissions.judge_stream(function, stream) is not None:
            raise refuse(f"Cannot access stream {stream}. {ACCESS_NEEDED}")

    async def _check_queue(self, function: str, queue: str) -> None:
        """Whether the queue is there, the function's role may read it, and hides its messages for long enough."""
        try:
            depth = await Queue(self._pump.aws, queue).depth()
        except AwsRefusedError as error:
            raise refuse(NO_QUEUE) from error
        for action in ACTIONS:
            if await self._pump.permissions.judge_function(function, (action,), queue) is not None:
                name = action.partition(":")[2]
                raise refuse(f"The provided execution role does not have permissions to call {name} on SQS")
        timeout = (await self._read_function(function))["Configuration"]["Timeout"]
        # Lambda insists, because the queue would hand out again what the function still works on.
        if depth.visibility_seconds < timeout:
            hidden = f"Queue visibility timeout: {depth.visibility_seconds:.0f} seconds"
            raise refuse(f"{hidden} is less than Function timeout: {timeout} seconds")

    def _refuse_second(self, source: str, function: str) -> None:
        for mapping in self._pump.mappings.values():
            # Compared with their qualifiers: an alias is another function.
            if (mapping.source_arn, mapping.function_arn) == (source, function):
                ends = f'The event source arn (" {source} ") and function (" {function} ") provided mapping'
                if mapping.of_queue:
                    name = function.split(":function:")[1]
                    ends = f'An event source mapping with SQS arn (" {source} ") and function (" {name} ")'
                text = (
                    f"{ends} already exists. Please update or delete the existing mapping with UUID "
                    f"{mapping.identifier}"
                )
                raise AwsRefusedError(409, "ResourceConflictException", text)


def _starting_position(request: Json, stream: str) -> str:
    position = request.get("StartingPosition")
    value = "null" if position is None else f"'{position}'"
    failed = (
        f"1 validation error detected: Value {value} at 'startingPosition' failed to satisfy constraint: Member must "
    )
    if position is None:
        raise refuse(f"{failed}not be null.")
    if position not in (*POSITIONS, AT_TIMESTAMP):
        text = f"{failed}satisfy enum value set: [LATEST, AT_TIMESTAMP, TRIM_HORIZON]"
        raise AwsRefusedError(400, "ValidationException", text)
    if position == AT_TIMESTAMP:
        raise refuse(f"Unsupported starting position for arn type: {stream}")
    return str(position)


def function_arn(name: str, owner: Owner) -> str:
    """The full ARN of a caller's function that is given by name, partial ARN or ARN, with or without a qualifier.

    Raises:
        AwsRefusedError: It is none of these.
    """
    match = _FUNCTION.fullmatch(name)
    if match is None:
        raise refuse(f"Invalid function name: {name}")
    qualifier = f":{match['qualifier']}" if match["qualifier"] else ""
    place = f"{match['region'] or owner.region}:{match['account'] or owner.account}"
    return f"arn:aws:lambda:{place}:function:{match['name']}{qualifier}"


def _owns(owner: Owner, mapping: Mapping) -> bool:
    return (owner.account, owner.region) == (mapping.account, mapping.region)


def _parse(body: bytes) -> Json:
    try:
        document = json.loads(body or b"{}")
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise AwsRefusedError(400, "InvalidRequestContentException", "Could not parse request body into json")
    return document


def _json(status: int, document: Json) -> web.Response:
    return web.Response(status=status, text=json.dumps(document), content_type="application/json")
