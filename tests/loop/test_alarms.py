"""Every alarm of the program, driven to ALARM by its fault on the deployed program, and silent without one."""

import asyncio
import contextlib
import io
import json
import uuid
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from sandbox.handle import Handle
from tests.loop.conftest import Aws, Deployed, Local
from tests.loop.late import live_row, until_left_to_a_worker
from tests.loop.peer import Peer
from tests.loop.workshop import Workshop, eventually

STACK = "alarms"
PERIOD = 300
OVER = 12
"""More than ten errors in a period."""
STREAM_PROCESSOR, SOCKETS, ACTOR = "stream-processor", "websocket", "actor-todo-list"
BROKEN = "def {name}(event, context):\n    print('broken')\n    raise RuntimeError('broken')\n"


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

    @contextlib.contextmanager
    def broken(self, role: str) -> Iterator[None]:
        """A function that is replaced by one that fails."""
        name, functions = self.function(role), self.aws.functions
        before = functions.get_alias(FunctionName=name, Name="live")["FunctionVersion"]
        module, handler = functions.get_function_configuration(FunctionName=name)["Handler"].rsplit(".", 1)
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as content:
            content.writestr(f"{module}.py", BROKEN.format(name=handler))
        failing = functions.update_function_code(FunctionName=name, ZipFile=archive.getvalue(), Publish=True)
        functions.update_alias(FunctionName=name, Name="live", FunctionVersion=failing["Version"])
        try:
            yield
        finally:
            functions.update_alias(FunctionName=name, Name="live", FunctionVersion=before)

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

        async def scenario() -> None:
            async with Peer.at(self.deployed.endpoint) as peer:
                answer = asyncio.create_task(peer.call(self.called[-1], "addTodo", "Buy milk"))
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


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """The program as it is shipped, in a sandbox of its own: its clock is turned by hours."""
    workshop = Workshop.create(tmp_path_factory.mktemp("alarms") / "a checkout")
    workshop.trebuche("sandbox", "start")
    try:
        environment = json.loads(workshop.trebuche("sandbox", "env", "--json").stdout)["set"]
        local = Local(workshop, environment, Aws(environment))
        local.pulumi("stack", "init", STACK, "--no-select")
        local.pulumi("up", "--yes", "--skip-preview", "--non-interactive", "--stack", STACK)
        outputs = json.loads(local.pulumi("stack", "output", "--json", "--stack", STACK).stdout)
        yield Watched(Deployed(local, outputs["wss_endpoint"], outputs), Handle(environment["AWS_ENDPOINT_URL"]))
    finally:
        workshop.trebuche("sandbox", "stop")


@pytest.fixture(autouse=True)
def calm(watched: Watched) -> None:
    """Every test begins when nothing is wrong any more."""
    queue = watched.aws.queues.get_queue_url(QueueName=watched.ended_by("-depth").removesuffix("-depth"))["QueueUrl"]

    def quiet() -> bool:
        watched.aws.queues.purge_queue(QueueUrl=queue)
        watched.pass_time(5 * PERIOD)
        return set(watched.states.values()) == {"OK"}

    eventually(quiet, what="quiet")


def test_no_alarm_without_a_fault(watched: Watched) -> None:
    """Clients that call and watch for a while raise none of the alarms, and each has something to look at."""
    for _ in range(3):
        watched.watch_one()
        watched.pass_time(PERIOD)
    assert set(watched.states.values()) == {"OK"}
    assert len(watched.states) == 2 * len(watched.roles) + 4 + sum(role.startswith("actor-") for role in watched.roles)


@pytest.mark.parametrize("role", [SOCKETS, ACTOR])
def test_failing_functions_raise_errors_and_integration_errors(watched: Watched, role: str) -> None:
    """A function that always fails is seen on itself and on the API; the other functions' alarms stay quiet."""

    def fault() -> None:
        for _ in range(OVER):
            watched.call()

    api = watched.ended_by("-integration-errors")
    with watched.broken(role):
        watched.until_alarm(watched.alarm(role, "errors"), fault)
    raised = {name for name, state in watched.states.items() if state == "ALARM"}
    assert raised == {watched.alarm(role, "errors"), api}


