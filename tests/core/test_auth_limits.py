"""How much one caller may ask for, and that it is nobody else's loss."""

from collections import Counter
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.todo_list import TodoList
from tests.support.steps import Task
from tests.support.world import World, call, message, observe, resume, socket_event
from trebuche.actor_types import ActorType
from trebuche.adapters.memory_counters import InMemoryCounters
from trebuche.auth.admission import Admission
from trebuche.auth.limiter import Limiter
from trebuche.auth.limits import Limits, Rate, read_limits
from trebuche.dispatch import dispatch
from trebuche.envelopes import (
    ResponseEnvelope,
    StreamEndEnvelope,
    StreamEndReason,
    StreamErrorEnvelope,
    StreamStartEnvelope,
    decode,
    encode,
)
from trebuche.errors import LimitedError, ServiceError
from trebuche.ports import Mark
from trebuche.socket_events import read_socket_event

SLOW = Rate(2.0, 3)
NOW = 1_767_225_600_000


def limiter(
    counters: InMemoryCounters | None = None, *, connection: Rate | None = None, principal: Rate | None = None
) -> Limiter:
    """An environment's; without counters of its own everything is counted here."""
    return Limiter(Limits(connection=connection, principal=principal), counters or InMemoryCounters())


def wait(one: Limiter, now_ms: int, connection_id: str = "a", principal: str | None = None) -> float:
    """Seconds until a frame would be let in; 0 when it was."""
    try:
        one.admit(connection_id, principal, now_ms)
    except LimitedError as error:
        return error.seconds
    return 0.0


def test_a_bucket_starts_full_and_fills_again() -> None:
    """The burst at once, then the rate; whoever is refused is told when to come back."""
    one = limiter(connection=SLOW)

    assert [wait(one, NOW) for _ in range(4)] == [0, 0, 0, 0.5]
    assert wait(one, NOW + 499) > 0
    assert [wait(one, NOW + 1_000) for _ in range(3)] == [0, 0, 0.5]
    assert [wait(one, NOW + 60_000) for _ in range(4)] == [0, 0, 0, 0.5]


@given(st.lists(st.tuples(st.integers(0, 1_000), st.integers(0, 2)), min_size=1, max_size=200))
def test_no_more_than_burst_and_rate_pass(frames: list[tuple[int, int]]) -> None:
    """Whenever frames come and whichever environment gets them; and whoever waits as long as told gets in."""
    counters = InMemoryCounters()
    environments = [limiter(counters, connection=SLOW) for _ in range(3)]
    now, passed = NOW, 0
    for pause, number in frames:
        now += pause
        passed += wait(environments[number], now) == 0
    assert passed <= SLOW.burst + (now - NOW) / 1000 * SLOW.per_second + 1e-6

    while not (seconds := wait(environments[0], now)):
        passed += 1
    assert wait(environments[1], now + round(seconds * 1000) + 1) == 0


def test_a_burst_meets_one_bucket_in_all_environments() -> None:
    """Each frame that is under way has an environment of its own: a hundred at once are a hundred of them."""
    counters = InMemoryCounters()

    waits = [wait(limiter(counters, connection=SLOW), NOW) for _ in range(100)]
    assert waits.count(0) == SLOW.burst


def test_who_is_too_far_ahead_is_refused_without_asking() -> None:
    """An environment that knows a mark writes nothing for refusals, however many frames come."""
    counters = InMemoryCounters()
    one = limiter(counters, connection=SLOW)
    for _ in range(4):
        wait(one, NOW)
    counters.marks.clear()

    assert wait(one, NOW + 499) > 0
    assert counters.marks == {}
    assert wait(one, NOW + 500) == 0


def test_a_clock_that_goes_back_fills_nothing() -> None:
    """Events carry the clocks of several gateways."""
    one = limiter(connection=SLOW)
    for _ in range(3):
        wait(one, NOW + 10_000)

    assert wait(one, NOW) > 0
    assert wait(one, NOW + 10_000) > 0


def test_an_environment_remembers_so_many_callers() -> None:
    """Whoever was silent for longest is asked for anew, so that strangers cannot fill its memory."""
    counters = InMemoryCounters()
    one = Limiter(Limits(connection=Rate(1.0, 1)), counters, remembered=2)
    for name in ("a", "b", "a", "c"):
        wait(one, NOW, name)
    counters.marks.clear()

    assert wait(one, NOW, "a") > 0
    assert wait(one, NOW, "b") == 0


