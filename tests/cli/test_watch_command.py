"""``trebuche watch`` against an endpoint that drops, repeats and reorders."""

import json
import signal
import subprocess
import sys
from typing import Any

import pytest

from cli.main import main

STREAM = "C41F7A92-0E5D-4B36-9F8A-6D2E13B7A450"


def _watcher(*words: str) -> subprocess.Popen[str]:
    program = f"import sys; from cli.main import main; sys.exit(main({['watch', 'todos', *words]!r}))"
    command = [sys.executable, "-c", program]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _sequences(text: str) -> list[int]:
    return [json.loads(line)["sequence"] for line in text.splitlines()]


def test_states_are_printed_as_they_come(serving: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Each value is one line for programs: number, time and state."""

    async def streaming(peer: Any) -> None:
        await peer.start_stream(await peer.receive(), STREAM)
        await peer.state(STREAM, 1, {"todos": []})
        await peer.state(STREAM, 2, {"todos": [{"title": "Milk"}]})
        await peer.until_closed()

    endpoint = serving(streaming)
    assert main(["watch", "todos", "--json", "--count", "2", "--endpoint", endpoint.url]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        {"sequence": 1, "timestamp": "2026-03-04T09:15:00Z", "state": {"todos": []}},
        {"sequence": 2, "timestamp": "2026-03-04T09:15:00Z", "state": {"todos": [{"title": "Milk"}]}},
    ]
    frame = endpoint.received[0]
    assert frame["action"] == "todos"
    assert frame["payload"]["targetIdentifier"] == "observeState"


def test_people_see_number_and_state(serving: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Without --json the state is indented below its number."""

    async def streaming(peer: Any) -> None:
        await peer.start_stream(await peer.receive(), STREAM)
        await peer.state(STREAM, 7, ["ada"])
        await peer.until_closed()

    command = ["watch", "game", "--property", "players", "--count", "1", "--endpoint", serving(streaming).url]
    assert main(command) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("#7  ")
    assert '[\n  "ada"\n]' in printed


def test_reader_who_stops_unsubscribes(serving: Any) -> None:
    """A watch that has seen enough ends its stream at the server."""

    async def streaming(peer: Any) -> None:
        await peer.start_stream(await peer.receive(), STREAM)
        await peer.state(STREAM, 1, {})
        await peer.until_closed()

    endpoint = serving(streaming)
    main(["watch", "todos", "--count", "1", "--endpoint", endpoint.url])
    endpoint.wait_for(2)
    assert endpoint.received[1]["type"] == "streamEnd"
    assert endpoint.received[1]["payload"] == {"streamID": STREAM, "reason": "clientUnsubscribed"}


def test_drop_is_followed_by_a_resume(serving: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """After a drop the stream goes on where it was, says so, and shows no number twice."""

    async def dropping(peer: Any) -> None:
        await peer.start_stream(await peer.receive(), STREAM)
        await peer.state(STREAM, 1, {})
        await peer.state(STREAM, 2, {})
        await peer.drop()

    async def resuming(peer: Any) -> None:
        await peer.start_stream(await peer.receive(), STREAM, recovered=True, upTo=3)
        for sequence in (2, 3, 4):
            await peer.state(STREAM, sequence, {})
        await peer.until_closed()

    endpoint = serving(dropping, resuming)
    assert main(["watch", "todos", "--json", "--count", "4", "--endpoint", endpoint.url]) == 0
    printed = capsys.readouterr()
    assert _sequences(printed.out) == [1, 2, 3, 4]
    assert "Connection lost" in printed.err
    assert "every change that was missed follows" in printed.err
    resume = endpoint.received[1]
    assert resume["type"] == "streamResume"
    assert resume["payload"]["streamID"] == STREAM
    assert resume["payload"]["lastSequence"] == 2
    assert resume["action"] == "todos"


def test_snapshot_after_a_drop_is_said(serving: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """When the server cannot replay, the reader learns that changes in between are not shown."""

    async def dropping(peer: Any) -> None:
        await peer.start_stream(await peer.receive(), STREAM)
        await peer.state(STREAM, 1, {})
        await peer.drop()

    async def snapshot(peer: Any) -> None:
        await peer.start_stream(await peer.receive(), STREAM, recovered=False)
        await peer.state(STREAM, 400, {})
        await peer.until_closed()

    endpoint = serving(dropping, snapshot)
    assert main(["watch", "todos", "--json", "--count", "2", "--endpoint", endpoint.url]) == 0
    printed = capsys.readouterr()
    assert _sequences(printed.out) == [1, 400]
    assert "snapshot" in printed.err


def test_drop_before_the_stream_started_opens_it_anew(serving: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a stream there is nothing to resume: the observation is asked for again."""

    async def dropping(peer: Any) -> None:
        await peer.receive()
        await peer.drop()

    async def streaming(peer: Any) -> None:
        await peer.start_stream(await peer.receive(), STREAM)
        await peer.state(STREAM, 1, {})
        await peer.until_closed()

    endpoint = serving(dropping, streaming)
    assert main(["watch", "todos", "--json", "--count", "1", "--endpoint", endpoint.url]) == 0
    assert _sequences(capsys.readouterr().out) == [1]
    assert [frame["type"] for frame in endpoint.received[:2]] == ["invocation", "invocation"]


def test_gap_is_asked_for_again(serving: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """A missing number is resumed on the same socket, and the early frame waits."""

    async def gapping(peer: Any) -> None:
        await peer.start_stream(await peer.receive(), STREAM)
        await peer.state(STREAM, 1, {})
        await peer.state(STREAM, 3, {})
        await peer.start_stream(await peer.receive(), STREAM, recovered=True, upTo=3)
        await peer.state(STREAM, 2, {})
        await peer.state(STREAM, 3, {})
        await peer.until_closed()

    assert main(["watch", "todos", "--json", "--count", "3", "--endpoint", serving(gapping).url]) == 0
    assert _sequences(capsys.readouterr().out) == [1, 2, 3]


def test_stream_error_fails_the_watch(serving: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """A property that is not there is the server's text and exit code 1."""

    async def refusing(peer: Any) -> None:
        await peer.start_stream(await peer.receive(), STREAM)
        await peer.send("streamError", streamID=STREAM, errorMessage="No property 'score'", code="actor")
        await peer.until_closed()

    endpoint = serving(refusing)
    assert main(["watch", "todos", "--property", "score", "--endpoint", endpoint.url]) == 1
    assert "No property 'score' [actor]" in capsys.readouterr().err


def test_stream_end_ends_the_watch(serving: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """A stream that the server ends is no failure; its reason is told."""

    async def ending(peer: Any) -> None:
        await peer.start_stream(await peer.receive(), STREAM)
        await peer.send("streamEnd", streamID=STREAM, reason="actorTerminated")
        await peer.until_closed()

    assert main(["watch", "todos", "--endpoint", serving(ending).url]) == 0
    assert "actorTerminated" in capsys.readouterr().err


def test_ctrl_c_ends_a_watch_quietly(serving: Any) -> None:
    """An interrupted watch unsubscribes, prints nothing more and ends with 130."""

    async def streaming(peer: Any) -> None:
        await peer.start_stream(await peer.receive(), STREAM)
        await peer.state(STREAM, 1, {})
        await peer.until_closed()

    endpoint = serving(streaming)
    program = (
        f"import sys; from cli.main import main; sys.exit(main(['watch', 'todos', '--endpoint', {endpoint.url!r}]))"
    )
    watcher = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with watcher:
        assert watcher.stdout is not None
        assert watcher.stdout.readline().startswith("#1")
        watcher.send_signal(signal.SIGINT)
        _, errors = watcher.communicate(timeout=60)
    assert watcher.returncode == 130
    assert errors == ""
    endpoint.wait_for(2)
    assert endpoint.received[1]["type"] == "streamEnd"


def test_reader_of_the_pipe_may_leave(serving: Any) -> None:
    """``trebuche watch | head -1`` ends without a stack."""

    async def streaming(peer: Any) -> None:
        await peer.start_stream(await peer.receive(), STREAM)
        for sequence in range(1, 200):
            await peer.state(STREAM, sequence, {"filler": "x" * 1_000})
        await peer.until_closed()

    endpoint = serving(streaming)
    words = ["watch", "todos", "--json", "--endpoint", endpoint.url]
    program = f"import sys; from cli.main import main; sys.exit(main({words!r}))"
    watcher = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with watcher:
        assert watcher.stdout is not None
        watcher.stdout.readline()
        watcher.stdout.close()
        watcher.wait(60)
        assert watcher.stderr is not None
        assert "Traceback" not in watcher.stderr.read()
