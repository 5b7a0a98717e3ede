"""What the tests read of the events that their functions got."""

import json
from pathlib import Path

from tests.support.sandbox import Function, Json


def test_event_that_is_being_written_is_not_read_yet(tmp_path: Path) -> None:
    """A reader meets the file at any byte; an event counts from its last one."""
    function = Function("arn", "name", tmp_path / "recorded")
    events: list[Json] = [{"Records": ["a"]}, {"Records": ["b"]}]
    first, second = (f"{json.dumps(event)}\n" for event in events)
    assert function.events() == []
    for end in range(len(second)):
        function.recorded.write_text(first + second[:end])
        assert function.events() == events[:1]
    function.recorded.write_text(first + second)
    assert function.events() == events
