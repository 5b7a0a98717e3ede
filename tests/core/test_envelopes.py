"""Frames of the wire format, literally, in both directions; and frames that break each of its rules."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from trebuche.documents import Json
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
    check_protocol_version,
    decode,
    encode,
    filter_from_json,
    filter_to_json,
)
from trebuche.errors import MalformedError, ProtocolError

CALL = "5B0C6E1A-93D7-4F28-8E41-2A7C90D1F6B3"
OTHER = "E2D90B47-1C6F-4A53-BD08-7F41A9C3E5D6"
STREAM = "C41F7A92-0E5D-4B36-9F8A-6D2E13B7A450"
GREENHOUSE = TrebuchetActorID("greenhouse-7", "rt.example.net", 443)
ACTOR = '{"id":"greenhouse-7","host":"rt.example.net","port":443}'

GOLDEN: list[tuple[str, Envelope]] = [
    (
        '{"type":"invocation","payload":{"callID":"' + CALL + '","actorID":' + ACTOR + ',"targetIdentifier":"setTarget"'
        ',"protocolVersion":2,"genericSubstitutions":[],"arguments":["MjEuNQ==","Im5vcnRoIg=="]}}',
        InvocationEnvelope(UUID(CALL), GREENHOUSE, "setTarget", 2, (), (b"21.5", b'"north"')),
    ),
    (
        '{"type":"invocation","payload":{"callID":"' + CALL + '","actorID":{"id":"todos"},"targetIdentifier":'
        '"observeState","protocolVersion":1,"genericSubstitutions":["Swift.String"],"arguments":[],"streamFilter":'
        '{"type":"predefined","name":"threshold","parameters":{"value":"21.5","comparison":"gte","field":"celsius"}},'
        '"traceContext":{"traceID":"' + OTHER + '","spanID":"' + STREAM + '","parentSpanID":"' + CALL + '"}}}',
        InvocationEnvelope(
            UUID(CALL),
            TrebuchetActorID("todos"),
            "observeState",
            generic_substitutions=("Swift.String",),
            stream_filter=StreamFilter(
                FilterType.PREDEFINED, "threshold", {"value": "21.5", "comparison": "gte", "field": "celsius"}
            ),
            trace_context=TraceContext(UUID(OTHER), UUID(STREAM), UUID(CALL)),
        ),
    ),
    (
        '{"type":"response","payload":{"callID":"' + CALL + '","result":'
        '"eyJhdCI6IjIwMjYtMDMtMDRUMDk6MTU6MDBaIiwiY2Vsc2l1cyI6MjEuNSwiem9uZSI6Im5vcnRoIn0="}}',
        ResponseEnvelope(UUID(CALL), b'{"at":"2026-03-04T09:15:00Z","celsius":21.5,"zone":"north"}'),
    ),
    ('{"type":"response","payload":{"callID":"' + CALL + '","result":""}}', ResponseEnvelope(UUID(CALL), b"")),
    ('{"type":"response","payload":{"callID":"' + CALL + '"}}', ResponseEnvelope(UUID(CALL))),
    (
        '{"type":"response","payload":{"callID":"' + CALL + '","errorMessage":"Actor \'greenhouse-9\' not found"}}',
        ResponseEnvelope(UUID(CALL), error_message="Actor 'greenhouse-9' not found"),
    ),
    (
        '{"type":"response","payload":{"callID":"' + CALL + '","errorMessage":"","code":"conflict","retryable":true}}',
        ResponseEnvelope(UUID(CALL), error_message="", code="conflict", retryable=True),
    ),
    (
        '{"type":"streamStart","payload":{"streamID":"' + STREAM + '","callID":"' + OTHER + '","actorID":' + ACTOR + ","
        '"targetIdentifier":"observeState","filter":{"type":"predefined","name":"changed","parameters":{}}}}',
        StreamStartEnvelope(
            UUID(STREAM), UUID(OTHER), GREENHOUSE, "observeState", StreamFilter(FilterType.PREDEFINED, "changed", {})
        ),
    ),
    (
        '{"type":"streamStart","payload":{"streamID":"' + STREAM + '","callID":"' + OTHER + '","actorID":{"id":"a"},'
        '"targetIdentifier":"observeState","recovered":false,"upTo":18446744073709551615,"delivery":"latest"}}',
        StreamStartEnvelope(
            UUID(STREAM),
            UUID(OTHER),
            TrebuchetActorID("a"),
            "observeState",
            recovered=False,
            up_to=2**64 - 1,
            delivery="latest",
        ),
    ),
    (
        '{"type":"streamData","payload":{"streamID":"' + STREAM + '","sequenceNumber":9007199254740993,'
        '"data":"Nw==","timestamp":"2026-03-04T09:15:00Z"}}',
        StreamDataEnvelope(UUID(STREAM), 2**53 + 1, b"7", datetime(2026, 3, 4, 9, 15, tzinfo=UTC)),
    ),
    (
        '{"type":"streamData","payload":{"streamID":"' + STREAM + '","sequenceNumber":0,'
        '"data":"","timestamp":"2026-03-04T09:15:00Z","skipped":3}}',
        StreamDataEnvelope(UUID(STREAM), 0, b"", datetime(2026, 3, 4, 9, 15, tzinfo=UTC), skipped=3),
    ),
    *(
        (
            '{"type":"streamEnd","payload":{"streamID":"' + STREAM + '","reason":"' + word + '"}}',
            StreamEndEnvelope(UUID(STREAM), reason),
        )
        for word, reason in [
            ("completed", StreamEndReason.COMPLETED),
            ("actorTerminated", StreamEndReason.ACTOR_TERMINATED),
            ("clientUnsubscribed", StreamEndReason.CLIENT_UNSUBSCRIBED),
            ("connectionClosed", StreamEndReason.CONNECTION_CLOSED),
            ("error", StreamEndReason.ERROR),
        ]
    ),
    (
        '{"type":"streamError","payload":{"streamID":"' + STREAM + '","errorMessage":"no such property"}}',
        StreamErrorEnvelope(UUID(STREAM), "no such property"),
    ),
    (
        '{"type":"streamError","payload":{"streamID":"' + STREAM + '","errorMessage":"é 🌱","code":"denied",'
        '"retryable":false}}',
        StreamErrorEnvelope(UUID(STREAM), "é 🌱", "denied", False),
    ),
    (
        '{"type":"streamResume","payload":{"streamID":"' + STREAM + '","lastSequence":41,"actorID":' + ACTOR + ","
        '"targetIdentifier":"observeState"}}',
        StreamResumeEnvelope(UUID(STREAM), 41, GREENHOUSE, "observeState"),
    ),
]


def frame(name: str, **payload: object) -> str:
    """A frame whose payload is complete except for what is given; ``...`` leaves a key out."""
    complete: dict[str, dict[str, object]] = {
        "invocation": {
            "callID": CALL,
            "actorID": {"id": "a"},
            "targetIdentifier": "t",
            "genericSubstitutions": [],
            "arguments": [],
        },
        "response": {"callID": CALL},
        "streamStart": {"streamID": STREAM, "callID": CALL, "actorID": {"id": "a"}, "targetIdentifier": "t"},
        "streamData": {"streamID": STREAM, "sequenceNumber": 1, "data": "", "timestamp": "2026-03-04T09:15:00Z"},
        "streamEnd": {"streamID": STREAM, "reason": "completed"},
        "streamError": {"streamID": STREAM, "errorMessage": ""},
        "streamResume": {"streamID": STREAM, "lastSequence": 0, "actorID": {"id": "a"}, "targetIdentifier": "t"},
    }
    members = {key: value for key, value in (complete[name] | payload).items() if value is not ...}
    return json.dumps({"type": name, "payload": members})


BROKEN: list[tuple[str, str]] = [
    *(
        (frame(name, **{key: ...}), f"payload.{key}: missing")
        for name, keys in {
            "invocation": ("callID", "actorID", "targetIdentifier", "genericSubstitutions", "arguments"),
            "response": ("callID",),
            "streamStart": ("streamID", "callID", "actorID", "targetIdentifier"),
            "streamData": ("streamID", "sequenceNumber", "data", "timestamp"),
            "streamEnd": ("streamID", "reason"),
            "streamError": ("streamID", "errorMessage"),
            "streamResume": ("streamID", "lastSequence", "actorID", "targetIdentifier"),
        }.items()
        for key in keys
    ),
    (frame("invocation", callID=None), "payload.callID: expected a UUID as text, got null"),
    (frame("invocation", callID="{" + CALL + "}"), "payload.callID: expected a UUID like"),
    (frame("invocation", actorID="greenhouse-7@rt.example.net:443"), "payload.actorID: expected an object, got text"),
    (frame("invocation", actorID={}), "payload.actorID.id: missing"),
    (frame("invocation", actorID={"id": 7}), "payload.actorID.id: expected text, got number"),
    (frame("invocation", actorID={"id": "a", "host": 1}), "payload.actorID.host: expected text, got number"),
    (frame("invocation", actorID={"id": "a", "port": 65536}), "payload.actorID.port: expected a whole number from 0"),
    (frame("invocation", actorID={"id": "a", "port": "443"}), "payload.actorID.port: expected a whole number, got tex"),
    (frame("invocation", actorID={"id": "a\ud800"}), "payload.actorID.id: lone surrogate at character 1"),
    (frame("invocation", targetIdentifier=None), "payload.targetIdentifier: expected text, got null"),
    (frame("invocation", protocolVersion="2"), "payload.protocolVersion: expected a whole number, got text"),
    (frame("invocation", protocolVersion=-1), "payload.protocolVersion: expected a whole number from 0 to 4294967295"),
    (frame("invocation", protocolVersion=2**32), "payload.protocolVersion: expected a whole number from 0"),
    (frame("invocation", protocolVersion=True), "payload.protocolVersion: expected a whole number, got boolean"),
    (frame("invocation", genericSubstitutions=None), "payload.genericSubstitutions: expected an array, got null"),
    (frame("invocation", genericSubstitutions=["a", 1]), "payload.genericSubstitutions[1]: expected text, got number"),
    (frame("invocation", arguments={}), "payload.arguments: expected an array, got object"),
    (frame("invocation", arguments=["Nw==", "Nw"]), "payload.arguments[1]: expected standard base64 with padding"),
    (frame("invocation", arguments=[7]), "payload.arguments[0]: expected base64 text, got number"),
    (frame("invocation", arguments=[None]), "payload.arguments[0]: expected base64 text, got null"),
    (frame("invocation", streamFilter={}), "payload.streamFilter.type: missing"),
    (frame("invocation", streamFilter={"type": "some"}), "payload.streamFilter.type: expected one of all, predefined"),
    (frame("invocation", streamFilter={"type": "All"}), "payload.streamFilter.type: expected one of"),
    (frame("invocation", streamFilter={"type": "all", "name": 1}), "payload.streamFilter.name: expected text"),
    (
        frame("invocation", streamFilter={"type": "predefined", "parameters": {"value": 21.5}}),
        "payload.streamFilter.parameters.value: expected text, got number",
    ),
    (frame("invocation", streamFilter={"type": "all", "parameters": []}), "payload.streamFilter.parameters: expected"),
    (frame("invocation", streamFilter="all"), "payload.streamFilter: expected an object, got text"),
    (frame("invocation", traceContext={"traceID": CALL}), "payload.traceContext.spanID: missing"),
    (
        frame("invocation", traceContext={"traceID": "4bf92f3577b34da6a3ce929d0e0e4736", "spanID": CALL}),
        "payload.traceContext.traceID: expected a UUID like",
    ),
    (
        frame("invocation", traceContext={"traceID": CALL, "spanID": CALL, "parentSpanID": 1}),
        "payload.traceContext.parentSpanID: expected a UUID",
    ),
    (frame("response", result="e30"), "payload.result: expected standard base64"),
    (frame("response", result={}), "payload.result: expected base64 text, got object"),
    (frame("response", errorMessage=500), "payload.errorMessage: expected text, got number"),
    (frame("response", retryable=1), "payload.retryable: expected true or false, got number"),
    (frame("streamStart", filter={"type": "none"}), "payload.filter.type: expected one of"),
    (frame("streamStart", upTo=-1), "payload.upTo: expected a whole number"),
    (frame("streamData", sequenceNumber=2**64), "payload.sequenceNumber: expected a whole number from 0 to 18446744"),
    (frame("streamData", sequenceNumber=1.5), "payload.sequenceNumber: expected a whole number from 0"),
    (frame("streamData", sequenceNumber="1"), "payload.sequenceNumber: expected a whole number, got text"),
    (frame("streamData", timestamp="2026-03-04"), "payload.timestamp: expected a date like"),
    (frame("streamData", timestamp=794308500), "payload.timestamp: expected a date as text, got number"),
    (frame("streamEnd", reason="finished"), "payload.reason: expected one of completed, actorTerminated"),
    (frame("streamResume", lastSequence=-1), "payload.lastSequence: expected a whole number"),
    (frame("streamResume", actorID=None), "payload.actorID: expected an object, got null"),
    ("[]", "expected an object, got array"),
    ("null", "expected an object, got null"),
    ('"invocation"', "expected an object, got text"),
    ("{}", "type: missing"),
    ('{"payload":{}}', "type: missing"),
    ('{"type":null,"payload":{}}', "type: expected text, got null"),
    ('{"type":1,"payload":{}}', "type: expected text, got number"),
    ('{"type":"Invocation","payload":{}}', "type: expected one of invocation, response"),
    ('{"type":"ping","payload":{}}', "type: expected one of invocation, response"),
    ('{"type":"streamEnd"}', "payload: missing"),
    ('{"type":"streamEnd","payload":null}', "payload: expected an object, got null"),
    ('{"type":"streamEnd","payload":[]}', "payload: expected an object, got array"),
    ('{"message":"Internal server error","connectionId":"a=","requestId":"b="}', "type: missing"),
    ("", "not JSON at line 1 column 1"),
    ("not json", "not JSON at line 1 column 1"),
    ('{"type":"streamEnd","payload":{"streamID":NaN}}', "not JSON: NaN is no number"),
    ('{"type":"response","payload":' + "[" * 512 + "]" * 512 + "}", "nested deeper than 512 levels"),
    ('{"a":"\ud800"}', "not Unicode text: lone surrogate at character 6"),
    (
        '{"type":"streamData","payload":{"streamID":"' + STREAM + '","sequenceNumber":' + "9" * 5000 + "}}",
        "payload.sequenceNumber: expected a whole number from 0",
    ),
]


@pytest.mark.parametrize(("text", "envelope"), GOLDEN, ids=[type(envelope).__name__ for _, envelope in GOLDEN])
def test_golden_frames_are_read(text: str, envelope: Envelope) -> None:
    """The format's own examples."""
    assert decode(text) == envelope


