"""The one way by which functions run: for API Gateway, for event source mappings, and for whoever calls Invoke.

The emulator runs the code. What AWS decides around it is decided here: which version of an alias runs, whether there
is concurrency left, how large an answer may be, and what an error looks like.
"""

import asyncio
import contextlib
import json
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

from sandbox.aws import Answer, AwsClient, Invocation
from sandbox.clock import Clock
from sandbox.functions.answers import LOG_TAIL, read_answer
from sandbox.functions.calls import NOT_PERMITTED, THROTTLED, Call, Finished
from sandbox.functions.concurrency import RESERVED, Concurrency, InFlight, throttled
from sandbox.functions.deaths import Deaths
from sandbox.functions.facts import FunctionFacts, Machine
from sandbox.functions.logs import FunctionLogs
from sandbox.functions.reference import FunctionReference
from sandbox.permissions import Permissions
from sandbox.permissions.permissions import INVOKE, Verdict
from sandbox.quotas import CONCURRENT_EXECUTIONS

SHORT_WAY: Final = "X-Sandbox-Invocation"
"""Header of root's invocations, which the emulator need not judge (``sandbox.inside.root_invocations``)."""
REFUSED: Final = Invocation(THROTTLED, None, "$LATEST", throttled(RESERVED))
Send = Callable[[], Awaitable[Answer]]


class Functions:
    """Runs functions on the emulator as AWS would.

    Args:
        aws: Reaches the emulator's Lambda API.
        clock: Stamps what is reported.
        permissions: Judges whether a service may invoke.
        deaths: Functions that are killed on purpose.
        concurrent: How many invocations each account may run at once in each Region.
        seed: Of the choice between an alias's versions.
    """

    def __init__(
        self,
        aws: AwsClient,
        clock: Clock,
        permissions: Permissions,
        *,
        deaths: Deaths,
        concurrent: int = CONCURRENT_EXECUTIONS,
        seed: int = 0,
    ) -> None:
        self.facts = FunctionFacts(aws)
        self.logs = FunctionLogs(aws, self.facts, permissions)
        self.concurrency = Concurrency(self.facts, concurrent)
        self._aws = aws
        self._clock = clock
        self._permissions = permissions
        self._deaths = deaths
        self._chance = random.Random(seed)
        self._watchers: list[Callable[[Finished], None]] = []
        self._tasks: set[asyncio.Task[Invocation]] = set()

    def watch(self, watcher: Callable[[Finished], None]) -> None:
        """Tell ``watcher`` of every invocation that is over or was refused for want of concurrency."""
        self._watchers.append(watcher)

    async def invoke(self, call: Call) -> Invocation:
        """Invoke as the account's root and wait for the answer.

        Raises:
            aiohttp.ClientError: The emulator cannot be reached.
            AwsRefusedError: The ARN is none, or the function's settings cannot be read.
            TimeoutError: No answer in time; the function goes on running.
        """
        function = FunctionReference.of_arn(call.function_arn)
        if (reason := await self._judge(function, call)) is not None:
            return Invocation(NOT_PERMITTED, None, "$LATEST", json.dumps({"Message": reason}).encode())
        running = asyncio.create_task(self.run_as_root(function, call.payload, newest_record=call.newest_record))
        self._tasks.add(running)
        running.add_done_callback(self._end)
        with self._clock.work() if call.holds_time else contextlib.nullcontext():
            async with asyncio.timeout(call.timeout):
                # The caller gives up, the function does not: no timeout of API Gateway's ends an invocation.
                return await asyncio.shield(running)

    async def _judge(self, function: FunctionReference, call: Call) -> Verdict:
        if call.principal is None:
            return None
        if call.credentials is None:
            return await self._permissions.judge_invocation(function.arn, call.principal, call.source_arn)
        return await self._permissions.judge_role(call.credentials, call.principal, (INVOKE,), function.arn)

    async def run_as_root(
        self,
        function: FunctionReference,
        payload: bytes,
        *,
        depth: str | None = None,
        newest_record: float | None = None,
    ) -> Invocation:
        """Run it with root's permission.

        Args:
            function: With or without a version or alias.
            payload: The event, as JSON.
            depth: Continues the emulator's count of functions that call functions.
            newest_record: See ``Call``.
        """
        chosen = await self.choose(function)
        # The end of the log comes with the answer; only a longer one has to be fetched.
        headers = {LOG_TAIL: "Tail", SHORT_WAY: "1"}
        if depth is not None:
            headers["X-Ministack-Invoke-Depth"] = depth

        async def send() -> Answer:
            return await self._aws.send(
                "POST",
                chosen.path,
                service="lambda",
                region=function.region,
                account=function.account,
                headers=headers,
                body=payload,
                # Longer than any function may run (900 s): the function's own timeout is to end it.
                timeout=1000.0,
            )

        return await self.run(function, send, newest_record=newest_record)

    def holding_time(self) -> contextlib.AbstractContextManager[None]:
        """While it is entered, time that is turned waits, as it does for ``invoke``."""
        return self._clock.work()

    async def choose(self, function: FunctionReference) -> FunctionReference:
        """The version that this invocation of a weighted alias is to run; any other reference stays as it is."""
        alias = await self.facts.alias(function)
        version = None if alias is None else alias.draw(self._chance.random())
        return function if version is None else replace(function, qualifier=version)

    async def has_room(self, function: FunctionReference) -> bool:
        """Whether its reserved concurrency, or the account's, leaves room for one more."""
        return await self.concurrency.has_room(function)

    async def run(self, function: FunctionReference, send: Send, *, newest_record: float | None = None) -> Invocation:
        """Carry out one invocation that ``send`` makes, if there is concurrency for it.

        Raises:
            Exception: Whatever ``send`` raises.
        """
        began, started = self._clock.now(), time.perf_counter()
        duration, logged, machine = 0.0, False, Machine()
        slot = await self.concurrency.enter(function)
        if isinstance(slot, str):
            invocation, in_flight = replace(REFUSED, payload=throttled(slot)), InFlight()
        else:
            in_flight = slot.in_flight
            try:
                invocation = await self._deaths.befall(function, read_answer(await send()))
            finally:
                slot.leave()
            duration = time.perf_counter() - started
            machine = await self.facts.machine(function)
            logged = await self.logs.settle(function, invocation.log)
        finished = Finished(
            function=function,
            invocation=invocation,
            began=began,
            duration_ms=duration * 1000,
            in_flight=in_flight,
            iterator_age_ms=None if newest_record is None else max(0.0, began - newest_record) * 1000,
            logged=logged,
            machine=machine,
        )
        for watcher in self._watchers:
            watcher(finished)
        return invocation

    def _end(self, task: asyncio.Task[Invocation]) -> None:
        """Let go of an invocation whose caller may have given up on it: nobody else would look at its exception."""
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()
