"""Stopping the pump ends what it runs, whatever that is doing at the moment."""

import asyncio

import aiohttp
import pytest

from sandbox.aws import AwsClient
from sandbox.pump import Pump
from sandbox.pump.mapping import Mapping
from sandbox.pump.queue_settings import merge
from sandbox.quotas import Quotas
from sandbox.services import services_on

NOBODY = "http://127.0.0.1:9"
QUEUE = "arn:aws:sqs:eu-central-1:000000000000:wishes"
FUNCTION = "arn:aws:lambda:eu-central-1:000000000000:function:grant"


@pytest.mark.parametrize("turns", range(6))
def test_queue_reader_that_was_just_woken_ends(turns: int) -> None:
    """However many turns of the event loop lie between a message's arrival and the stop."""

    async def main() -> None:
        async with aiohttp.ClientSession() as session:
            pump = Pump(services_on(AwsClient(session, NOBODY), Quotas()))
            mapping = Mapping(QUEUE, FUNCTION, None, merge(None, {}, QUEUE), 0.0)
            mapping.enabled.set()
            pump.add_queue(mapping)
            await asyncio.sleep(0.2)  # nobody answers: it waits to look again
            pump.nudge_queues()
            for _ in range(turns):
                await asyncio.sleep(0)
            async with asyncio.timeout(20):
                await pump.stop()

    asyncio.run(main())
