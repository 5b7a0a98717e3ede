"""Envelopes as the text that goes over a socket, and what comes back that is no envelope."""

from dataclasses import dataclass

from trebuche.contract import MESSAGE_LIMIT_BYTES
from trebuche.documents import dumps, loads
from trebuche.envelopes import Envelope, decode, encode
from trebuche.errors import MalformedError, ProtocolError
from trebuche_client.errors import MessageTooLargeError

PING = '{"action":"ping"}'
"""A frame that API Gateway answers by itself: it keeps a silent connection open and reaches no function."""


@dataclass(frozen=True, slots=True)
class GatewayError:
    """API Gateway's own error document: a function failed, or a limit was hit. It names no call.

    Args:
        message: Its text, such as ``Internal server error``.
        request_id: What its logs call the request.
    """

    message: str
    request_id: str


def to_text(envelope: Envelope, actor_id: str) -> str:
    """The frame of an envelope; ``action`` lets the gateway go straight to the actor's function.

    Raises:
        MessageTooLargeError: API Gateway would close the connection because of it.
    """
    document = loads(encode(envelope))
    assert isinstance(document, dict)
    text = dumps({"action": actor_id.partition("/")[0], **document})
    size = len(text.encode())
    if size > MESSAGE_LIMIT_BYTES:
        raise MessageTooLargeError(size, MESSAGE_LIMIT_BYTES)
    return text


def from_text(text: str) -> Envelope | GatewayError | None:
    """What a frame says; None for one that is none of ours."""
    try:
        return decode(text)
    except ProtocolError:
        return _gateway_error(text)


def _gateway_error(text: str) -> GatewayError | None:
    try:
        document = loads(text)
    except MalformedError:
        return None
    match document:
        case {"message": str(message), "requestId": str(request_id)}:
            return GatewayError(message, request_id)
    return None
