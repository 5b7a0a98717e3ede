"""The Python client against an endpoint that does as it is told: drops, silence, handovers, refusals."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from typing import Any

import pytest

from tests.clients.python.quick import QUICK, answer, options
from tests.support.endpoint import from_data
from trebuche_client import (
    CallFailedError,
    CallTimeoutError,
    ClientClosedError,
    ConnectionState,
    EndpointError,
    MessageTooLargeError,
    Observation,
    SlowReaderError,
    StateChange,
    StreamFailedError,
    TrebuchetClient,
)
from trebuche_client.clock import SystemClock

STREAM = "2C8A1F60-4B7D-4E93-9D15-6A0E3F7B8C24"
OTHER = "91D4E7B2-0C36-4A58-8F1E-D25B7A9C4036"


async def read_all(observation: Observation[Any], seen: list[Any], after_each: Callable[[], Any] | None = None) -> None:
    """Read a stream until it ends."""
    async for value in observation:
        seen.append(value)
        if after_each is not None:
            await after_each()


def test_call_by_its_python_name_returns_a_value(serving: Any) -> None:
    """``add_todo`` travels as ``addTodo`` with its action; the result comes back as plain JSON, however large."""

    async def script(peer: Any) -> None:
        frame = await peer.receive()
        await answer(peer, frame, {"title": from_data(frame["payload"]["arguments"][0]), "id": 2**63 + 1})
        await peer.until_closed()

    endpoint = serving(script)

    async def go() -> Any:
        async with TrebuchetClient(endpoint.url) as client:
            return await client.resolve("todos/home").add_todo("Milk")

    assert asyncio.run(go()) == {"title": "Milk", "id": 2**63 + 1}
    assert endpoint.received[0]["action"] == "todos"
    assert endpoint.received[0]["payload"]["targetIdentifier"] == "addTodo"
    assert endpoint.received[0]["payload"]["actorID"] == {"id": "todos/home"}


def test_call_is_repeated_under_its_id_after_a_drop(serving: Any) -> None:
    """A call whose socket dies is sent again on the next one, as the same call."""

    async def dropping(peer: Any) -> None:
        await peer.receive()
        await peer.drop()

    async def answering(peer: Any) -> None:
        await answer(peer, await peer.receive(), 7)
        await peer.until_closed()

    endpoint = serving(dropping, answering)

    async def go() -> Any:
        async with TrebuchetClient(endpoint.url, options=options()) as client:
            return await client.resolve("counter").add(1)

    assert asyncio.run(go()) == 7
    first, second = (frame["payload"]["callID"] for frame in endpoint.received)
    assert first == second


def test_error_that_may_pass_is_asked_again(serving: Any) -> None:
    """A retryable refusal is repeated under the same callID; a final one reaches the caller with its code."""

    async def script(peer: Any) -> None:
        frame = await peer.receive()
        call_id = frame["payload"]["callID"]
        await peer.send("response", callID=call_id, errorMessage="busy", code="conflict", retryable=True)
        await answer(peer, await peer.receive(), 1)
        call_id = (await peer.receive())["payload"]["callID"]
        await peer.send("response", callID=call_id, errorMessage="too much", code="refused")
        await peer.until_closed()

    endpoint = serving(script)

    async def go() -> tuple[Any, CallFailedError]:
        async with TrebuchetClient(endpoint.url, options=options()) as client:
            counter = client.resolve("counter")
            value = await counter.add(1)
            with pytest.raises(CallFailedError, match="too much") as refused:
                await counter.add(1_000)
            return value, refused.value

    value, refused = asyncio.run(go())
    assert (value, refused.code, refused.retryable) == (1, "refused", False)
    assert endpoint.received[0]["payload"]["callID"] == endpoint.received[1]["payload"]["callID"]


def test_call_without_answer_times_out_with_its_id(serving: Any) -> None:
    """Who gives up learns under which callID the call may still take effect."""

    async def silent(peer: Any) -> None:
        await peer.until_closed()

    endpoint = serving(silent)

    async def go() -> CallTimeoutError:
        async with TrebuchetClient(endpoint.url) as client:
            with pytest.raises(CallTimeoutError) as error:
                await client.resolve("counter").call("add", 1, timeout=0.2)
            return error.value

    error = asyncio.run(go())
    assert str(error.call_id).upper() == endpoint.received[0]["payload"]["callID"]


def test_stream_survives_a_drop(serving: Any) -> None:
    """A reader gets every value once, and is told with the first one after the drop that nothing was missed."""

    async def first(peer: Any) -> None:
        await peer.start_stream(await peer.receive(), STREAM)
        await peer.state(STREAM, 1, "a")
        await peer.state(STREAM, 2, "b")
        await peer.drop()

    async def second(peer: Any) -> None:
        await peer.start_stream(await peer.receive(), STREAM, recovered=True)
        for number, value in ((2, "b"), (3, "c")):
            await peer.state(STREAM, number, value)
        await peer.until_closed()

    endpoint = serving(first, second)
    states: list[StateChange] = []

    async def go() -> list[tuple[Any, bool | None]]:
        seen: list[tuple[Any, bool | None]] = []
        async with TrebuchetClient(endpoint.url, options=options(), on_state=states.append) as client:
            values = client.resolve("todos").observe("state").values()
            while len(seen) < 3:
                value = await anext(values)
                seen.append((value.value, value.recovered))
            await values.aclose()
        return seen

    assert asyncio.run(go()) == [("a", None), ("b", None), ("c", True)]
    assert endpoint.received[1]["type"] == "streamResume"
    assert endpoint.received[1]["payload"]["lastSequence"] == 2
    assert [change.state for change in states] == [
        ConnectionState.CONNECTING,
        ConnectionState.CONNECTED,
        ConnectionState.RECONNECTING,
        ConnectionState.CONNECTED,
        ConnectionState.CLOSED,
    ]


def test_second_socket_takes_over_before_the_first_must_end(serving: Any) -> None:
    """At its lifetime a socket is replaced: streams move, a call under way is still answered on the old one."""
    moved = asyncio.Event()

    async def old(peer: Any) -> None:
        await peer.start_stream(await peer.receive(), STREAM)
        await peer.state(STREAM, 1, "a")
        call = await peer.receive()
        await moved.wait()
        await answer(peer, call, "late")
        await peer.until_closed()

    async def new(peer: Any) -> None:
        resume = await peer.receive()
        while resume["type"] != "streamResume":
            resume = await peer.receive()
        await peer.start_stream(resume, STREAM, recovered=True)
        await peer.state(STREAM, 2, "b")
        moved.set()
        await peer.until_closed()

    endpoint = serving(old, new)

    async def go() -> tuple[list[Any], Any]:
        async with TrebuchetClient(endpoint.url, options=options(lifetime=0.5)) as client:
            todos = client.resolve("todos")
            seen: list[Any] = []
            call: asyncio.Task[Any] | None = None
            async for value in todos.observe("state"):
                seen.append(value)
                if call is None:
                    call = asyncio.create_task(todos.call("slow"))
                else:
                    return seen, await call
        raise AssertionError("the stream does not end")

    assert asyncio.run(go()) == (["a", "b"], "late")


def test_silent_connection_is_kept_alive(serving: Any) -> None:
    """After a silence the client sends the frame that reaches no function."""
    endpoint = serving(lambda peer: peer.until_closed())

    async def go() -> None:
        async with TrebuchetClient(endpoint.url, options=options(keep_alive_after=0.1)):
            await asyncio.to_thread(endpoint.wait_for, 2)

    asyncio.run(go())
    assert endpoint.received[:2] == [{"action": "ping"}] * 2


def test_socket_that_is_dead_behind_an_open_connection_is_found(serving: Any) -> None:
    """When nothing comes and pings stay unanswered, the client goes to a new socket by itself."""
    replaced = asyncio.Event()

    async def zombie(peer: Any) -> None:
        await peer.receive()
        peer.stop_reading()
        await replaced.wait()
        await peer.drop()

    async def alive(peer: Any) -> None:
        replaced.set()
        await answer(peer, await peer.receive(), "alive")
        await peer.until_closed()

    endpoint = serving(zombie, alive)

    async def go() -> Any:
        chosen = options(probe_after=0.1, probe_timeout=0.2)
        async with TrebuchetClient(endpoint.url, options=chosen) as client:
            return await client.resolve("counter").get()

    assert asyncio.run(go()) == "alive"


def test_slow_reader_of_the_latest_value_skips(serving: Any) -> None:
    """Who asked for the latest value gets it, with the number of values left out; the server is asked for it, too."""

    async def script(peer: Any) -> None:
        await peer.start_stream(await peer.receive(), STREAM)
        for number in range(1, 6):
            await peer.state(STREAM, number, number)
        await answer(peer, await peer.receive(), "all sent")
        await peer.state(STREAM, 6, 6)
        await peer.until_closed()

    endpoint = serving(script)

    async def go() -> list[tuple[int, int]]:
        async with TrebuchetClient(endpoint.url) as client:
            counter = client.resolve("counter")
            seen = []
            async with aclosing(counter.observe("state", latest_per_ms=250).values()) as values:
                async for value in values:
                    seen.append((value.value, value.skipped))
                    if value.value == 6:
                        return seen
                    await counter.call("sent")
        raise AssertionError("the stream does not end")

    seen = asyncio.run(go())
    assert seen[-1][0] == 6
    assert sum(1 + skipped for _, skipped in seen) == 6
    wanted = {"type": "custom", "name": "latest", "parameters": {"window": "250"}}
    assert endpoint.received[0]["payload"]["streamFilter"] == wanted


def test_reader_of_every_value_that_is_too_slow_is_told(serving: Any) -> None:
    """Unread values are bounded; going over the bound is an error and no loss in silence."""

    async def script(peer: Any) -> None:
        await peer.start_stream(await peer.receive(), STREAM)
        for number in range(1, 6):
            await peer.state(STREAM, number, number)
        while True:
            await answer(peer, await peer.receive(), "all sent")

    async def go() -> list[int]:
        seen: list[int] = []
        async with TrebuchetClient(serving(script).url, options=options(unread_values=2)) as client:
            counter = client.resolve("counter")
            with pytest.raises(SlowReaderError, match=r"latest_per_ms=\d+"):
                await read_all(counter.observe("state"), seen, lambda: counter.call("sent"))
        return seen

    seen = asyncio.run(go())
    assert seen == list(range(1, len(seen) + 1))
    assert 2 <= len(seen) < 5


def test_refused_stream_fails_with_the_servers_code(serving: Any) -> None:
    """A stream that can never be is an error with text and code; one that may come is asked for again."""

    async def script(peer: Any) -> None:
        await peer.start_stream(await peer.receive(), STREAM)
        await peer.send("streamError", streamID=STREAM, errorMessage="busy", code="unavailable", retryable=True)
        await peer.start_stream(await peer.receive(), STREAM, recovered=False)
        await peer.state(STREAM, 1, "a")
        await peer.send("streamError", streamID=STREAM, errorMessage="unreadable", code="state")
        await peer.until_closed()

    async def go() -> tuple[list[Any], str | None]:
        seen: list[Any] = []
        async with TrebuchetClient(serving(script).url, options=options()) as client:
            with pytest.raises(StreamFailedError, match="unreadable") as failed:
                await read_all(client.resolve("todos").observe("state"), seen)
            return seen, failed.value.code

    assert asyncio.run(go()) == (["a"], "state")


def test_stream_that_nobody_reads_is_ended(serving: Any) -> None:
    """A stream that the server opened for a call it has seen twice is unsubscribed, as is one whose reader left."""

    async def script(peer: Any) -> None:
        frame = await peer.receive()
        await peer.start_stream(frame, STREAM)
        frame["payload"]["callID"] = OTHER
        await peer.start_stream(frame, OTHER)
        await peer.state(STREAM, 1, "a")
        await peer.until_closed()

    endpoint = serving(script)

    async def go() -> None:
        async with TrebuchetClient(endpoint.url) as client:
            async for _ in client.resolve("todos").observe("state"):
                break
            await asyncio.to_thread(endpoint.wait_for, 3)

    asyncio.run(go())
    ended = {frame["payload"]["streamID"] for frame in endpoint.received if frame["type"] == "streamEnd"}
    assert ended == {STREAM, OTHER}


class HeldClock(SystemClock):
    """A clock on which pauses before new attempts last until they are let go."""

    def __init__(self) -> None:
        self.let_go = asyncio.Event()
        self.over = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        """Wait; what is as short as a pause is one."""
        if seconds > QUICK.longest_seconds:
            await super().sleep(seconds)
        else:
            await self.let_go.wait()
            self.over.set()


def test_stream_that_is_left_while_it_waits_is_not_asked_for_again(serving: Any) -> None:
    """A reader may leave in the pause after an error that may pass; nothing of the stream comes after its end."""

    async def script(peer: Any) -> None:
        await peer.start_stream(await peer.receive(), STREAM)
        await peer.state(STREAM, 1, "a")
        sent = await peer.receive()
        await peer.send("streamError", streamID=STREAM, errorMessage="slowly", code="limited", retryable=True)
        await answer(peer, sent, "sent")
        while (frame := await peer.receive())["type"] != "invocation":
            pass
        await answer(peer, frame, "last")

    endpoint = serving(script)

    async def go() -> None:
        clock = HeldClock()
        async with TrebuchetClient(endpoint.url, options=options(), clock=clock) as client:
            todos = client.resolve("todos")
            async with aclosing(todos.observe("state").values()) as values:
                await anext(values)
                await todos.call("sent")
            clock.let_go.set()
            await clock.over.wait()
            await todos.call("last")

    asyncio.run(go())
    assert [frame["type"] for frame in endpoint.received[2:]] == ["streamEnd", "invocation"]


def test_closing_ends_everything(serving: Any) -> None:
    """After ``close()`` readers and callers are told, and nothing can be asked any more."""

    async def script(peer: Any) -> None:
        await peer.start_stream(await peer.receive(), STREAM)
        await peer.state(STREAM, 1, "a")
        await peer.until_closed()

    async def go() -> ConnectionState:
        client = TrebuchetClient(serving(script).url)
        await client.connect()
        with pytest.raises(ClientClosedError):
            await read_all(client.resolve("todos").observe("state"), [], client.close)
        with pytest.raises(ClientClosedError):
            await client.resolve("todos").call("clear")
        return client.state

    assert asyncio.run(go()) is ConnectionState.CLOSED


def test_too_large_message_is_refused_before_it_is_sent(serving: Any) -> None:
    """What would make the gateway close the connection is an error that names both sizes."""
    endpoint = serving(lambda peer: peer.until_closed())

    async def go() -> None:
        async with TrebuchetClient(endpoint.url) as client:
            with pytest.raises(MessageTooLargeError, match="131,072"):
                await client.resolve("todos").add_todo("x" * 131_072)

    asyncio.run(go())
    assert endpoint.received == []


def test_nothing_there_is_an_error_at_once() -> None:
    """Connecting to nobody without patience fails with the address."""

    async def go() -> None:
        with pytest.raises(EndpointError, match="nothing answers at ws://127"):
            await TrebuchetClient("ws://127.0.0.1:9/stage").connect(patience=0)

    asyncio.run(go())
