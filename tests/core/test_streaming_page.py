"""docs/streaming.md, held against the code: its frames can be read, its filters and limits are those of the runtime."""

import json
import re
from pathlib import Path

import pytest

from trebuche import contract
from trebuche.envelope_types import FilterType, StreamFilter
from trebuche.envelopes import InvocationEnvelope, decode, encode
from trebuche.filters import passes
from trebuche.replays import REPLAY_LIMIT

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "streaming.md").read_text(encoding="utf-8")
FRAMES = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
FILTERS = [json.loads(text) for text in re.findall(r'`(\{"type": "(?:all|predefined|custom)".*?\})`', PAGE)]
CELSIUS = b'{"celsius":21.5}'
SENT: dict[str | None, list[tuple[bytes, bytes | None, bool]]] = {
    "changed": [(b'{"a":1,"b":2}', b'{"b":2,"a":1}', False), (b'{"a":1}', b'{"a":2}', True)],
    "nonEmpty": [(b"[]", None, False), (b"{}", None, False), (b'""', None, False), (b"[0]", None, True)],
    "threshold": [(CELSIUS, None, True), (b'{"celsius":21}', None, False), (b'{"celsius":"mild"}', None, True)],
    None: [(b"[]", b"[]", True)],
}


@pytest.mark.parametrize("text", FRAMES)
def test_frames_of_the_page_are_envelopes(text: str) -> None:
    """Each is read, and means what it says."""
    document = json.loads(text)
    again = json.loads(encode(decode(text)))
    assert again["type"] == document["type"]
    assert document["payload"].items() <= again["payload"].items()


@pytest.mark.parametrize("written", FILTERS, ids=lambda one: str(one.get("name")))
def test_filters_of_the_page_do_what_it_says(written: dict[str, object]) -> None:
    """Read from an invocation as a client sends it, each sends and holds back what its row tells."""
    frame = json.loads(FRAMES[0])
    frame["payload"]["streamFilter"] = written
    invocation = decode(json.dumps(frame))
    assert isinstance(invocation, InvocationEnvelope)
    chosen = invocation.stream_filter
    assert isinstance(chosen, StreamFilter)
    for value, previous, sent in SENT[chosen.name if chosen.type is FilterType.PREDEFINED else None]:
        assert passes(chosen, value=value, previous=previous) is sent


def test_every_filter_is_on_the_page() -> None:
    """None of the rows is lost to the search for them."""
    assert {one.get("name") for one in FILTERS} == {None, "changed", "nonEmpty", "threshold", "latest"}


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("| a frame, either way | {:,} bytes", contract.MESSAGE_LIMIT_BYTES),
        ("| a call | {} seconds", contract.INTEGRATION_TIMEOUT_SECONDS),
        ("| a replay | {} values", REPLAY_LIMIT),
        ("| a replay | 100 values, {} hours", contract.DEFAULT_RETENTION_HOURS),
        ("| a stream without connection | {} hours", contract.DEFAULT_RETENTION_HOURS),
    ],
)
def test_limits_of_the_page_are_those_of_the_code(text: str, number: int) -> None:
    """A limit that is changed is changed on the page."""
    assert text.format(number) in PAGE