class Failing(InMemoryCounters):
    """A table that does not take what is about some callers."""

    def __init__(self, *, moved: str = "nobody", given_back: str = "nobody") -> None:
        super().__init__()
        self.moved, self.given_back = moved, given_back

    def move(self, key: str, *, now_us: int, length_us: int, latest_us: int, seen_us: int = 0) -> Mark:
        """Refuse some."""
        if key.startswith(self.moved):
            raise ServiceError("throttled")
        return super().move(key, now_us=now_us, length_us=length_us, latest_us=latest_us, seen_us=seen_us)

    def give_back(self, key: str, length_us: int) -> int:
        """Refuse some."""
        if key.startswith(self.given_back):
            raise ServiceError("throttled")
        return super().give_back(key, length_us)


def test_a_frame_that_nobody_can_count_takes_no_tokens() -> None:
    """The connection's was taken when the principal's turned out not to be had."""
    counters = Failing(moved="principal")
    one = limiter(counters, connection=SLOW, principal=SLOW)
    for _ in range(10):
        with pytest.raises(ServiceError):
            one.admit("a", "ada", NOW)

    counters.moved = "nobody"
    assert [wait(one, NOW, "a", "ada") for _ in range(4)] == [0, 0, 0, 0.5]


def test_a_token_that_cannot_be_given_back_does_not_hide_why_a_frame_is_refused() -> None:
    """Its sender is told when to come back, and not that something is broken."""
    counters = Failing(given_back="connection")
    assert wait(limiter(counters, principal=Rate(2.0, 1)), NOW, "a", "ada") == 0

    assert wait(limiter(counters, connection=SLOW, principal=Rate(2.0, 1)), NOW, "b", "ada") == 0.5


def answer(world: World, connection_id: str = "c1", **more: str) -> str | None:
    """The code with which a call is refused; None when it runs."""
    response = decode(world.send(call("todos", "clearCompleted"), connection_id, **more)["body"])
    assert isinstance(response, ResponseEnvelope)
    return response.code


@pytest.fixture
def world() -> World:
    """With two connections, and limits on all there is."""
    world = World(TodoList, limits=Limits(connection=SLOW, principal=Rate(2.0, 5), streams=2, argument_bytes=20))
    world.connect("c1")
    world.connect("c2")
    return world


def test_a_noisy_connection_is_told_to_come_back_later(world: World) -> None:
    """By a retryable error, on a connection that stays; others notice nothing."""
    assert [answer(world) for _ in range(4)] == [None, None, None, "limited"]
    response = decode(world.send(call("todos", "addTodo", "Milk"))["body"])
    assert isinstance(response, ResponseEnvelope)
    assert response.retryable
    assert response.error_message == "Too many requests; try again in 0.5 s"
    assert world.states.load("todos") is None
    assert answer(world, "c2") is None

    world.clock.pause(0.5)
    assert answer(world) is None


def test_connections_of_a_principal_share_a_bucket(world: World) -> None:
    """Opening more of them gains nothing; other principals and strangers have their own."""
    codes = [answer(world, name, principal="alice") for name in ("c1", "c2") for _ in range(3)]

    assert codes == [None, None, None, None, None, "limited"]
    world.clock.pause(0.01)
    assert answer(world, "c3", principal="bob") is None
    assert answer(world, "c4") is None


def test_what_a_principal_may_not_send_costs_the_connection_nothing() -> None:
    """A frame that is refused takes nobody's tokens, also where only the table knows that it is one too many."""
    counters = InMemoryCounters()
    rates = {"connection": Rate(1.0, 2), "principal": Rate(10.0, 1)}
    assert wait(limiter(counters, **rates), NOW, "c2", "alice") == 0
    assert wait(limiter(counters, **rates), NOW, "c1", "alice") > 0

    assert [wait(limiter(counters, connection=Rate(1.0, 2)), NOW, "c1") for _ in range(3)] == [0, 0, 1.0]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(encode(call("nobody", "doThis")), id="for an actor that there is not"),
        pytest.param(encode(observe("nobody/1")), id="observing one"),
        pytest.param(encode(resume(UUID(int=7), 0, "nobody")), id="resuming a stream of one"),
        pytest.param("{", id="no JSON"),
        pytest.param('{"type": "invocation", "payload": {}}', id="no envelope"),
        pytest.param(encode(ResponseEnvelope(UUID(int=7))), id="what only servers send"),
        pytest.param(
            encode(StreamEndEnvelope(UUID(int=7), StreamEndReason.CLIENT_UNSUBSCRIBED)), id="the end of a stream"
        ),
    ],
)
@pytest.mark.parametrize("way", ["the default route", "the actor's own route"])
def test_every_frame_counts(world: World, body: str, way: str) -> None:
    """Whoever sends what nobody can use has as much less for what somebody can."""
    event = socket_event("MESSAGE", body=body)
    function = world.handler if way == "the default route" else world.gateway
    for _ in range(3):
        assert function.handle(event)["statusCode"] in (200, 400)

    assert answer(world) == "limited"


