"""What holds for every envelope and every text."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.support.frame_fuzz import mutate
from trebuche.envelopes import (
    Envelope,
    FilterType,
    InvocationEnvelope,
    ResponseEnvelope,
    StreamDataEnvelope,
    StreamEndEnvelope,
    StreamEndReason,
    StreamErrorEnvelope,
    StreamFilter,
    StreamResumeEnvelope,
    StreamStartEnvelope,
    TraceContext,
    TrebuchetActorID,
    decode,
    encode,
)
from trebuche.errors import ProtocolError

TEXT = st.text(max_size=20)
DATA = st.binary(max_size=20)
UINT64 = st.integers(0, 2**64 - 1)
MOMENTS = st.integers(0, 10**10).map(lambda seconds: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds))
ACTORS = st.builds(TrebuchetActorID, TEXT, st.none() | TEXT, st.none() | st.integers(0, 65535))
FILTERS = st.builds(
    StreamFilter, st.sampled_from(FilterType), st.none() | TEXT, st.none() | st.dictionaries(TEXT, TEXT, max_size=3)
)
TRACES = st.builds(TraceContext, st.uuids(), st.uuids(), st.none() | st.uuids())
FLAGS = st.none() | st.booleans()
ENVELOPES: st.SearchStrategy[Envelope] = st.one_of(
    st.builds(
        InvocationEnvelope,
        st.uuids(),
        ACTORS,
        TEXT,
        st.integers(0, 2**32 - 1),
        st.lists(TEXT, max_size=3).map(tuple),
        st.lists(DATA, max_size=3).map(tuple),
        st.none() | FILTERS,
        st.none() | TRACES,
    ),
    st.builds(ResponseEnvelope, st.uuids(), st.none() | DATA, st.none() | TEXT, st.none() | TEXT, FLAGS),
    st.builds(
        StreamStartEnvelope,
        st.uuids(),
        st.uuids(),
        ACTORS,
        TEXT,
        st.none() | FILTERS,
        FLAGS,
        st.none() | UINT64,
        st.none() | TEXT,
    ),
    st.builds(StreamDataEnvelope, st.uuids(), UINT64, DATA, MOMENTS, st.none() | UINT64),
    st.builds(StreamEndEnvelope, st.uuids(), st.sampled_from(StreamEndReason)),
    st.builds(StreamErrorEnvelope, st.uuids(), TEXT, st.none() | TEXT, FLAGS),
    st.builds(StreamResumeEnvelope, st.uuids(), UINT64, ACTORS, TEXT),
)


def refused_or_read(text: Any) -> None:
    """Decode, and let nothing but the one error pass."""
    try:
        envelope = decode(text)
    except ProtocolError as error:
        str(error).encode()
    else:
        assert decode(encode(envelope)) == envelope


@given(ENVELOPES)
def test_what_is_written_is_read_back(envelope: Envelope) -> None:
    """Encode and decode are inverse."""
    assert decode(encode(envelope)) == envelope


@given(ENVELOPES)
def test_written_frames_are_plain_json_without_null(envelope: Envelope) -> None:
    """Optional keys are left out, never null."""
    document = json.loads(encode(envelope))
    assert set(document) == {"type", "payload"}
    assert None not in document["payload"].values()


@given(st.text() | st.binary() | st.none() | st.integers())
def test_random_input_is_a_protocol_error(text: object) -> None:
    """Decode raises nothing else on any input."""
    refused_or_read(text)


@given(ENVELOPES, st.data())
def test_mutated_frames_are_read_or_refused(envelope: Envelope, data: st.DataObject) -> None:
    """One wrong place in a good frame never crashes the reader, nor makes its message unprintable."""
    refused_or_read(json.dumps(mutate(json.loads(encode(envelope)), data.draw)))


@given(ENVELOPES, st.data())
def test_damaged_frames_are_read_or_refused(envelope: Envelope, data: st.DataObject) -> None:
    """A frame cut, or with a character changed, never crashes the reader."""
    text = encode(envelope)
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    refused_or_read(text[:start] + data.draw(st.text(max_size=3)) + text[end:])