@pytest.mark.parametrize(("text", "envelope"), GOLDEN, ids=[type(envelope).__name__ for _, envelope in GOLDEN])
def test_golden_frames_are_written(text: str, envelope: Envelope) -> None:
    """The same documents, to the letter: upper-case ids, nothing null, no white space."""
    assert encode(envelope) == text


@pytest.mark.parametrize(("text", "message"), BROKEN, ids=[message for _, message in BROKEN])
def test_broken_frames_are_refused_with_the_place(text: str, message: str) -> None:
    """The text says what is wrong and where."""
    with pytest.raises(ProtocolError) as caught:
        decode(text)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("changes", "attribute", "expected"),
    [
        ({"protocolVersion": ...}, "protocol_version", 1),
        ({"protocolVersion": None}, "protocol_version", 1),
        ({"protocolVersion": 2.0}, "protocol_version", 2),
        ({"protocolVersion": 0}, "protocol_version", 0),
        ({"protocolVersion": 4294967295}, "protocol_version", 4294967295),
        ({"streamFilter": None, "traceContext": None}, "stream_filter", None),
        ({"actorID": {"id": "a", "host": None, "port": None}}, "actor_id", TrebuchetActorID("a")),
        ({"actorID": {"id": "a", "port": 443}}, "actor_id", TrebuchetActorID("a", port=443)),
        ({"actorID": {"id": "a", "host": "h"}}, "actor_id", TrebuchetActorID("a", "h")),
        ({"actorID": {"id": "", "future": {"x": [1]}}}, "actor_id", TrebuchetActorID("")),
        ({"streamFilter": {"type": "custom", "name": None}}, "stream_filter", StreamFilter(FilterType.CUSTOM)),
        ({"callID": CALL.lower()}, "call_id", UUID(CALL)),
        ({"arguments": ["e25v", ""]}, "arguments", (b"{no", b"")),
        ({"future": {"deep": [None, 1e300]}, "action": "todos"}, "target_identifier", "t"),
    ],
)
def test_lenient_where_the_format_is(changes: dict[str, Any], attribute: str, expected: object) -> None:
    """Null is missing, unknown keys are ignored, host and port stand alone, arguments need not be JSON."""
    assert getattr(decode(frame("invocation", **changes)), attribute) == expected