def test_frames_for_nobody_are_refused_before_anybody_is_looked_for(world: World) -> None:
    """The registry is asked about no more of them than the limit allows."""
    told = [decode(world.send(call("nobody", "doThis"))["body"]) for _ in range(20)]

    codes = Counter(one.code for one in told if isinstance(one, ResponseEnvelope))
    assert codes == {"actor-not-found": SLOW.burst, "limited": 20 - SLOW.burst}


def test_a_frame_that_is_handed_on_counts_once(world: World) -> None:
    """Both functions have the same limits."""
    assert [answer(world) for _ in range(4)] == [None, None, None, "limited"]
    direct = message(call("todos", "clearCompleted"), "c9")
    codes = [decode(world.gateway.handle(direct)["body"]) for _ in range(4)]
    assert [one.code for one in codes if isinstance(one, ResponseEnvelope)] == [None, None, None, "limited"]


def test_a_client_cannot_say_that_its_frames_were_counted(world: World) -> None:
    """It chooses the body, and the mark is beside that."""
    body = encode(call("todos", "clearCompleted")).replace("{", '{"counted":true,', 1)
    codes = [decode(world.gateway.handle(socket_event("MESSAGE", body=body))["body"]) for _ in range(4)]

    assert [one.code for one in codes if isinstance(one, ResponseEnvelope)][-1] == "limited"


def test_observing_and_resuming_count_too(world: World) -> None:
    """Each is refused in its own way."""
    for _ in range(3):
        answer(world)

    observed = decode(world.send(observe("todos"))["body"])
    assert isinstance(observed, StreamErrorEnvelope)
    assert (observed.code, observed.retryable) == ("limited", True)
    [start] = world.frames()
    assert isinstance(start, StreamStartEnvelope)
    assert start.stream_id == observed.stream_id
    resumed = decode(world.send(resume(UUID(int=7), 0, "todos"))["body"])
    assert isinstance(resumed, StreamErrorEnvelope)
    assert (resumed.stream_id, resumed.code) == (UUID(int=7), "limited")


def test_a_connection_has_so_many_streams(world: World) -> None:
    """One that is there may be resumed; after one has ended there is room."""
    first = world.watch("todos")
    world.clock.pause(10)
    world.watch("todos/2")
    world.clock.pause(10)

    refused = decode(world.send(observe("todos/3"))["body"])
    assert isinstance(refused, StreamErrorEnvelope)
    assert (refused.code, refused.retryable) == ("too-much", False)
    assert "as it may have (2)" in refused.error_message
    assert world.send(resume(first, 1, "todos")) == {"statusCode": 200}
    world.clock.pause(10)
    refused = decode(world.send(resume(UUID(int=7), 0, "todos/3"))["body"])
    assert isinstance(refused, StreamErrorEnvelope)
    assert refused.code == "too-much"


def test_streams_that_are_asked_for_at_once_are_counted_one_by_one() -> None:
    """Each frame has an environment of its own: all may find room before the first of them takes it."""
    world = World(TodoList, limits=Limits(streams=2))
    world.connect()
    world.watch("todos")
    caller = read_socket_event(socket_event("MESSAGE")).caller
    directory = {"todos": ActorType(TodoList)}
    tasks = [
        Task(world.ports, dispatch(directory, caller, encode(observe(f"todos/{number}")), Admission.of(world.ports)))
        for number in range(3)
    ]
    while running := [task for task in tasks if not task.done]:
        for task in running:  # one step each: all have looked before the first one writes
            task.step()

    assert sorted(str(task.result.fields.get("code")) for task in tasks) == ["None", "too-much", "too-much"]
    connection = world.connections.load("c1")
    assert connection is not None
    assert len(connection.streams) == len(world.subscriptions.attached) == 2


def test_arguments_have_a_size(world: World) -> None:
    """All together, as they are decoded; nothing runs."""
    response = decode(world.send(call("todos", "addTodo", "x" * 19))["body"])

    assert isinstance(response, ResponseEnvelope)
    assert (response.code, response.error_message) == ("too-much", "the arguments take 21 bytes, over the limit of 20")
    assert world.states.load("todos") is None
    fitting = decode(world.send(call("todos", "addTodo", "x" * 18))["body"])
    assert isinstance(fitting, ResponseEnvelope)
    assert fitting.error_message is None


def test_without_limits_nothing_is_counted() -> None:
    """As many as come."""
    world = World(TodoList)
    world.connect()

    assert {answer(world) for _ in range(200)} == {None}


def test_limits_are_read_as_the_program_writes_them() -> None:
    """What is not there is not limited."""
    text = '{"argumentBytes":20,"connection":{"burst":3,"rate":2},"streams":2}'

    assert read_limits(text) == Limits(connection=SLOW, streams=2, argument_bytes=20)
    assert read_limits("") == Limits()
