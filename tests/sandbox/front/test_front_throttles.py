"""Throttles: of an account, of a stage and of a route, on a clock that is turned."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from click.testing import CliRunner
from websockets.asyncio.client import connect as connect_async
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from sandbox.__main__ import main
from sandbox.aws import ACCOUNT
from sandbox.client import RunningSandbox
from sandbox.clock import Clock
from sandbox.front.api_model import ApiSnapshot, Served, Stage
from sandbox.front.throttle import Throttle
from sandbox.quotas import Quotas, read_quotas
from tests.support.front import TurnableFront, turnable_front
from tests.support.sandbox import Aws, Socket, eventually

WHO = 'print("called")\nreturn {"statusCode": 200, "body": event["requestContext"]["connectionId"]}'
CALL = '{"action": "call"}'
SLOW = {"ThrottlingRateLimit": 0.001, "ThrottlingBurstLimit": 2}
NONE = {"ThrottlingRateLimit": 0.0, "ThrottlingBurstLimit": 0}
PLENTY = {"ThrottlingRateLimit": 100.0, "ThrottlingBurstLimit": 100}


class StillClock(Clock):
    """A clock that stands still."""

    seconds = 0.0

    def now(self) -> float:
        """What it was set to."""
        return self.seconds


def ask(client: ClientConnection, text: str) -> str:
    """The error that a message is answered with; empty when the function answered."""
    client.send(text)
    answer = str(client.recv(timeout=20))
    return str(json.loads(answer)["message"]) if answer.startswith("{") else ""


def settle(aws: Aws, socket: Socket, **settings: Any) -> None:
    """Change a stage's settings, without a deployment."""
    aws.gateway.update_stage(ApiId=socket.api_id, StageName=socket.stage, **settings)


@pytest.fixture
def socket(aws: Aws) -> Socket:
    """An API with two routes."""
    function = aws.function(WHO)
    return aws.web_socket({"$default": function, "call": function})


def test_messages_beyond_the_stages_burst_are_too_many(aws: Aws, socket: Socket) -> None:
    """The client reads AWS's frame for each message over the limit, and the socket stays."""
    settle(aws, socket, DefaultRouteSettings=SLOW)
    with connect(socket.url) as client:
        assert [ask(client, "{}") for _ in range(2)] == ["", ""]
        client.send("{}")
        frame = json.loads(client.recv(timeout=20))
    assert frame["message"] == "Too Many Requests"
    assert sorted(frame) == ["connectionId", "message", "requestId"]


def test_each_route_has_a_bucket_of_its_own(aws: Aws, socket: Socket) -> None:
    """The default settings hold for every route separately, and a route's own settings go before them."""
    settle(aws, socket, DefaultRouteSettings=SLOW, RouteSettings={"call": PLENTY})
    with connect(socket.url) as client:
        assert [ask(client, "{}") for _ in range(3)] == ["", "", "Too Many Requests"]
        assert [ask(client, CALL) for _ in range(3)] == ["", "", ""]


def test_throttles_of_zero_refuse_everybody(aws: Aws, socket: Socket) -> None:
    """A stage that was left at 0 answers 429 to every handshake; a burst does not help a rate of 0."""
    for nothing in (NONE, {**NONE, "ThrottlingBurstLimit": 5}, {**NONE, "ThrottlingRateLimit": 5.0}):
        settle(aws, socket, DefaultRouteSettings=nothing)
        with pytest.raises(InvalidStatus) as caught, connect(socket.url):
            pass
        assert caught.value.response.status_code == 429
        assert b"Too Many Requests" in (caught.value.response.body or b"")


def test_settings_of_a_stage_are_live_at_once(aws: Aws, socket: Socket) -> None:
    """An open socket meets a throttle as soon as the stage has it, without a deployment, and is free again after it."""
    with connect(socket.url) as client:
        assert ask(client, "{}") == ""
        settle(aws, socket, RouteSettings={"$default": NONE})
        assert ask(client, "{}") == "Too Many Requests"
        settle(aws, socket, RouteSettings={"$default": PLENTY})
        assert ask(client, "{}") == ""


