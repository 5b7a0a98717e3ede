"""Invocations on the clock, and the references that callers give; without a sandbox."""

import asyncio
import json
from typing import Any, cast

import pytest
from aiohttp import EMPTY_PAYLOAD
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict, CIMultiDictProxy

from sandbox.aws import Answer, AwsClient, AwsRefusedError, Json
from sandbox.clock import Clock
from sandbox.faults import Faults
from sandbox.faults.workers import Workers
from sandbox.front.functions_api import FunctionsApi
from sandbox.front.proxy import Proxy
from sandbox.front.signature import Owner
from sandbox.functions import Call, Events, Functions
from sandbox.functions.deaths import Deaths
from sandbox.functions.reference import FunctionReference
from sandbox.permissions import Permissions

ARN = "arn:aws:lambda:us-east-1:000000000000:function:slow"


class SlowFunction(AwsClient):
    """An emulator with one function, which ends when it is told to."""

    def __init__(self) -> None:
        super().__init__(cast("Any", None), "")
        self.began, self.may_end = asyncio.Event(), asyncio.Event()

    async def get_json(self, path: str, **_: object) -> Json:
        """No settings at all."""
        raise AwsRefusedError(404, "ResourceNotFoundException", path)

    async def send(self, *_: object, **__: object) -> Answer:
        """The invocation."""
        self.began.set()
        await self.may_end.wait()
        return Answer(200, CIMultiDictProxy(CIMultiDict[str]()), json.dumps("done").encode())


def test_time_that_is_turned_waits_for_a_running_invocation() -> None:
    """What falls due later stays behind a function that is running, so that it sees no time pass at once."""

    async def main() -> list[str]:
        clock, emulator = Clock(), SlowFunction()
        functions = Functions(emulator, clock, Permissions(emulator), deaths=Deaths(Faults(), Workers(emulator)))
        seen: list[str] = []
        invoking = asyncio.create_task(functions.invoke(Call(function_arn=ARN, payload=b"{}")))
        await emulator.began.wait()
        clock.call_at(clock.now() + 30, lambda: seen.append("timer"))
        turning = asyncio.create_task(clock.pass_time(60))
        for _ in range(100):
            await asyncio.sleep(0)
        seen.append("end of the function")
        emulator.may_end.set()
        await asyncio.gather(invoking, turning)
        return seen

    assert asyncio.run(main()) == ["end of the function", "timer"]


class SlowProxy(Proxy):
    """The way to an emulator whose function ends when it is told to."""

    def __init__(self) -> None:
        super().__init__(cast("Any", None), "")
        self.began, self.may_end = asyncio.Event(), asyncio.Event()

    async def send(self, *_: object, **__: object) -> Answer:
        """The invocation, which the caller has signed."""
        self.began.set()
        await self.may_end.wait()
        return Answer(200, CIMultiDictProxy(CIMultiDict[str]()), json.dumps("done").encode())


def test_time_that_is_turned_waits_for_a_direct_invocation() -> None:
    """Whoever calls Invoke: a function that runs sees no time pass at once."""

    async def main() -> list[str]:
        clock, emulator, proxy = Clock(), SlowFunction(), SlowProxy()
        permissions = Permissions(emulator)
        functions = Functions(emulator, clock, permissions, deaths=Deaths(Faults(), Workers(emulator)))
        api = FunctionsApi(functions, Events(functions, emulator, clock, permissions), permissions, proxy)
        request = make_mocked_request("POST", "/2015-03-31/functions/slow/invocations", payload=EMPTY_PAYLOAD)
        seen: list[str] = []
        invoking = asyncio.create_task(api.handle(request, Owner("000000000000", "us-east-1")))
        await proxy.began.wait()
        clock.call_at(clock.now() + 30, lambda: seen.append("timer"))
        turning = asyncio.create_task(clock.pass_time(60))
        for _ in range(100):
            await asyncio.sleep(0)
        seen.append("end of the function")
        proxy.may_end.set()
        await asyncio.gather(invoking, turning)
        return seen

    assert asyncio.run(main()) == ["end of the function", "timer"]


@pytest.mark.parametrize("arn", [f"{ARN}:", f"{ARN}:live:", "arn:aws:lambda:us-east-1:1:function:slow", "slow", ""])
def test_what_is_no_functions_arn_is_refused(arn: str) -> None:
    """An empty qualifier is none: it does not stand for the newest version."""
    with pytest.raises(AwsRefusedError) as refused:
        FunctionReference.of_arn(arn)
    assert refused.value.code == "ValidationException"


@pytest.mark.parametrize("qualifier", [None, "$LATEST", "7", "live"])
def test_arn_is_read_and_written_back(qualifier: str | None) -> None:
    """Every form of a full ARN is kept."""
    arn = f"{ARN}:{qualifier}" if qualifier else ARN
    reference = FunctionReference.of_arn(arn)
    assert (reference.name, reference.qualifier, reference.arn) == ("slow", qualifier, arn)
