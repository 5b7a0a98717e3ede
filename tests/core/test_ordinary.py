"""What is read and written without the tables of the wire format is what they read and write."""

import json
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from tests.support.frame_fuzz import calls, mutate
from trebuche.envelopes import Envelope, ResponseEnvelope, decode, encode
from trebuche.errors import ProtocolError
from trebuche.ordinary import read_call, write_result


def outcome(document: Any) -> Envelope | tuple[str, str | None]:
    """The envelope, or what its sender is told and under which id."""
    try:
        return decode(json.dumps(document))
    except ProtocolError as error:
        return str(error), error.call_id


@given(calls())
def test_a_call_is_ordinary(frame: str) -> None:
    """As our clients write it."""
    assert read_call(json.loads(frame)) == decode(frame)


@given(calls(), st.data())
def test_what_is_out_of_the_ordinary_makes_no_difference(frame: str, data: st.DataObject) -> None:
    """A member that nobody knows is ignored, and leads the same frame to the tables: envelope or error are theirs."""
    document = mutate(json.loads(frame), data.draw)
    payload = document.get("payload") if isinstance(document, dict) else None
    if isinstance(payload, dict):
        assert outcome(document) == outcome({**document, "payload": {**payload, "unknown": 1}})
    assert read_call(document) in (None, outcome(document))


@given(st.uuids(), st.binary())
def test_a_result_is_written_as_the_tables_write_it(call_id: UUID, result: bytes) -> None:
    """To the letter."""
    response = ResponseEnvelope(call_id, result)
    assert write_result(response) == encode(response)


@given(st.none() | st.binary(), st.none() | st.text(), st.none() | st.text(), st.none() | st.booleans())
def test_only_a_result_is_ordinary(result: bytes | None, message: Any, code: Any, retryable: Any) -> None:
    """What a failure says is for the tables."""
    response = ResponseEnvelope(UUID(int=0), result, message, code, retryable)
    assert (write_result(response) is None) == (result is None or response != ResponseEnvelope(UUID(int=0), result))