def test_throttled_goodbye_is_lost(aws: Aws) -> None:
    """$disconnect is best effort: where its route may not be taken, nobody hears of a closed socket."""
    goodbye = aws.function("record(event)")
    socket = aws.web_socket({"$default": aws.function(WHO), "$disconnect": goodbye})
    settle(aws, socket, RouteSettings={"$disconnect": {**SLOW, "ThrottlingBurstLimit": 1}})
    with connect(socket.url) as first:
        names = [_name_of(first)]
    eventually(goodbye.events)
    with connect(socket.url) as second:
        _name_of(second)
    settle(aws, socket, RouteSettings={"$disconnect": PLENTY})
    with connect(socket.url) as third:
        names.append(_name_of(third))
    events = eventually(goodbye.events, lambda events: len(events) == 2)
    assert [event["requestContext"]["connectionId"] for event in events] == names


def _name_of(client: ClientConnection) -> str:
    client.send("{}")
    return str(client.recv(timeout=20))


def test_settings_about_logging_do_not_throttle(aws: Aws, socket: Socket) -> None:
    """A throttle that is not there is none."""
    settle(aws, socket, DefaultRouteSettings={"DetailedMetricsEnabled": True})
    with connect(socket.url) as client:
        assert ask(client, "{}") == ""


def test_what_route_settings_leave_out_is_as_the_stage_has_it(aws: Aws, socket: Socket) -> None:
    """Settings of a route that are about metrics, or about one of the two throttles, do not lift the stage's."""
    plain = [
        ({"DetailedMetricsEnabled": True}, ["", "", "Too Many Requests"]),
        ({"ThrottlingBurstLimit": 1}, ["", "Too Many Requests", "Too Many Requests"]),
        ({"ThrottlingRateLimit": 0.002}, ["", "", "Too Many Requests"]),
    ]
    for settings, answers in plain:
        settle(aws, socket, DefaultRouteSettings=PLENTY, RouteSettings={"call": PLENTY})
        with connect(socket.url) as client:
            settle(aws, socket, DefaultRouteSettings=SLOW, RouteSettings={"call": settings})
            assert [ask(client, CALL) for _ in range(3)] == answers


def served(region: str) -> Served:
    """What a stage without settings serves."""
    return Served(ApiSnapshot("api", ACCOUNT, region, ""), Stage("test", False, None, {}))


def test_an_account_opens_500_sockets_per_second_and_region() -> None:
    """The 501st at once is refused; a tenth of a second later there is room for fifty; each Region counts alone."""
    clock = StillClock()
    throttle = Throttle(clock, Quotas())

    def opened(region: str) -> int:
        return sum(throttle.admit_connection(served(region)) for _ in range(600))

    assert [opened("us-east-1"), opened("eu-west-1")] == [500, 500]
    clock.seconds += 0.1
    assert opened("us-east-1") == 50


def test_an_account_makes_10000_requests_per_second_with_a_burst_of_5000() -> None:
    """The bucket holds 5,000 and gains 10,000 per second, and never holds more."""
    clock = StillClock()
    throttle = Throttle(clock, Quotas())

    def made() -> int:
        return sum(throttle.admit(served("us-east-1"), "$default") for _ in range(6000))

    assert made() == 5000
    clock.seconds += 0.25
    assert made() == 2500
    clock.seconds += 60
    assert made() == 5000


def play(sandbox: RunningSandbox, quotas: Quotas, script: Callable[[TurnableFront], Awaitable[None]]) -> None:
    """Run a script on a front with other quotas."""

    async def run() -> None:
        async with turnable_front(sandbox.record.emulator_endpoint, quotas) as front:
            await script(front)

    asyncio.run(run())


async def status_of(url: str) -> int:
    """The HTTP status of a handshake."""
    try:
        async with connect_async(url):
            return 101
    except InvalidStatus as error:
        return error.response.status_code


