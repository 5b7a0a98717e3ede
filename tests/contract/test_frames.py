"""Every frame of the corpus through the decoder, and through both functions on ports in memory."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from actors.game_room import GameRoom
from actors.todo_list import TodoList
from tests.support.frame_cases import FILES, Case, Frame, cases, check
from tests.support.world import World, socket_event
from trebuche.envelopes import decode, encode
from trebuche.errors import ProtocolError

CASES = [(file, case) for file in FILES for case in cases(file)]
IDS = [f"{file}: {case.name}" for file, case in CASES]
STATUS = {"silence": 400, "answered": 400}


def test_the_corpus_is_large_and_its_frames_differ() -> None:
    """Two cases alike would be one case too few."""
    assert len({(case.text, case.before) for _, case in CASES}) == len(CASES) > 450


@pytest.mark.parametrize("case", [case for _, case in CASES], ids=IDS)
def test_a_frame_decodes_or_is_refused(case: Case) -> None:
    """With the one error and nothing else; what decodes can be written, and is read again as the same."""
    if case.expected["expect"] == "answered" or case.expected.get("reads", "") is None:
        with pytest.raises(ProtocolError):
            decode(case.text)
        return
    envelope = decode(case.text)
    assert encode(decode(encode(envelope))) == encode(envelope)
    assert type(envelope).__name__ == case.expected.get("reads", type(envelope).__name__)


@pytest.mark.parametrize("direct", [False, True], ids=["forwarded", "direct"])
@pytest.mark.parametrize("case", [case for _, case in CASES], ids=IDS)
def test_a_frame_is_answered_as_the_format_says(case: Case, direct: bool) -> None:
    """Through the websocket function or straight to the actor's; no function fails, nothing is logged as a defect."""
    world = World(TodoList, GameRoom)
    world.connect()
    handle = world.gateway.handle if direct else world.handler.handle
    before = [frame for text, answers in case.before for frame in _answers(world, handle, text, answers)]
    reply = handle(socket_event("MESSAGE", body=case.text))
    check(case, _came(world, reply), before)
    assert reply["statusCode"] == STATUS.get(case.expected["expect"], 200)
    assert not any('"ERROR"' in line for line in world.log.lines)


def _answers(world: World, handle: Callable[[Any], Any], text: str, answers: int) -> list[Frame]:
    frames = _came(world, handle(socket_event("MESSAGE", body=text)))
    assert len(frames) == answers
    return frames


def _came(world: World, reply: dict[str, Any]) -> list[Frame]:
    """What was posted, and then what the function's answer carries."""
    texts = world.sender.sent.pop("c1", []) + ([reply["body"]] if "body" in reply else [])
    assert all(len(text.encode()) <= 131_072 for text in texts)
    return [json.loads(text) for text in texts]