def test_unknown_keys_of_the_wrapper_are_ignored() -> None:
    """Clients add ``action`` so that API Gateway can choose a route."""
    text = frame("streamEnd").replace('{"type"', '{"action":"todos","x":"\\ud800","n":' + "9" * 5000 + ',"type"', 1)
    assert decode(text) == StreamEndEnvelope(UUID(STREAM), StreamEndReason.COMPLETED)


def test_escaped_slashes_are_slashes() -> None:
    """Swift escapes them, inside base64 too."""
    text = frame("invocation", arguments=["AAH/"]).replace("/", "\\/")
    assert decode(text) == InvocationEnvelope(UUID(CALL), TrebuchetActorID("a"), "t", arguments=(b"\x00\x01\xff",))


def test_a_repeated_key_does_not_crash() -> None:
    """Which of the two counts is not specified."""
    assert isinstance(decode(frame("streamEnd").replace('"reason"', '"reason":"error","reason"')), StreamEndEnvelope)


@pytest.mark.parametrize(("letter", "count"), [("x", 131_072), ("é", 65_536)])
def test_frames_over_128_kib_are_refused_unparsed(letter: str, count: int) -> None:
    """Since nothing was parsed there is nobody to answer."""
    text = encode(StreamErrorEnvelope(UUID(STREAM), letter * count))
    with pytest.raises(ProtocolError, match=r"document of 131\d{3} bytes is over the limit of 131072") as caught:
        decode(text)
    assert caught.value.call_id is None


