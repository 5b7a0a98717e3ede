"""Frames to envelopes and back: ``{"type": …, "payload": {…}}``, one per WebSocket message."""

from functools import partial
from typing import Any, Final

from trebuche.contract import MESSAGE_LIMIT_BYTES
from trebuche.documents import Json, dumps, kind, loads, outline
from trebuche.envelope_types import (
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
)
from trebuche.errors import MalformedError, ProtocolError, TooDeepError
from trebuche.ordinary import read_call
from trebuche.scalars import (
    read_bool,
    read_data,
    read_date,
    read_text,
    read_uint16,
    read_uint32,
    read_uint64,
    read_uuid,
    read_word,
    write_data,
    write_date,
    write_text,
    write_uuid,
)
from trebuche.shapes import Member, Shape, read_array

__all__ = [
    "Envelope",
    "FilterType",
    "InvocationEnvelope",
    "ResponseEnvelope",
    "StreamDataEnvelope",
    "StreamEndEnvelope",
    "StreamEndReason",
    "StreamErrorEnvelope",
    "StreamFilter",
    "StreamResumeEnvelope",
    "StreamStartEnvelope",
    "TraceContext",
    "TrebuchetActorID",
    "check_protocol_version",
    "decode",
    "encode",
    "filter_from_json",
    "filter_to_json",
]


def decode(text: str) -> Envelope:
    """The envelope in one frame; keys that it does not know are ignored.

    Raises:
        ProtocolError: The only error, whatever the input; ``call_id`` is set when the frame is an invocation that
            still shows a valid callID, so that its sender can be answered.
    """
    if not isinstance(text, str):
        raise ProtocolError(f"expected a frame of text, got {kind(text)}")
    try:
        document = loads(text, limit_bytes=MESSAGE_LIMIT_BYTES)
    except TooDeepError as error:
        raise ProtocolError(str(error), call_id=_answerable_above(text)) from None
    except MalformedError as error:
        raise ProtocolError(str(error)) from None
    try:
        return read_call(document) or _read(document)
    except MalformedError as error:
        raise ProtocolError(str(error), call_id=_answerable(document)) from None


def encode(envelope: Envelope) -> str:
    """The frame of an envelope, without optional keys that are None.

    Raises:
        MalformedError: An attribute holds what the wire cannot carry, such as a negative number.
    """
    name, shape = _BY_CLASS[type(envelope)]
    try:
        payload = shape.write(envelope)
    except MalformedError as error:
        raise error.inside("payload") from None
    return dumps({"type": name, "payload": payload})


def check_protocol_version(invocation: InvocationEnvelope) -> None:
    """Refuse version 0; 1 and everything above speak the same payloads.

    Raises:
        ProtocolError: With the callID; its text is the answer as it stands.
    """
    if invocation.protocol_version < 1:
        message = f"Unsupported protocol version {invocation.protocol_version}: use 1 or 2"
        raise ProtocolError(message, call_id=write_uuid(invocation.call_id))


def filter_from_json(value: Json) -> StreamFilter:
    """A stream filter as an invocation carries it.

    Raises:
        MalformedError: The shape or the type word is wrong.
    """
    return _FILTER.read(value)


def filter_to_json(stream_filter: StreamFilter) -> Json:
    """The JSON object of a stream filter."""
    return _FILTER.write(stream_filter)


def _read(document: Json) -> Envelope:
    wrapper = _WRAPPER.read(document)
    shape = _BY_NAME.get(wrapper["type"])
    if shape is None:
        raise MalformedError(f"expected one of {', '.join(_BY_NAME)}, got {wrapper['type'][:64]!a}", "type")
    try:
        return shape.read(wrapper["payload"])
    except MalformedError as error:
        raise error.inside("payload") from None


def _answerable_above(text: str) -> str | None:
    """The callID in the upper levels of a frame that is nested too deeply to be parsed."""
    try:
        return _answerable(outline(text, _LEVELS_ABOVE_MEMBERS))
    except MalformedError:
        return None


def _answerable(document: Json) -> str | None:
    if not isinstance(document, dict) or document.get("type") != _INVOCATION:
        return None
    payload = document.get("payload")
    if not isinstance(payload, dict):
        return None
    try:
        return write_uuid(read_uuid(payload.get("callID")))
    except MalformedError:
        return None


def _as_is(value: Json) -> Json:
    return value


def _read_texts(value: Json) -> tuple[str, ...]:
    return read_array(read_text, value)


def _write_texts(value: tuple[str, ...]) -> Json:
    return [write_text(element) for element in value]


def _read_blobs(value: Json) -> tuple[bytes, ...]:
    return read_array(read_data, value)


def _write_blobs(value: tuple[bytes, ...]) -> Json:
    return [write_data(element) for element in value]


