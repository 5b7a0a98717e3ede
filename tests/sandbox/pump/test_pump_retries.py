"""Pauses between the retries of a stream's batch; without a sandbox, so that no machine is too slow for them."""

import asyncio
import itertools
import json
from typing import Any, cast

from multidict import CIMultiDict, CIMultiDictProxy

from sandbox.aws import Answer, AwsClient, AwsRefusedError, Json
from sandbox.pump.delivery import Delivery
from sandbox.pump.mapping import Mapping
from sandbox.pump.settings import merge
from sandbox.quotas import Quotas
from sandbox.services import services_on

OWNER = "us-east-1:000000000000"
STREAM = f"arn:aws:dynamodb:{OWNER}:table/todos/stream/2026-01-01T00:00:00.000"
PAUSES = [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10, 10, 10, 10, 10]


class FailingFunction(AwsClient):
    """An emulator with one function, which fails whatever it is given."""

    def __init__(self) -> None:
        super().__init__(cast("Any", None), "http://127.0.0.1:1")
        self.calls = 0
        self.called = asyncio.Event()

    async def get_json(self, path: str, **_: object) -> Json:
        """No settings at all."""
        raise AwsRefusedError(404, "ResourceNotFoundException", path)

    async def send(self, *_: object, **__: object) -> Answer:
        """The invocation."""
        self.calls += 1
        self.called.set()
        headers = CIMultiDictProxy(CIMultiDict({"X-Amz-Function-Error": "Unhandled"}))
        return Answer(200, headers, json.dumps({"errorMessage": "no"}).encode())


def test_pauses_between_retries_are_the_clocks() -> None:
    """They double up to ten seconds of the clock: while 70 seconds are turned, a batch is tried fourteen times."""

    async def main() -> list[float]:
        emulator = FailingFunction()
        services = services_on(emulator, Quotas())
        clock, times = services.clock, list[float]()
        services.functions.watch(lambda finished: times.append(finished.began))
        mapping = Mapping(STREAM, f"arn:aws:lambda:{OWNER}:function:f", "TRIM_HORIZON", merge(None, {}), clock.now())
        mapping.enabled.set()
        record = {"dynamodb": {"ApproximateCreationDateTime": clock.now(), "SequenceNumber": "1"}}
        delivering = asyncio.create_task(Delivery(mapping, "shard", services).deliver([record]))
        await emulator.called.wait()
        await clock.pass_time(70)
        delivering.cancel()
        return times

    times = asyncio.run(main())
    waited = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert len(waited) >= len(PAUSES)
    assert all(pause - 0.001 <= seconds for pause, seconds in zip(PAUSES, waited, strict=False))
