"""A deployed program and its alarms, in a sandbox whose clock is turned."""

import asyncio
import contextlib
import io
import json
import uuid
import zipfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from websockets.exceptions import InvalidStatus

from sandbox.handle import Handle
from tests.loop.conftest import Aws, Deployed
from tests.loop.peer import Peer

PERIOD = 300
OVER = 12
"""More than ten errors in a period."""
STREAM_PROCESSOR = "stream-processor"
BROKEN = "print('broken')\n    raise RuntimeError('broken')"
SLOW = "import time\n    print('slow')\n    time.sleep(event['seconds'])"
HANDLER = "def {name}(event, context):\n    {body}\n"


@dataclass(frozen=True)
class Watched:
    """The deployed program, in a sandbox whose clock is turned."""

    deployed: Deployed
    sandbox: Handle
    called: list[str] = field(default_factory=list)

    @property
    def aws(self) -> Aws:
        """boto3 clients of the sandbox."""
        return self.deployed.aws

    @property
    def states(self) -> dict[str, str]:
        """All alarms."""
        return {alarm["AlarmName"]: alarm["StateValue"] for alarm in self.aws.alarms.describe_alarms()["MetricAlarms"]}

    def alarm(self, role: str, what: str) -> str:
        """The name of a function's alarm."""
        return f"{self.function(role)}-{what}"

    def ended_by(self, ending: str) -> str:
        """The one alarm whose name ends so."""
        [name] = [name for name in self.states if name.endswith(ending)]
        return name

    @cached_property
    def roles(self) -> list[str]:
        """What the stack's functions do."""
        return sorted(self.deployed.outputs["functions"])

    def function(self, role: str) -> str:
        """The name of the function that plays a role."""
        return str(self.deployed.outputs["functions"][role]).split(":function:")[1].split(":")[0]

    def pass_time(self, seconds: float) -> None:
        """Turn the clock."""
        self.sandbox.clock.advance(seconds)

    def next_period(self, period: int) -> None:
        """Turn the clock to the beginning of the next period, as alarms count them."""
        self.pass_time(period - self.sandbox.clock.now() % period + 1)

    def processor(self, metric: str, statistic: str, period: int = PERIOD) -> float:
        """A metric of the stream processor since the present period began; 0 without values."""
        now = self.sandbox.clock.now()
        watch: Any = self.aws.alarms
        answer = watch.get_metric_statistics(
            Namespace="AWS/Lambda",
            MetricName=metric,
            Dimensions=[{"Name": "FunctionName", "Value": self.function(STREAM_PROCESSOR)}],
            StartTime=datetime.fromtimestamp(now - now % period, UTC),
            EndTime=datetime.fromtimestamp(now + 60, UTC),
            Period=period,
            Statistics=[statistic],
        )
        return max((float(point[statistic]) for point in answer["Datapoints"]), default=0.0)

    def broken(self, role: str) -> AbstractContextManager[None]:
        """A function that is replaced by one that fails."""
        return self.replaced(role, BROKEN)

    def slow(self, role: str) -> AbstractContextManager[None]:
        """A function that is replaced by one that takes the seconds which its event names."""
        return self.replaced(role, SLOW)

    @contextlib.contextmanager
    def replaced(self, role: str, body: str) -> Iterator[None]:
        """A function that is replaced by another one, with this body."""
        name, functions = self.function(role), self.aws.functions
        before = functions.get_alias(FunctionName=name, Name="live")["FunctionVersion"]
        module, handler = functions.get_function_configuration(FunctionName=name)["Handler"].rsplit(".", 1)
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as content:
            content.writestr(f"{module}.py", HANDLER.format(name=handler, body=body))
        other = functions.update_function_code(FunctionName=name, ZipFile=archive.getvalue(), Publish=True)
        functions.update_alias(FunctionName=name, Name="live", FunctionVersion=other["Version"])
        try:
            yield
        finally:
            functions.update_alias(FunctionName=name, Name="live", FunctionVersion=before)

    def invoke_at_once(self, seconds: Mapping[str, float], times: int = 1) -> None:
        """Invoke slow functions, by role with how long they take, so many times each, and wait for all of them."""
        with ThreadPoolExecutor(times * len(seconds)) as pool:
            for role, duration in times * [*seconds.items()]:
                payload = json.dumps({"seconds": duration})
                pool.submit(self.aws.functions.invoke, FunctionName=f"{self.function(role)}:live", Payload=payload)

    @contextlib.contextmanager
    def held_up(self, role: str) -> Iterator[None]:
        """A function without concurrency."""
        name = self.function(role)
        self.aws.functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
        try:
            yield
        finally:
            self.aws.functions.delete_function_concurrency(FunctionName=name)

    def call(self) -> None:
        """A client that adds something to a new list, whatever comes of it."""
        self.called.append(f"todos/{uuid.uuid4().hex}")
        self.ask(self.called[-1], "addTodo", "Buy milk")

    def ask(self, actor: str, method: str, argument: str) -> None:
        """A client that calls an actor, whatever comes of it."""

        async def scenario() -> None:
            async with Peer.at(self.deployed.endpoint) as peer:
                answer = asyncio.create_task(peer.call(actor, method, argument))
                error = asyncio.create_task(peer.frames.get())
                _, waiting = await asyncio.wait({answer, error}, return_when=asyncio.FIRST_COMPLETED)
                for task in waiting:
                    task.cancel()

        with contextlib.suppress(InvalidStatus):
            asyncio.run(scenario())

    def watch_one(self) -> None:
        """A client that watches a list, while another one adds to it."""

        async def scenario() -> None:
            async with Peer.at(self.deployed.endpoint) as peer:
                todos = f"todos/{uuid.uuid4().hex}"
                stream = await peer.observe(todos)
                await peer.call(todos, "addTodo", "Buy milk")
                await stream.until(2)

        asyncio.run(scenario())

    def catch_up(self) -> None:
        """Wait until the changes of all lists that were called are delivered: a list's changes keep their order."""

        async def scenario() -> None:
            async with Peer.at(self.deployed.endpoint) as peer:
                for todos in self.called:
                    stream = await peer.observe(todos)
                    await peer.call(todos, "addTodo", "The last one")
                    await stream.until(2)

        asyncio.run(scenario())
        self.called.clear()

    def until_alarm(self, name: str, fault: Callable[[], object], period: int = PERIOD) -> None:
        """Produce a fault in each of an alarm's two periods; nothing may change before the second one is over."""
        self.next_period(period)
        for _ in range(2):
            assert self.states[name] == "OK"
            fault()
            self.next_period(period)
        assert self.states[name] == "ALARM"
