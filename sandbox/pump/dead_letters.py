"""On-failure messages: where a mapping says which records it has given up (Lambda developer guide)."""

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import aiohttp

from sandbox.aws import AwsRefusedError, Invocation, Json
from sandbox.functions.destinations import Destinations, is_bucket, object_key
from sandbox.pump.mapping import Mapping
from sandbox.services import Services
from sandbox.telemetry.mapping_metrics import Count

RETRIES_EXHAUSTED: Final = "RetryAttemptsExhausted"
AGE_EXCEEDED: Final = "MaximumRecordAgeExceeded"
DESTINATION_FAILED: Final = "PROBLEM: Unable to send to the on-failure destination"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """Records that are given up: why, after how many invocations, and what the last one said."""

    records: Sequence[Json]
    condition: str
    invocations: int
    last: Invocation | None


class DeadLetters:
    """Sends on-failure messages of one shard to the mapping's queue or topic; without one the records are dropped."""

    def __init__(self, mapping: Mapping, shard_id: str, services: Services) -> None:
        self._mapping = mapping
        self._shard_id = shard_id
        self._destinations = Destinations(services.aws)
        self._permissions = services.permissions
        self._clock = services.clock
        self._metrics = services.telemetry.mappings

    async def send(self, letter: DeadLetter) -> None:
        """Send one message; a destination that refuses it is noted in the mapping's last result."""
        destination = self._mapping.settings.on_failure
        arrived = destination is not None and await self._arrives(destination, letter)
        name: Count = "OnFailureDestinationDeliveredEventCount" if arrived else "DroppedEventCount"
        self._metrics.count(self._mapping, name, len(letter.records))
        if destination is not None and not arrived:
            self._mapping.last_result = DESTINATION_FAILED

    async def _arrives(self, destination: str, letter: DeadLetter) -> bool:
        try:
            # Lambda sends in the function's role.
            if await self._permissions.judge_destination(self._mapping.function_arn, destination) is not None:
                return False
            await self._hand_over(destination, letter)
        except (AwsRefusedError, aiohttp.ClientError, TimeoutError):
            return False
        return True

    async def _hand_over(self, destination: str, letter: DeadLetter) -> None:
        document, mapping = self._document(letter), self._mapping
        if not is_bucket(destination):
            await self._destinations.send(destination, json.dumps(document))
            return
        # A bucket gets the records, too (developer guide, "Destinations").
        text = json.dumps({**document, "payload": {"Records": list(letter.records)}})
        key = object_key(f"{mapping.identifier}/{self._shard_id}", self._clock.now())
        await self._destinations.store(destination, key, text, account=mapping.account, region=mapping.region)

    def _document(self, letter: DeadLetter) -> Json:
        # Never what they hold: whoever redrives them reads the stream again, within 24 hours (Lambda developer guide).
        changes = [record["dynamodb"] for record in letter.records]
        document: Json = {
            "requestContext": {
                "requestId": str(uuid.uuid4()),
                "functionArn": self._mapping.function_arn,
                "condition": letter.condition,
                "approximateInvokeCount": letter.invocations,
            },
            "version": "1.0",
            "timestamp": _iso(self._clock.now(), "milliseconds"),
            "DDBStreamBatchInfo": {
                "shardId": self._shard_id,
                "startSequenceNumber": changes[0]["SequenceNumber"],
                "endSequenceNumber": changes[-1]["SequenceNumber"],
                "approximateArrivalOfFirstRecord": _iso(changes[0]["ApproximateCreationDateTime"]),
                "approximateArrivalOfLastRecord": _iso(changes[-1]["ApproximateCreationDateTime"]),
                "batchSize": len(changes),
                "streamArn": self._mapping.source_arn,
            },
        }
        if letter.last is not None:
            error = {"functionError": letter.last.error} if letter.last.error else {}
            last = {"statusCode": letter.last.status, "executedVersion": letter.last.executed_version}
            document["responseContext"] = {**last, **error}
        return document


def _iso(seconds: float, precision: str = "seconds") -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec=precision).replace("+00:00", "Z")
