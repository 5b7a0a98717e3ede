"""``trebuche call`` against an endpoint that speaks the wire format."""

import json
import socket
import threading
from collections.abc import Callable
from typing import Any

import pytest
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve

from cli.main import main


def _answering(**answer: object) -> Callable[[Any], Any]:
    async def script(peer: Any) -> None:
        frame = await peer.receive()
        await peer.send("response", callID=frame["payload"]["callID"], **answer)
        await peer.until_closed()

    return script


def test_result_is_printed_as_json(serving: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """The result reaches standard output, and nothing else does."""
    endpoint = serving(_answering(result="eyJ0aXRsZSI6Ik1pbGsifQ=="))
    assert main(["call", "todos", "addTodo", '"Milk"', "--endpoint", endpoint.url]) == 0
    assert json.loads(capsys.readouterr().out) == {"title": "Milk"}


def test_invocation_travels_as_the_wire_format_wants_it(serving: Any) -> None:
    """A call carries protocol version 2, upper-case ids, base64 JSON arguments and the exposed name as action."""
    endpoint = serving(_answering(result=""))
    main(["call", "todos/kitchen", "move", '"ada"', "1", "--endpoint", endpoint.url])
    frame = endpoint.received[0]
    payload = frame["payload"]
    assert frame["action"] == "todos"
    assert frame["type"] == "invocation"
    assert payload["actorID"] == {"id": "todos/kitchen"}
    assert payload["protocolVersion"] == 2
    assert payload["genericSubstitutions"] == []
    assert payload["arguments"] == ["ImFkYSI=", "MQ=="]
    assert payload["callID"] == payload["callID"].upper()


def test_method_without_result_says_done(serving: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is printed for programs when there is nothing to print."""
    endpoint = serving(_answering(result=""))
    assert main(["call", "todos", "removeTodo", '"1"', "--endpoint", endpoint.url]) == 0
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "done" in printed.err


def test_error_is_told_with_its_code(serving: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """A refused call prints the actor's text on standard error and fails."""
    endpoint = serving(_answering(errorMessage="Todo '7' not found", code="refused"))
    assert main(["call", "todos", "toggleTodo", '"7"', "--endpoint", endpoint.url]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "Todo '7' not found [refused]" in printed.err


def test_error_is_a_document_for_programs(serving: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """With --json a failure is one document on standard output."""
    endpoint = serving(_answering(errorMessage="busy", code="conflict", retryable=True))
    assert main(["call", "todos", "clearCompleted", "--json", "--endpoint", endpoint.url]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["error"] == {"message": "busy [conflict]", "code": "conflict", "retryable": True}
    assert document["callID"] == endpoint.received[0]["payload"]["callID"]


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["todos", "addTodo", "Milk"], "Argument 1 is not JSON"),
        (["todos", "observeState"], "opens a stream"),
        (["todos", "addTodo", "--endpoint", "ftp://x"], "is no WebSocket address"),
    ],
)
def test_call_that_cannot_be_made_is_a_document_too(
    capsys: pytest.CaptureFixture[str], words: list[str], text: str
) -> None:
    """A program finds one document on standard output whatever happens."""
    assert main(["call", *words, "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert len(document["callID"]) == 36
    assert text in document["error"].pop("message")
    assert document["error"] == {"code": "command", "retryable": False}


def test_drop_before_the_answer_sends_the_same_call_again(serving: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """A call whose connection breaks is repeated under its callID, so that it takes effect once."""

    async def dropping(peer: Any) -> None:
        await peer.receive()
        await peer.drop()

    endpoint = serving(dropping, dropping, _answering(result="Mg=="))
    assert main(["call", "todos", "clearCompleted", "--endpoint", endpoint.url]) == 0
    assert capsys.readouterr().out.strip() == "2"
    assert len({frame["payload"]["callID"] for frame in endpoint.received}) == 1
    assert len(endpoint.received) == 3


def test_foreign_frames_are_ignored(serving: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Frames that are none of ours, and answers to other calls, do not disturb a call."""

    async def noisy(peer: Any) -> None:
        frame = await peer.receive()
        await peer.send_text("not json")
        await peer.send_text('{"type":"news","payload":{}}')
        await peer.send("response", callID="5B0C6E1A-93D7-4F28-8E41-2A7C90D1F6B3", result="OTk=")
        await peer.send("response", callID=frame["payload"]["callID"], result="MQ==")
        await peer.until_closed()

    assert main(["call", "todos", "clearCompleted", "--endpoint", serving(noisy).url]) == 0
    assert capsys.readouterr().out.strip() == "1"


def test_gateway_error_document_ends_the_call(serving: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """The gateway's own error, again and again, names its request instead of leaving the caller to wait."""

    async def failing(peer: Any) -> None:
        while await peer.receive():
            await peer.send_text('{"message":"Internal server error","connectionId":"c","requestId":"r-1"}')

    assert main(["call", "todos", "clearCompleted", "--endpoint", serving(failing).url]) == 1
    assert "Internal server error (request r-1)" in capsys.readouterr().err


def test_silence_is_told_with_the_call_id(serving: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """When no answer comes in time, the text says that the call may still take effect."""

    async def silent(peer: Any) -> None:
        await peer.until_closed()

    endpoint = serving(silent)
    assert main(["call", "todos", "clearCompleted", "--timeout", "0.3", "--endpoint", endpoint.url]) == 1
    message = capsys.readouterr().err
    assert "No answer within 0.3 s" in message
    assert "may still take effect" in message


def test_nobody_listening_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    """A refused connection names the address and what to check."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"ws://127.0.0.1:{unused.getsockname()[1]}/stage"
        assert main(["call", "todos", "clearCompleted", "--endpoint", url]) == 1
    assert f"Nothing answers at {url}" in capsys.readouterr().err


def test_refusal_names_the_address_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    """So that it can be copied."""

    def refuse(connection: ServerConnection, _request: Request) -> Response:
        return connection.respond(403, "")

    with serve(lambda connection: connection.close(), "127.0.0.1", 0, process_request=refuse) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"ws://127.0.0.1:{server.socket.getsockname()[1]}/stage"
        code = main(["call", "todos", "clearCompleted", "--endpoint", url])
        server.shutdown()

    assert code == 1
    assert f"✗ {url} refuses the connection with HTTP 403." in capsys.readouterr().err


def test_proxy_variables_do_not_reach_loopback(serving: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Loopback is dialled directly whatever proxy the environment names."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert main(["call", "todos", "clearCompleted", "--endpoint", serving(_answering(result="MQ==")).url]) == 0


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["todos", "addTodo", "Buy milk"], """Argument 1 is not JSON: 'Buy milk'"""),
        (["todos", "addTodo", "Buy milk"], """'"Buy milk"'"""),
        (["game", "move", '"ada"', "NaN", "0"], "Argument 2 is not JSON"),
        (["", "addTodo"], "cannot be an actor's id"),
        (["todos", "add todo"], "cannot be a method's name"),
        (["todos", "observeState"], "trebuche watch"),
    ],
)
def test_bad_words_are_refused_before_anything_is_sent(
    words: list[str], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Names and arguments that cannot travel are one sentence that shows the mend."""
    assert main(["call", *words, "--endpoint", "ws://127.0.0.1:9/stage"]) == 1
    assert text in capsys.readouterr().err


def test_endpoint_that_is_no_address_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """The message shows what an endpoint looks like."""
    assert main(["call", "todos", "clearCompleted", "--endpoint", "127.0.0.1:8080"]) == 1
    assert "is no WebSocket address" in capsys.readouterr().err


def test_wrong_usage_ends_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    """A missing word is a usage error."""
    assert main(["call", "todos"]) == 2
    assert "METHOD" in capsys.readouterr().err


def test_long_message_travels_in_frames_that_the_gateway_takes(serving: Any) -> None:
    """API Gateway closes on frames over 32 KB, also where the characters are long ones."""
    sizes: list[int] = []

    async def script(peer: Any) -> None:
        frames = await peer.frames()
        sizes.extend(len(frame.encode()) for frame in frames)
        call_id = json.loads("".join(frames))["payload"]["callID"]
        await peer.send("response", callID=call_id, result="")
        await peer.until_closed()

    endpoint = serving(script)

    assert main(["call", "todos", "addTodo", json.dumps("€" * 20_000), "--endpoint", endpoint.url]) == 0
    assert len(sizes) > 1
    assert max(sizes) <= 32_768


def test_message_over_the_limit_is_not_sent(serving: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """The limit and the size are told, and no time is spent on trying."""
    endpoint = serving(_answering(result=""))

    assert main(["call", "todos", "addTodo", json.dumps("x" * 131_072), "--endpoint", endpoint.url]) == 1
    assert "131,072 at the most" in capsys.readouterr().err
    assert endpoint.received == []


@pytest.mark.parametrize("code", [1003, 1009])
def test_message_that_the_gateway_refuses_is_not_sent_again(
    serving: Any, capsys: pytest.CaptureFixture[str], code: int
) -> None:
    """A close that the message itself caused is final, and its code is told."""

    async def script(peer: Any) -> None:
        await peer.receive()
        await peer.close(code)

    endpoint = serving(script)

    assert main(["call", "todos", "addTodo", '"Milk"', "--endpoint", endpoint.url]) == 1
    assert f"closed with code {code}" in capsys.readouterr().err
    assert len(endpoint.received) == 1