def test_a_failing_stream_processor_raises_errors_and_its_queue_fills(watched: Watched) -> None:
    """Batches fail until they are given up; what was given up waits in the queue."""

    def fault() -> None:
        for _ in range(OVER):
            watched.call()
        eventually(enough_errors, what="errors of the stream processor")

    def enough_errors() -> bool:
        watched.pass_time(1)
        return watched.processor("Errors", "Sum") > OVER

    with watched.broken(STREAM_PROCESSOR):
        watched.until_alarm(watched.alarm(STREAM_PROCESSOR, "errors"), fault)
        depth = watched.ended_by("-depth")

        def filled() -> bool:
            watched.pass_time(60)
            return watched.states[depth] == "ALARM"

        eventually(filled, what="a message in the queue")
    watched.catch_up()


def test_functions_without_concurrency_raise_throttles(watched: Watched) -> None:
    """One refused invocation is enough, and each function has an alarm of its own."""
    for role in watched.roles:
        alarm = watched.alarm(role, "throttles")
        assert watched.states[alarm] == "OK"
        with watched.held_up(role), contextlib.suppress(watched.aws.functions.exceptions.TooManyRequestsException):
            watched.aws.functions.invoke(FunctionName=f"{watched.function(role)}:live", Payload=b"{}")
        watched.pass_time(60)
        assert watched.states[alarm] == "ALARM"


def test_a_stream_that_waits_raises_the_iterator_age(watched: Watched) -> None:
    """A stream processor that is not run lets changes grow old, and more than a minute is too old."""
    alarm = watched.alarm(STREAM_PROCESSOR, "iterator-age")

    def raised() -> bool:
        watched.pass_time(20)
        return watched.states[alarm] == "ALARM"

    with watched.held_up(STREAM_PROCESSOR):
        began = watched.sandbox.clock.now()
        watched.call()
        eventually(raised, what="the alarm")
        assert watched.sandbox.clock.now() - began > 60
    watched.catch_up()


def test_late_subscribers_whose_worker_fails_raise_the_age_of_their_queue(watched: Watched) -> None:
    """A subscriber that takes nothing is left to a worker; reminders of it that nobody can work off grow old."""
    alarm = watched.ended_by("-catch-up-todos-age")

    def grow_old() -> None:
        with watched.broken(ACTOR):
            watched.pass_time(4 * 60)
            assert watched.states[alarm] == "OK"
            eventually(raised, what="the alarm")

    def raised() -> bool:
        watched.pass_time(20)
        return watched.states[alarm] == "ALARM"

    async def scenario() -> None:
        async with Peer.at(watched.deployed.endpoint) as peer:
            todos = f"todos/{uuid.uuid4().hex}"
            stream = await peer.observe(todos)
            await asyncio.to_thread(live_row, watched.deployed, todos, stream)
            with watched.sandbox.faults.during("post-throttled"):
                await peer.call(todos, "addTodo", "Buy milk")
                await asyncio.to_thread(until_left_to_a_worker, watched.deployed, todos, stream)
                await asyncio.to_thread(grow_old)

    asyncio.run(scenario())
    assert {name for name, state in watched.states.items() if state == "ALARM"} == {alarm}


def test_late_deliveries_raise_the_delivery_lag(watched: Watched) -> None:
    """Changes that reach their subscribers ten seconds after they were made are noticed."""

    async def scenario() -> None:
        async with Peer.at(watched.deployed.endpoint) as peer:
            todos = f"todos/{uuid.uuid4().hex}"
            stream = await peer.observe(todos)
            await peer.call(todos, "addTodo", "Buy milk")
            await stream.until(2)
            await asyncio.to_thread(write_late, todos)
            await stream.until(3)

    def write_late(todos: str) -> None:
        made = int((watched.sandbox.clock.now() - 10) * 1000)
        watched.aws.dynamodb.update_item(
            TableName=watched.deployed.outputs["state_table"],
            Key={"actorId": {"S": todos}},
            UpdateExpression="SET updatedAt = :made ADD version :one",
            ExpressionAttributeValues={":made": {"N": str(made)}, ":one": {"N": "1"}},
        )

    watched.until_alarm(watched.alarm(STREAM_PROCESSOR, "delivery-lag"), lambda: asyncio.run(scenario()))
