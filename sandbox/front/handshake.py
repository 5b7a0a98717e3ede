"""What makes a request a WebSocket handshake (RFC 6455, section 4.2.1), what is handed on of it, and its answers."""

import base64
import binascii
import hashlib
import json
import secrets
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from aiohttp import HttpVersion11, web
from multidict import CIMultiDict, CIMultiDictProxy

from sandbox.front.events import ConnectionFacts
from sandbox.front.outcome import Outcome

UPGRADE_REQUIRED: Final = 426
BAD_REQUEST: Final = 400
PROTOCOL_HEADER: Final = "Sec-WebSocket-Protocol"
_GUID: Final = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_HTTPS_PORT: Final = "443"
_NOT_FORWARDED: Final = ("Connection", "Upgrade", "Keep-Alive")
_VERSION: Final = "13"
_KEY_BYTES: Final = 16
OFFER: Final[Mapping[str, str]] = {"Upgrade": "websocket", "Sec-WebSocket-Version": _VERSION}
"""Headers of a 426: what the client should have asked for."""


def refused_status(request: web.BaseRequest) -> int | None:
    """The status of a request that is no handshake; None if it is one."""
    headers = request.headers
    if request.method != "GET" or request.version < HttpVersion11:
        return UPGRADE_REQUIRED
    if "websocket" not in _tokens(request, "Upgrade"):
        return UPGRADE_REQUIRED
    if headers.get("Sec-WebSocket-Version") != _VERSION:
        return UPGRADE_REQUIRED
    if "upgrade" not in _tokens(request, "Connection") or not _is_key(headers.get("Sec-WebSocket-Key", "")):
        return BAD_REQUEST
    return None


def _tokens(request: web.BaseRequest, name: str) -> set[str]:
    """The members of a header, which may be spread over several lines."""
    return {token.strip().lower() for value in request.headers.getall(name, []) for token in value.split(",")}


def _is_key(text: str) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) == _KEY_BYTES
    except (binascii.Error, ValueError):
        return False


def forwarded_headers(request: web.BaseRequest, facts: ConnectionFacts) -> CIMultiDictProxy[str]:
    """The headers that a function gets: the client's, and those that say how it came."""
    headers = CIMultiDict((name, as_text(value)) for name, value in request.headers.items())
    for name in _NOT_FORWARDED:
        headers.popall(name, None)
    headers["X-Amzn-Trace-Id"] = f"Root=1-{facts.connected_at_ms // 1000:08x}-{secrets.token_hex(12)}"
    headers["X-Forwarded-For"] = facts.source_ip
    headers["X-Forwarded-Port"] = request.host.partition(":")[2] or _HTTPS_PORT
    # API Gateway is reached by TLS only, and a function must not see another scheme here.
    headers["X-Forwarded-Proto"] = "https"
    return CIMultiDictProxy(headers)


def as_text(value: str) -> str:
    """A header's value without bytes that are no UTF-8, which an event, as JSON, cannot hold: they are replaced."""
    return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def accept(key: str, outcome: Outcome) -> web.StreamResponse:
    """The answer that makes a connection a socket, with the sub-protocol that ``$connect`` has chosen."""
    digest = hashlib.sha1(key.encode() + _GUID.encode(), usedforsecurity=False).digest()
    headers = {
        "Upgrade": "websocket",
        "Connection": "upgrade",
        "Sec-WebSocket-Accept": base64.b64encode(digest).decode(),
    }
    if chosen := outcome.headers.get(PROTOCOL_HEADER.lower()):
        headers[PROTOCOL_HEADER] = chosen
    response = web.StreamResponse(status=101, headers=headers)
    response.force_close()
    return response


def refuse_handshake(status: int) -> web.Response:
    """The answer to what is no handshake."""
    refusal = refuse(status, json.dumps({"message": HTTPStatus(status).phrase}))
    if status == UPGRADE_REQUIRED:
        refusal.headers.update(OFFER)
    return refusal


def refuse(status: int, body: str) -> web.Response:
    """An answer that makes no socket."""
    return web.Response(status=status, text=body, content_type="application/json")
