"""DynamoDB Streams' API: everybody who reads a stream sees the shards and records that mappings see."""

import json
from typing import Final

from aiohttp import web

from sandbox.aws import Answer, AwsRefusedError, Json
from sandbox.clock import Clock
from sandbox.front.proxy import Proxy
from sandbox.front.streams_request import Iterator, StreamsRequest
from sandbox.meter import Meter, Place
from sandbox.meter.units import STREAM_READS
from sandbox.streams import StreamGoneError, StreamLog, Streams

STREAMS_TARGET: Final = "DynamoDBStreams_20120810."
ITERATOR_SECONDS: Final = 15 * 60.0
"""An iterator expires 15 minutes after it was handed out (API reference)."""
# GetRecords brings 1,000 records or 1 MB, DescribeStream 100 shards (API reference).
PAGE_RECORDS: Final = 1000
PAGE_SHARDS: Final = 100
PAGE_BYTES: Final = 1024 * 1024
# What the emulator says about shards and iterators that it does not know, once it has let the caller in.
_JUDGED_BY_US: Final = frozenset(
    {"ResourceNotFoundException", "ValidationException", "ExpiredIteratorException", "TrimmedDataAccessException"}
)


class StreamsApi:
    """DescribeStream, GetShardIterator and GetRecords; ListStreams is the emulator's.

    Args:
        streams: What is read.
        clock: Lets iterators expire.
        proxy: Asks the emulator whether the caller may.
        meter: Counts what is read; what mappings read does not come this way, and is free.
    """

    def __init__(self, streams: Streams, clock: Clock, proxy: Proxy, meter: Meter) -> None:
        self._streams = streams
        self._clock = clock
        self._proxy = proxy
        self._meter = meter

    async def handle(self, request: web.BaseRequest, operation: str) -> web.StreamResponse:
        """Answer one request as DynamoDB does."""
        body = await request.read()
        try:
            asked = StreamsRequest.read(body)
        except AwsRefusedError as error:
            return _refusal(error)
        answer = await self._proxy.send(request, body)
        if operation == "ListStreams" or (answer.status != 200 and answer.refusal().code not in _JUDGED_BY_US):
            return self._proxy.respond(request, answer)
        try:
            document = await self._answer(operation, asked, answer)
            if operation == "GetRecords":
                self._meter.count(STREAM_READS, _billed(Iterator.parse(asked.text("ShardIterator")).stream), operation)
            return _json(200, document)
        except StreamGoneError:
            text = "Requested resource not found: Stream: not found"
            return _refusal(AwsRefusedError(400, "ResourceNotFoundException", text))
        except AwsRefusedError as error:
            return _refusal(error)

    async def _answer(self, operation: str, request: StreamsRequest, answer: Answer) -> Json:
        if operation == "GetRecords":
            return await self._records(request)
        if operation == "GetShardIterator":
            return {"ShardIterator": (await self._iterator(request)).token()}
        if answer.status != 200:
            raise answer.refusal()
        document: Json = json.loads(answer.body)
        log = await self._streams.open(request.stream)
        document["StreamDescription"] |= _shards(log, request)
        return document

    async def _iterator(self, request: StreamsRequest) -> Iterator:
        log = await self._streams.open(request.stream)
        shard = log.shard_index(request.text("ShardId"))
        if shard is None:
            text = "Requested resource not found: Shard does not exist"
            raise AwsRefusedError(400, "ResourceNotFoundException", text)
        position = _position(log, shard, request)
        return Iterator(log.facts.arn, shard, position, self._clock.now())

    async def _records(self, request: StreamsRequest) -> Json:
        limit = request.limit(PAGE_RECORDS)
        iterator = Iterator.parse(request.text("ShardIterator"))
        if self._clock.now() - iterator.issued > ITERATOR_SECONDS:
            text = "Iterator expired. It was handed out more than 15 minutes ago."
            raise AwsRefusedError(400, "ExpiredIteratorException", text)
        log = await self._streams.open(iterator.stream)
        part = log.part(iterator.shard)
        if iterator.position < part.trimmed:
            raise _trimmed()
        records = _within_page([change.record for change in part.since(iterator.position, limit)])
        position = iterator.position + len(records)
        answer: Json = {"Records": records}
        # The missing iterator is how a reader learns that a closed shard has ended (API reference).
        if not (log.closed and position >= part.end):
            following = Iterator(iterator.stream, iterator.shard, position, self._clock.now())
            answer["NextShardIterator"] = following.token()
        return answer


def _position(log: StreamLog, shard: int, request: StreamsRequest) -> int:
    part, kind = log.part(shard), request.iterator_type
    if kind == "LATEST":
        return part.end
    if kind == "TRIM_HORIZON":
        return part.trimmed
    if kind == "AT_TIMESTAMP":
        since = request.timestamp
        return next((place for place, one in enumerate(part.changes, part.trimmed) if one.created >= since), part.end)
    wanted = request.sequence
    for position, change in enumerate(part.changes, part.trimmed):
        # As numbers: texts of different length do not compare.
        if int(change.sequence) == wanted:
            return position if kind == "AT_SEQUENCE_NUMBER" else position + 1
    raise _trimmed()


def _shards(log: StreamLog, request: StreamsRequest) -> Json:
    """The page of shards that a DescribeStream asks for."""
    most = request.limit(PAGE_SHARDS)
    shards = [_shard(log, index) for index in range(log.facts.shards)]
    # Shards are never split here, so none has children.
    if request.shard_filter == "CHILD_SHARDS":
        return {"Shards": []}
    after = log.shard_index(request.after)
    rest = shards if after is None else shards[after + 1 :]
    page = rest[:most]
    more = {"LastEvaluatedShardId": page[-1]["ShardId"]} if len(page) < len(rest) else {}
    return {"Shards": page, **more}


def _shard(log: StreamLog, index: int) -> Json:
    changes, numbers = log.part(index).changes, {}
    if changes:
        numbers["StartingSequenceNumber"] = changes[0].sequence
        if log.closed:
            numbers["EndingSequenceNumber"] = changes[-1].sequence
    return {"ShardId": log.shard_id(index), "SequenceNumberRange": numbers}


def _within_page(records: list[Json]) -> list[Json]:
    size = 0
    for index, record in enumerate(records):
        size += len(json.dumps(record))
        # At least one, however large, else its reader would never get past it.
        if index and size > PAGE_BYTES:
            return records[:index]
    return records


def _trimmed() -> AwsRefusedError:
    text = "The operation attempted to read past the oldest stream record in a shard."
    return AwsRefusedError(400, "TrimmedDataAccessException", text)


def _json(status: int, document: Json) -> web.Response:
    return web.Response(status=status, text=json.dumps(document), content_type="application/x-amz-json-1.0")


def _refusal(error: AwsRefusedError) -> web.Response:
    return _json(error.status, {"__type": f"com.amazonaws.dynamodb.v20120810#{error.code}", "message": error.message})


def _billed(stream_arn: str) -> Place:
    _, _, _, region, account, resource = stream_arn.split(":", 5)
    return Place(account, region, resource.split("/")[1])