def test_a_frame_of_exactly_128_kib_is_read() -> None:
    """The limit itself is allowed."""
    text = frame("invocation", targetIdentifier="x" * (131_072 - len(frame("invocation", targetIdentifier=""))))
    assert len(text) == 131_072
    assert isinstance(decode(text), InvocationEnvelope)


@pytest.mark.parametrize("garbage", [None, b"{}", 7, ["{}"], object()])
def test_what_is_no_text_is_a_protocol_error(garbage: Any) -> None:
    """Whatever the caller hands over, no other error escapes."""
    with pytest.raises(ProtocolError, match="expected a frame of text"):
        decode(garbage)


@pytest.mark.parametrize(
    ("text", "call_id"),
    [
        (frame("invocation", arguments=...), CALL),
        (frame("invocation", callID=CALL.lower(), arguments=...), CALL),
        (frame("invocation", arguments="@").replace('"@"', "[" * 600 + "]" * 600), CALL),
        (frame("invocation", arguments="@").replace('"@"', "[" * 600), None),
        (frame("response", result="@").replace('"@"', "[" * 600 + "]" * 600), None),
        (frame("invocation", callID="not one"), None),
        (frame("invocation", callID=...), None),
        (frame("response", result=7), None),
        (frame("streamStart", actorID=None), None),
        ('{"type":"invocation","payload":[]}', None),
        ('{"type":"invocation"}', None),
        ('{"type":"invocation","payload":{"callID":"' + CALL + '"}', None),
        ('{"type":["invocation"],"payload":{"callID":"' + CALL + '"}}', None),
    ],
)
def test_only_an_invocation_with_a_valid_call_id_can_be_answered(text: str, call_id: str | None) -> None:
    """Everything else gets no answer."""
    with pytest.raises(ProtocolError) as caught:
        decode(text)
    assert caught.value.call_id == call_id


