"""Made-up frames through the whole runtime in memory: nothing fails, and everybody is answered once."""

import json
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from actors.game_room import GameRoom
from actors.todo_list import TodoList
from tests.support.frame_cases import Frame
from tests.support.frame_fuzz import Answer, given_back, owed, texts
from tests.support.world import World, socket_event
from trebuche.contract import MESSAGE_LIMIT_BYTES


def taken(world: World) -> list[Frame]:
    """The frames that were posted since the last time; each fits its message."""
    posted = world.sender.sent.pop("c1", [])
    assert all(len(text.encode()) <= MESSAGE_LIMIT_BYTES for text in posted)
    return [json.loads(text) for text in posted]


@settings(max_examples=150)
@given(st.lists(texts(), min_size=1, max_size=6), st.booleans())
def test_every_frame_gets_what_it_is_owed(sent: list[str], direct: bool) -> None:
    """Whatever came before it: no defect in the log, no batch to be repeated, one answer to each valid call."""
    world = World(TodoList, GameRoom)
    world.connect()
    handle = world.gateway.handle if direct else world.handler.handle
    for text in sent:
        reply = handle(socket_event("MESSAGE", body=text))
        asked: Counter[Answer] = owed(text)
        frames = taken(world) + ([json.loads(reply["body"])] if "body" in reply else [])
        assert reply["statusCode"] in (200, 400)
        assert given_back(frames, asked) == asked
        assert world.pump() == {"batchItemFailures": []}
        taken(world)
    assert not any('"internal-error"' in line for line in world.log.lines)
