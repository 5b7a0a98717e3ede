"""The clock of a running sandbox: over HTTP, by the handle, and on the command line."""

import json
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from cli.main import main
from sandbox.client import RunningSandbox
from sandbox.errors import SandboxError
from sandbox.handle import Handle
from tests.support.sandbox import Aws, eventually

Capture = pytest.CaptureFixture[str]
HERE = 'record(event)\nreturn {"statusCode": 200, "body": event["requestContext"]["connectionId"]}'

WRITE = """
import boto3
item = {"actorId": {"S": "a"}, "entry": {"S": "b"}}
boto3.client("dynamodb").put_item(TableName=event["table"], Item=item)
"""


def test_the_clock_is_real_time_plus_what_it_was_turned_by(handle: Handle) -> None:
    """Turning adds exactly the duration to the offset."""
    before = handle.clock.offset()
    handle.clock.advance("1h30m")
    assert handle.clock.offset() - before == 5400
    assert abs(handle.clock.now() - time.time() - handle.clock.offset()) < 60


def closed_with(client: ClientConnection) -> int | None:
    """The code that the server closes with."""
    with pytest.raises(ConnectionClosed) as caught:
        client.recv(timeout=20)
    return caught.value.rcvd.code if caught.value.rcvd else None


def test_a_turn_closes_a_silent_socket_and_stamps_events_with_the_turned_time(
    handle: Handle, turned: RunningSandbox, tmp_path: Path
) -> None:
    """The ten idle minutes pass at once; the client sees 1001, and $disconnect a time of the turned clock."""
    aws = Aws(turned.record.aws_endpoint, tmp_path)
    function = aws.function(HERE)
    socket = aws.web_socket({"$default": function, "$disconnect": function})
    with connect(socket.url) as client:
        client.send("{}")
        assert client.recv(timeout=20)
        handle.clock.advance("10m")
        assert closed_with(client) == 1001
    message, goodbye = eventually(function.events, lambda events: len(events) == 2)
    times = [event["requestContext"]["requestTimeEpoch"] for event in (message, goodbye)]
    assert times[1] - times[0] >= 600_000


def test_signatures_keep_real_time(handle: Handle, turned: RunningSandbox, tmp_path: Path) -> None:
    """A client and a function sign with their own clocks, however far the sandbox's was turned."""
    aws = Aws(turned.record.aws_endpoint, tmp_path)
    handle.clock.advance("1d")
    table, _ = aws.table()
    answer = aws.functions.invoke(FunctionName=aws.function(WRITE).name, Payload=json.dumps({"table": table}).encode())
    assert json.load(answer["Payload"]) is None
    assert aws.dynamodb.scan(TableName=table)["Count"] == 1


def test_functions_reach_aws_at_the_same_address_as_everybody(turned: RunningSandbox, tmp_path: Path) -> None:
    """What the front does to requests, it does to those of functions, too."""
    aws = Aws(turned.record.aws_endpoint, tmp_path)
    function = aws.function('import os\nreturn os.environ["AWS_ENDPOINT_URL"]')
    answer = aws.functions.invoke(FunctionName=function.name, Payload=b"{}")
    assert json.load(answer["Payload"]) == turned.record.aws_endpoint


@pytest.mark.parametrize("seconds", [-1, True, "2h", None, 1e12])
def test_what_is_no_forward_turn_is_refused_by_name(turned: RunningSandbox, seconds: object) -> None:
    """400, with the value in the text; the clock stays."""
    request = urllib.request.Request(
        f"{turned.record.aws_endpoint}/_sandbox/clock", json.dumps({"seconds": seconds}).encode(), method="POST"
    )
    before = Handle(turned.record.aws_endpoint).clock.offset()
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=20)
    assert caught.value.code == 400
    assert json.load(caught.value)["message"].startswith("seconds is ")
    assert Handle(turned.record.aws_endpoint).clock.offset() == before


def test_a_handle_on_nothing_says_so() -> None:
    """Port 9 discards; no sandbox listens there."""
    with pytest.raises(SandboxError, match="No sandbox answers at"):
        Handle("http://127.0.0.1:9").clock.now()


def test_the_command_line_shows_and_turns_the_clock(handle: Handle, turned: RunningSandbox, capsys: Capture) -> None:
    """`clock` shows it, `clock advance` turns it, both also for programs."""
    at = turned.record.aws_endpoint
    before = handle.clock.offset()
    assert main(["sandbox", "clock", "advance", "2h", "--json", "--at", at]) == 0
    assert json.loads(capsys.readouterr().out)["offset"] - before == 7200
    assert main(["sandbox", "clock", "--json", "--at", at]) == 0
    assert json.loads(capsys.readouterr().out)["offset"] - before == 7200
    assert main(["sandbox", "clock", "--at", at]) == 0
    assert "ahead of real time" in capsys.readouterr().out


def test_the_command_line_names_a_bad_duration(turned: RunningSandbox, capsys: Capture) -> None:
    """One sentence with what was typed, and exit code 1."""
    assert main(["sandbox", "clock", "advance", "soon", "--at", turned.record.aws_endpoint]) == 1
    assert "'soon' is no duration" in capsys.readouterr().err


def test_the_command_line_lists_sets_and_clears_faults(turned: RunningSandbox, handle: Handle, capsys: Capture) -> None:
    """`faults` says what there is and what is on; `set` and `clear` switch."""
    at = ["--at", turned.record.aws_endpoint]
    assert main(["sandbox", "faults", "set", "post-hang", "api=none", "seconds=5", "--rate", "0.5", *at]) == 0
    assert main(["sandbox", "faults", "--json", *at]) == 0
    [one] = [fault for fault in json.loads(capsys.readouterr().out)["faults"] if fault["set"]]
    assert (one["name"], one["set"]["rate"], one["set"]["filters"]) == ("post-hang", 0.5, {"api": "none"})
    assert one["set"]["parameters"] == {"seconds": 5}
    assert main(["sandbox", "faults", *at]) == 0
    assert "post-hang          on " in capsys.readouterr().out
    assert main(["sandbox", "faults", "clear", *at]) == 0
    assert not any(fault["set"] for fault in handle.faults.describe())


def test_the_command_line_names_a_bad_setting(turned: RunningSandbox, capsys: Capture) -> None:
    """What is no KEY=VALUE is wrong usage; what the fault does not take is refused by the sandbox."""
    at = ["--at", turned.record.aws_endpoint]
    assert main(["sandbox", "faults", "set", "post-gone", "api", *at]) == 2
    assert "'api' is no KEY=VALUE" in capsys.readouterr().err
    assert main(["sandbox", "faults", "set", "post-gone", "table=x", *at]) == 1
    assert "post-gone takes no 'table'" in capsys.readouterr().err