@pytest.mark.parametrize("version", [1, 2, 3, 4294967295])
def test_every_protocol_version_from_1_is_accepted(version: int) -> None:
    """The payloads are the same in all of them."""
    check_protocol_version(InvocationEnvelope(UUID(CALL), TrebuchetActorID("a"), "t", version))


def test_protocol_version_0_is_refused_with_an_answer() -> None:
    """The text is sent to the client as it stands."""
    with pytest.raises(ProtocolError, match=r"^Unsupported protocol version 0") as caught:
        check_protocol_version(InvocationEnvelope(UUID(CALL), TrebuchetActorID("a"), "t", 0))
    assert caught.value.call_id == CALL


@pytest.mark.parametrize(
    ("envelope", "message"),
    [
        (StreamResumeEnvelope(UUID(STREAM), -1, GREENHOUSE, "t"), "payload.lastSequence: "),
        (StreamResumeEnvelope(UUID(STREAM), 2**64, GREENHOUSE, "t"), "payload.lastSequence: "),
        (StreamResumeEnvelope(UUID(STREAM), 1, TrebuchetActorID("a", port=70_000), "t"), "payload.actorID.port: "),
        (StreamResumeEnvelope(UUID(STREAM), 1, GREENHOUSE, "\ud800"), "payload.targetIdentifier: "),
        (StreamDataEnvelope(UUID(STREAM), 1, b"", datetime(2026, 3, 4)), "payload.timestamp: "),
    ],
)
def test_what_no_peer_could_read_is_not_written(envelope: Envelope, message: str) -> None:
    """The mistake shows where it is made."""
    with pytest.raises(MalformedError) as caught:
        encode(envelope)
    assert str(caught.value).startswith(message)


def test_an_error_text_always_goes_out() -> None:
    """Half a character in an actor's error does not cost the caller the answer."""
    text = encode(ResponseEnvelope(UUID(CALL), error_message="bad \ud800 title"))
    assert decode(text) == ResponseEnvelope(UUID(CALL), error_message="bad ? title")


def test_fractions_of_a_second_are_not_written() -> None:
    """Clients before Swift 6.2 would drop the frame."""
    text = encode(StreamDataEnvelope(UUID(STREAM), 1, b"", datetime(2026, 3, 4, 9, 15, 0, 999_999, UTC)))
    assert '"timestamp":"2026-03-04T09:15:00Z"' in text


def test_a_filter_is_stored_as_it_came() -> None:
    """A subscription keeps its filter as JSON."""
    document: Json = {"type": "custom", "name": "latest", "parameters": {"window": "250"}}
    assert filter_to_json(filter_from_json(document)) == document


def test_envelopes_are_values() -> None:
    """They can be members of a set, filters with parameters included."""
    assert len({decode(text) for text, _ in GOLDEN}) == len(GOLDEN)