def _read_parameters(value: Json) -> dict[str, str]:
    if not isinstance(value, dict):
        raise MalformedError(f"expected an object, got {kind(value)}")
    found = {}
    for key, content in value.items():
        try:
            found[read_text(key)] = read_text(content)
        except MalformedError as error:
            raise error.inside(key) from None
    return found


def _write_parameters(value: dict[str, str]) -> Json:
    return {**_read_parameters(dict(value))}


def _write_message(value: str) -> Json:
    """An error's text always goes out: what is not Unicode in it is replaced."""
    return value.encode(errors="replace").decode()


_text = partial(Member, read=read_text, write=write_text)
_uuid = partial(Member, read=read_uuid, write=write_uuid)
_data = partial(Member, read=read_data, write=write_data)
_bool = partial(Member, read=read_bool, write=read_bool)
_uint64 = partial(Member, read=read_uint64, write=read_uint64)
_message = partial(Member, read=read_text, write=_write_message)

_ACTOR_ID = Shape(
    TrebuchetActorID,
    (
        _text("id", "id"),
        _text("host", "host", required=False),
        Member("port", "port", read_uint16, read_uint16, required=False),
    ),
)
_FILTER = Shape(
    StreamFilter,
    (
        Member("type", "type", partial(read_word, FilterType), write_text),
        _text("name", "name", required=False),
        Member("parameters", "parameters", _read_parameters, _write_parameters, required=False),
    ),
)
_TRACE_CONTEXT = Shape(
    TraceContext,
    (
        _uuid("traceID", "trace_id"),
        _uuid("spanID", "span_id"),
        _uuid("parentSpanID", "parent_span_id", required=False),
    ),
)

_CALL_ID = _uuid("callID", "call_id")
_STREAM_ID = _uuid("streamID", "stream_id")
_ACTOR = Member("actorID", "actor_id", _ACTOR_ID.read, _ACTOR_ID.write)
_TARGET = _text("targetIdentifier", "target_identifier")
_FAILURE = (_text("code", "code", required=False), _bool("retryable", "retryable", required=False))

_INVOCATION: Final = "invocation"
_LEVELS_ABOVE_MEMBERS: Final = 2
"""The wrapper and its payload."""
_ENVELOPES: Final[tuple[tuple[str, type[Envelope], tuple[Member, ...]], ...]] = (
    (
        _INVOCATION,
        InvocationEnvelope,
        (
            _CALL_ID,
            _ACTOR,
            _TARGET,
            Member("protocolVersion", "protocol_version", read_uint32, read_uint32, required=False),
            # Upstream's page has a message without it, but its code refuses that one (wire format 4.1).
            Member("genericSubstitutions", "generic_substitutions", _read_texts, _write_texts),
            Member("arguments", "arguments", _read_blobs, _write_blobs),
            Member("streamFilter", "stream_filter", _FILTER.read, _FILTER.write, required=False),
            Member("traceContext", "trace_context", _TRACE_CONTEXT.read, _TRACE_CONTEXT.write, required=False),
        ),
    ),
    (
        "response",
        ResponseEnvelope,
        (
            _CALL_ID,
            _data("result", "result", required=False),
            _message("errorMessage", "error_message", required=False),
            *_FAILURE,
        ),
    ),
    (
        "streamStart",
        StreamStartEnvelope,
        (
            _STREAM_ID,
            _CALL_ID,
            _ACTOR,
            _TARGET,
            Member("filter", "filter", _FILTER.read, _FILTER.write, required=False),
            _bool("recovered", "recovered", required=False),
            _uint64("upTo", "up_to", required=False),
            _text("delivery", "delivery", required=False),
        ),
    ),
    (
        "streamData",
        StreamDataEnvelope,
        (
            _STREAM_ID,
            _uint64("sequenceNumber", "sequence_number"),
            _data("data", "data"),
            Member("timestamp", "timestamp", read_date, write_date),
            _uint64("skipped", "skipped", required=False),
        ),
    ),
    (
        "streamEnd",
        StreamEndEnvelope,
        (_STREAM_ID, Member("reason", "reason", partial(read_word, StreamEndReason), write_text)),
    ),
    (
        "streamError",
        StreamErrorEnvelope,
        (_STREAM_ID, _message("errorMessage", "error_message"), *_FAILURE),
    ),
    (
        "streamResume",
        StreamResumeEnvelope,
        (_STREAM_ID, _uint64("lastSequence", "last_sequence"), _ACTOR, _TARGET),
    ),
)
_WRAPPER: Final[Shape[dict[str, Any]]] = Shape(
    dict, (Member("type", "type", read_text, write_text), Member("payload", "payload", _as_is, _as_is))
)
_BY_NAME: Final[dict[str, Shape[Envelope]]] = {name: Shape(build, members) for name, build, members in _ENVELOPES}
_BY_CLASS: Final = {build: (name, _BY_NAME[name]) for name, build, _ in _ENVELOPES}