def test_too_many_handshakes_get_429_until_time_has_passed(sandbox: RunningSandbox, tmp_path: Path) -> None:
    """The rate of new connections is the account's, over all its APIs in one Region, and can be set."""

    async def script(front: TurnableFront) -> None:
        aws = Aws(front.endpoint, tmp_path)
        one, two = [await asyncio.to_thread(aws.web_socket, {}) for _ in range(2)]
        assert [await status_of(one.url), await status_of(two.url)] == [101, 429]
        front.clock.advance(1000)
        assert await status_of(two.url) == 101

    play(sandbox, Quotas(connect_rate=0.001), script)


def test_handshakes_messages_and_posts_share_one_bucket(sandbox: RunningSandbox, tmp_path: Path) -> None:
    """With the account's tokens used up by a socket's opening, its message and a post, all three are refused."""

    async def script(front: TurnableFront) -> None:
        aws = Aws(front.endpoint, tmp_path)
        socket = await asyncio.to_thread(lambda: aws.web_socket({"$default": aws.function(WHO)}))
        management = aws.management(socket)
        async with connect_async(socket.url) as client:

            async def ask_again() -> str:
                await client.send("{}")
                return str(await asyncio.wait_for(client.recv(), 20))

            async def post() -> None:
                await asyncio.to_thread(management.post_to_connection, ConnectionId=name, Data=b"x")

            name = await ask_again()
            await post()
            assert await asyncio.wait_for(client.recv(), 20) == "x"
            with pytest.raises(management.exceptions.LimitExceededException) as caught:
                await post()
            assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 429
            assert json.loads(await ask_again())["message"] == "Too Many Requests"
            assert await status_of(socket.url) == 429
            front.clock.advance(300)
            assert await ask_again() == name
            await post()

    play(sandbox, Quotas(request_rate=0.01, request_burst=3), script)


def test_get_and_delete_are_throttled_as_posts_are(sandbox: RunningSandbox, tmp_path: Path) -> None:
    """Every call of ``@connections`` counts, whatever it finds."""

    async def script(front: TurnableFront) -> None:
        aws = Aws(front.endpoint, tmp_path)
        management = aws.management(await asyncio.to_thread(aws.web_socket, {}))
        codes = []
        calls = (management.get_connection, management.get_connection, management.delete_connection)
        for call, name in zip(calls, ("malformed", "AAAABBBBCCCCDDD=", "AAAABBBBCCCCDDD="), strict=True):
            with pytest.raises(ClientError) as caught:
                await asyncio.to_thread(call, ConnectionId=name)
            codes.append(caught.value.response["Error"]["Code"])
        assert codes == ["BadRequestException", "GoneException", "LimitExceededException"]

    play(sandbox, Quotas(request_rate=0.001, request_burst=2), script)


@pytest.mark.parametrize(
    ("word", "text"),
    [
        (
            "connect=5",
            "No quota is called 'connect'; these can be set: connect-rate, request-rate, control-rate, concurrent-",
        ),
        ("connect-rate=many", "Quota connect-rate must be a number of requests per second above 0"),
        ("request-rate=0", "Quota request-rate must be a number of requests per second above 0"),
    ],
)
def test_serve_refuses_a_quota_that_it_cannot_read(tmp_path: Path, word: str, text: str) -> None:
    """The sandbox does not start, and says what to write."""
    result = CliRunner().invoke(main, ["serve", "--no-pulumi", "--root", str(tmp_path), "--quota", word])
    assert result.exit_code == 1
    assert text in result.output


def test_quotas_are_read_by_their_names() -> None:
    """A whole number or a fraction; what is not named stays as AWS has it."""
    assert read_quotas(["connect-rate=1000", "request-rate=2.5"]) == Quotas(connect_rate=1000, request_rate=2.5)
    assert read_quotas([]) == Quotas(connect_rate=500, request_rate=10_000, request_burst=5_000)
