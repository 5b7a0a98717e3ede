"""How much one caller may ask for, and that it is nobody else's loss."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.todo_list import TodoList
from tests.support.world import World, call, observe, resume
from trebuche.auth.limits import Buckets, Limiter, Limits, Rate, read_limits
from trebuche.envelopes import ResponseEnvelope, StreamErrorEnvelope, StreamStartEnvelope, decode
from trebuche.errors import LimitedError

SLOW = Rate(2.0, 3)


def test_a_bucket_starts_full_and_fills_again() -> None:
    """The burst at once, then the rate; whoever is refused is told when to come back."""
    buckets = Buckets(SLOW)

    assert [buckets.take("a", 0) for _ in range(4)] == [0, 0, 0, 0.5]
    assert buckets.take("a", 499) > 0
    assert [buckets.take("a", 1_000) for _ in range(3)] == [0, 0, 0.5]
    assert [buckets.take("a", 60_000) for _ in range(4)] == [0, 0, 0, 0.5]


@given(st.lists(st.integers(0, 1_000), min_size=1, max_size=200))
def test_no_more_than_burst_and_rate_pass(pauses: list[int]) -> None:
    """Whenever frames come, and whoever waits as long as told gets in."""
    buckets, now, passed = Buckets(SLOW), 0, 0
    for pause in pauses:
        now += pause
        passed += buckets.take("a", now) == 0
    assert passed <= SLOW.burst + now / 1000 * SLOW.per_second + 1e-6

    while not (wait := buckets.take("a", now)):
        passed += 1
    assert buckets.take("a", now + int(wait * 1000) + 1) == 0


def test_a_clock_that_goes_back_fills_nothing() -> None:
    """Events carry the clocks of several gateways."""
    buckets = Buckets(SLOW)
    for _ in range(3):
        buckets.take("a", 10_000)

    assert buckets.take("a", 0) > 0
    assert buckets.take("a", 10_000) > 0


def test_an_environment_remembers_so_many_callers() -> None:
    """Whoever was silent for longest is forgotten, so that strangers cannot fill its memory."""
    buckets = Buckets(Rate(1.0, 1), keys=2)
    for key in ("a", "b", "a", "c"):
        buckets.take(key, 0)

    assert buckets.take("a", 0) > 0
    assert buckets.take("b", 0) == 0


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
    """A frame that is refused takes nobody's tokens."""
    limiter = Limiter(Limits(connection=Rate(1.0, 2), principal=Rate(10.0, 1)))
    limiter.admit("c1", "alice", 0)
    with pytest.raises(LimitedError):
        limiter.admit("c1", "alice", 0)

    limiter.admit("c1", "alice", 100)


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
    assert "may have 2" in refused.error_message
    assert world.send(resume(first, 1, "todos")) == {"statusCode": 200}
    world.clock.pause(10)
    refused = decode(world.send(resume(UUID(int=7), 0, "todos/3"))["body"])
    assert isinstance(refused, StreamErrorEnvelope)
    assert refused.code == "too-much"


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
