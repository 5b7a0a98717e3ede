"""Frames of streams and responses, measured before they are sent."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Final
from uuid import UUID

from trebuche.actor_types import WHOLE_STATE
from trebuche.contract import MESSAGE_LIMIT_BYTES
from trebuche.documents import check_nesting, dumps, loads, utf8_bytes
from trebuche.envelopes import ResponseEnvelope, StreamDataEnvelope, encode
from trebuche.errors import MalformedError, ResultTooLargeError, StateError, StateTooLargeError, TooDeepError
from trebuche.ordinary import write_result
from trebuche.scalars import UINT64_MAX, write_uuid

_ANY_STREAM: Final = UUID(int=0)
_ANY_NUMBER: Final = UINT64_MAX
"""Of a frame that nobody gets: base64 text of values comes after both, and time is written otherwise."""


def data_frame(stream_id: UUID, number: int, data: bytes, now_ms: int, *, skipped: int = 0) -> str:
    """A ``streamData`` frame; what those of many subscribers have in common is made once.

    Args:
        stream_id: The subscriber's.
        number: Its sequence number.
        data: JSON document of the observed value.
        now_ms: When it is sent.
        skipped: How many versions were left out before it.

    Raises:
        StateTooLargeError: It is longer than API Gateway carries; a state written past the runtime can be.
        StateError: The stream has no such number: a client may resume close to the last one that there is.
    """
    if not 0 <= number <= UINT64_MAX:
        raise StateError(f"the stream cannot go on: it has no number {number}")
    first, second, third = _around(data, now_ms // 1000, skipped)
    frame = f"{first}{write_uuid(stream_id)}{second}{number}{third}"
    # All of it is ASCII: characters are bytes.
    if (size := len(frame)) > MESSAGE_LIMIT_BYTES:
        raise StateTooLargeError(
            f"the value takes {size} bytes as a frame ({len(data)} bytes of JSON), over the limit of "
            f"{MESSAGE_LIMIT_BYTES}"
        )
    return frame


def response_frame(response: ResponseEnvelope) -> str:
    """A ``response`` frame.

    Raises:
        ResultTooLargeError: It is longer than API Gateway carries.
    """
    frame = write_result(response) or encode(response)
    _check_response(utf8_bytes(frame))
    return frame


def check_result_size(result: bytes) -> None:
    """Refuse a result that no ``response`` frame can carry, before anything is written for it.

    Raises:
        ResultTooLargeError: With size and limit.
    """
    _check_response(_RESPONSE_WITHOUT_RESULT + (len(result) + 2) // 3 * 4)


def check_state(actor_id: str, state: bytes) -> None:
    """Refuse a state that no ``streamData`` frame can carry, or that nobody could read any more.

    An item in the table could hold four times as much.

    Raises:
        StateTooLargeError: With size and limit.
    """
    try:
        check_nesting(state.decode())
    except TooDeepError as error:
        raise StateTooLargeError(f"the state of '{actor_id}' would be {error}; keep it flatter") from None
    size = _LONGEST_WITHOUT_DATA + (len(state) + 2) // 3 * 4
    if size > MESSAGE_LIMIT_BYTES:
        raise StateTooLargeError(
            f"the state of '{actor_id}' would take {size} bytes as a frame ({len(state)} bytes of JSON), over the "
            f"limit of {MESSAGE_LIMIT_BYTES}; keep less in one actor, for example one per key ('name/key')"
        )


@lru_cache(maxsize=32)
def observed(state: bytes, property_key: str) -> bytes:
    """The JSON document of one property of a state; ``null`` where the stored state lacks it.

    Raises:
        StateError: The state, written past the runtime, is no JSON.
    """
    try:
        document = loads(state)
    except MalformedError as error:
        raise StateError(f"the stored state cannot be read: {error}") from error
    if property_key == WHOLE_STATE:
        return state
    return dumps(document.get(property_key) if isinstance(document, dict) else None).encode()


def observed_before(state: bytes | None, property_key: str) -> bytes | None:
    """The same of the version before, for filters to compare with; None when there was none that can be read."""
    try:
        return None if state is None else observed(state, property_key)
    except StateError:
        return None


def _check_response(size: int) -> None:
    if size > MESSAGE_LIMIT_BYTES:
        raise ResultTooLargeError(
            f"the result takes {size} bytes as a frame, over the limit of {MESSAGE_LIMIT_BYTES}; return less"
        )


@lru_cache(maxsize=32)
def _around(data: bytes, now: int, skipped: int) -> tuple[str, str, str]:
    """The texts before, between and after stream id and number."""
    envelope = StreamDataEnvelope(_ANY_STREAM, _ANY_NUMBER, data, datetime.fromtimestamp(now, UTC), skipped or None)
    first, _, rest = encode(envelope).partition(write_uuid(_ANY_STREAM))
    second, _, third = rest.partition(str(_ANY_NUMBER))
    return first, second, third


# With the longest numbers there are: a state that fits now still fits when they have grown.
_LONGEST_WITHOUT_DATA: Final = len(data_frame(UUID(int=0), UINT64_MAX, b"", 0, skipped=UINT64_MAX))
_RESPONSE_WITHOUT_RESULT: Final = len(encode(ResponseEnvelope(UUID(int=0), b"")))
