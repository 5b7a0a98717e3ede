"""Every alarm of the program, driven to ALARM by its fault on the deployed program, and silent without one."""

import asyncio
import contextlib
import json
import uuid
from collections.abc import Iterator

import pytest

from sandbox.handle import Handle
from tests.loop.conftest import Aws, Deployed, Local
from tests.loop.late import live_row, until_left_to_a_worker
from tests.loop.peer import Peer
from tests.loop.watched import OVER, PERIOD, STREAM_PROCESSOR, Watched
from tests.loop.workshop import Workshop, eventually

STACK = "alarms"
SOCKETS = "websocket"
ACTORS = {
    "actor-todo-list": ("todos", "addTodo", "Buy milk"),
    "actor-game-room": ("game", "join", "Ann"),
}
"""By role of its function: an actor's name, and a call that changes it."""
THROTTLES = "-write-throttles"
FAILING = (SOCKETS, *ACTORS)
"""Functions that clients' calls run through."""

RESERVED, SET_ASIDE = "actor-game-room", 5
"""A function with environments of its own."""
NEARLY_ENDED = {"actor-todo-list": 24.5, "actor-game-room": 24.5, SOCKETS: 24.5, STREAM_PROCESSOR: 48.5}
"""Seconds, more than four fifths of what each function has."""


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """The program as it is shipped, in a sandbox of its own: its clock is turned by hours."""
    workshop = Workshop.create(tmp_path_factory.mktemp("alarms") / "a checkout")
    workshop.trebuche("sandbox", "start")
    try:
        environment = json.loads(workshop.trebuche("sandbox", "env", "--json").stdout)["set"]
        local = Local(workshop, environment, Aws(environment))
        local.pulumi("stack", "init", STACK, "--no-select")
        reserved = json.dumps({RESERVED: SET_ASIDE})
        local.pulumi("config", "set", "trebuche:reservedConcurrency", reserved, "--stack", STACK)
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


def test_each_alarm_of_the_program_has_a_fault_here(watched: Watched) -> None:
    """A new function, queue or alarm needs a test below, which produces what it is for."""
    of_functions = {
        watched.alarm(role, what)
        for role in (*FAILING, STREAM_PROCESSOR)
        for what in ("errors", "throttles", "duration")
    } | {watched.alarm(RESERVED, "concurrency")}
    of_the_stream = {watched.alarm(STREAM_PROCESSOR, what) for what in ("iterator-age", "delivery-lag")}
    of_the_rest = {watched.ended_by(ending) for ending in ("-integration-errors", "-execution-errors", "-depth")}
    of_tables = {f"{table}{THROTTLES}" for table in watched.aws.dynamodb.list_tables()["TableNames"]}
    of_workers = {watched.ended_by(f"-catch-up-{name}-age") for name, _, _ in ACTORS.values()}
    assert set(watched.states) == of_functions | of_the_stream | of_the_rest | of_tables | of_workers


@pytest.mark.parametrize("role", FAILING)
def test_failing_functions_raise_errors_and_integration_errors(watched: Watched, role: str) -> None:
    """A function that always fails is seen on itself and on the API; the other functions' alarms stay quiet."""
    name, method, argument = ACTORS.get(role, ACTORS["actor-todo-list"])

    def fault() -> None:
        for _ in range(OVER):
            watched.ask(f"{name}/{uuid.uuid4().hex}", method, argument)

    of_the_api = {watched.ended_by(ending) for ending in ("-integration-errors", "-execution-errors")}
    with watched.broken(role):
        watched.until_alarm(watched.alarm(role, "errors"), fault)
    raised = {name for name, state in watched.states.items() if state == "ALARM"}
    assert raised == {watched.alarm(role, "errors"), *of_the_api}


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


def test_a_function_that_cannot_be_called_raises_execution_errors(watched: Watched) -> None:
    """Once is enough; answers that are no use are too few for the other alarm of the API."""
    alarm = watched.ended_by("-execution-errors")
    with watched.held_up(SOCKETS):
        watched.ask(f"todos/{uuid.uuid4().hex}", "addTodo", "Buy milk")
    watched.pass_time(60)
    assert watched.states[alarm] == "ALARM"
    assert watched.states[watched.ended_by("-integration-errors")] == "OK"


def test_functions_that_nearly_run_out_of_time_raise_their_duration(watched: Watched) -> None:
    """In two periods: what is slow once is not yet in trouble."""
    of_durations = [watched.alarm(role, "duration") for role in NEARLY_ENDED]
    with contextlib.ExitStack() as slow:
        for role in NEARLY_ENDED:
            slow.enter_context(watched.slow(role))
        watched.next_period(PERIOD)
        for states in ({"OK"}, {"ALARM"}):
            watched.invoke_at_once(NEARLY_ENDED)
            watched.next_period(PERIOD)
            assert {watched.states[alarm] for alarm in of_durations} == states


def test_environments_that_are_nearly_all_at_work_raise_the_concurrency(watched: Watched) -> None:
    """Those that are set aside for a function; nothing has been refused yet."""
    alarm = watched.alarm(RESERVED, "concurrency")
    with watched.slow(RESERVED):
        watched.invoke_at_once({RESERVED: 0}, SET_ASIDE - 1)
        watched.pass_time(60)
        assert watched.states[alarm] == "OK"
        watched.invoke_at_once({RESERVED: 5}, SET_ASIDE)
        watched.pass_time(60)
    assert watched.states[alarm] == "ALARM"
    assert watched.states[watched.alarm(RESERVED, "throttles")] == "OK"


def test_throttled_tables_raise_their_write_throttles(watched: Watched) -> None:
    """One refused write is enough, and each table has an alarm of its own."""
    for alarm in [name for name in watched.states if name.endswith(THROTTLES)]:
        assert watched.states[alarm] == "OK"
        table = alarm.removesuffix(THROTTLES)
        refused = pytest.raises(watched.aws.dynamodb.exceptions.ProvisionedThroughputExceededException)
        with watched.sandbox.faults.during("throttled-table", table=table), refused:
            watched.aws.dynamodb.put_item(TableName=table, Item={})
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


@pytest.mark.parametrize("role", ACTORS)
def test_late_subscribers_whose_worker_fails_raise_the_age_of_their_queue(watched: Watched, role: str) -> None:
    """A subscriber that takes nothing is left to a worker; reminders of it that nobody can work off grow old."""
    name, method, argument = ACTORS[role]
    alarm = watched.ended_by(f"-catch-up-{name}-age")

    def grow_old() -> None:
        with watched.broken(role):
            watched.pass_time(4 * 60)
            assert watched.states[alarm] == "OK"
            eventually(raised, what="the alarm")

    def raised() -> bool:
        watched.pass_time(20)
        return watched.states[alarm] == "ALARM"

    async def scenario() -> None:
        async with Peer.at(watched.deployed.endpoint) as peer:
            actor = f"{name}/{uuid.uuid4().hex}"
            stream = await peer.observe(actor)
            await asyncio.to_thread(live_row, watched.deployed, actor, stream)
            with watched.sandbox.faults.during("post-throttled"):
                await peer.call(actor, method, argument)
                await asyncio.to_thread(until_left_to_a_worker, watched.deployed, actor, stream)
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
