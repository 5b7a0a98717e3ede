"""The corpus of frames, and made-up ones, to the deployed program: answered as in memory, and the sockets stay open."""

import asyncio
import json
import uuid
from collections import Counter
from collections.abc import Iterable

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from websockets.asyncio.client import ClientConnection, connect

from tests.loop.conftest import Deployed
from tests.loop.peer import SECONDS, invocation
from tests.support.frame_cases import FILES, Case, Frame, cases, check
from tests.support.frame_fuzz import Answer, apart, given_back, owed, texts

LONGEST_FRAME = 32_768
AT_ONCE = 6


async def _send(socket: ClientConnection, text: str) -> None:
    """One message; API Gateway wants a long one in several frames."""
    data = text.encode(errors="replace")
    if len(data) <= LONGEST_FRAME:
        await socket.send(text)
        return
    await socket.send([data[start : start + LONGEST_FRAME] for start in range(0, len(data), LONGEST_FRAME)], text=True)


async def _receive(socket: ClientConnection, number: int) -> list[Frame]:
    async with asyncio.timeout(SECONDS):
        return [json.loads(await socket.recv()) for _ in range(number)]


async def _until_answered(socket: ClientConnection, call_id: str) -> list[Frame]:
    """The frames before the response to a call."""
    found: list[Frame] = []
    async with asyncio.timeout(SECONDS):
        while True:
            frame = json.loads(await socket.recv())
            if frame["type"] == "response" and frame["payload"]["callID"] == call_id:
                return found
            found.append(frame)


async def _probe(socket: ClientConnection, actor: str) -> list[Frame]:
    """Call once more; whatever comes before the answer."""
    call = invocation(actor, "clearCompleted")
    await _send(socket, json.dumps({"action": "todos", **call}))
    return await _until_answered(socket, call["payload"]["callID"])


async def _play(endpoint: str, case: Case, turn: asyncio.Semaphore) -> None:
    """One case on a connection of its own; nothing comes but what is expected, also not a call later."""
    async with turn, connect(endpoint, proxy=None, open_timeout=SECONDS, close_timeout=2) as socket:
        before: list[Frame] = []
        for text, answers in case.before:
            await _send(socket, text)
            before += await _receive(socket, answers)
        await _send(socket, case.text)
        frames = await _receive(socket, case.answers)
        check(case, _in_order(frames), before)
        assert await _probe(socket, f"todos/{uuid.uuid4().hex}") == [], case.name


def _in_order(frames: list[Frame]) -> list[Frame]:
    """A function's answer may overtake what it posted: a stream's error its start."""
    return sorted(frames, key=lambda frame: frame["type"] != "streamStart")


def _defects(deployed: Deployed) -> Counter[bool]:
    """Lines in all functions' logs: how many are about defects, and how many are not."""
    lines = [line for group in deployed.aws.log_groups() for line in deployed.aws.logged(group).splitlines()]
    return Counter('"internal-error"' in line or "Traceback" in line for line in lines)


@pytest.mark.parametrize("file", FILES)
def test_the_corpus_is_answered_as_in_memory(deployed: Deployed, file: str) -> None:
    """Each frame on a socket of its own, some at once; no function fails."""

    async def scenario(found: Iterable[Case]) -> None:
        turn = asyncio.Semaphore(AT_ONCE)
        async with asyncio.TaskGroup() as group:
            for case in found:
                group.create_task(_play(deployed.endpoint, case, turn))

    defects = _defects(deployed)
    asyncio.run(scenario(_kept_apart(file)))
    after = _defects(deployed)
    assert after[False] > defects[False]
    assert after[True] == defects[True]


def _kept_apart(file: str) -> Iterable[Case]:
    """Each case under a stream id and actors of its own."""
    for position in range(len(cases(file, loop=True))):
        made = cases(file, token=uuid.uuid4().hex[:6], stream=str(uuid.uuid4()).upper(), loop=True)
        yield made[position]


async def _fuzz(endpoint: str, sent: list[str]) -> None:
    """All frames of a round at once; each gets what it is owed, once, and the socket stays open."""
    apart_ = [apart(text, uuid.uuid4(), uuid.uuid4().hex) for text in sent]
    asked: Counter[Answer] = sum(map(owed, apart_), Counter())
    async with connect(endpoint, proxy=None, open_timeout=SECONDS, close_timeout=2) as socket:
        frames: list[Frame] = []
        for text in apart_:
            await _send(socket, text)
        async with asyncio.timeout(SECONDS):
            while asked - given_back(frames, asked):
                frames.append(json.loads(await socket.recv()))
        frames += await _probe(socket, f"todos/{uuid.uuid4().hex}")
    assert given_back(frames, asked) == asked


@settings(
    max_examples=20,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(sent=st.lists(texts(), min_size=15, max_size=15, unique=True))
def test_made_up_frames_leave_no_valid_call_unanswered(deployed: Deployed, sent: list[str]) -> None:
    """Fifteen at a time, three hundred in all; no function fails."""
    defects = _defects(deployed)
    asyncio.run(_fuzz(deployed.endpoint, sent))
    after = _defects(deployed)
    assert after[False] > defects[False]
    assert after[True] == defects[True]
