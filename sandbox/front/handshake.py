"""What makes a request a WebSocket handshake (RFC 6455, section 4.2.1)."""

import base64
import binascii
from collections.abc import Mapping
from typing import Final

from aiohttp import HttpVersion11, web

UPGRADE_REQUIRED: Final = 426
BAD_REQUEST: Final = 400
_VERSION: Final = "13"
_KEY_BYTES: Final = 16
OFFER: Final[Mapping[str, str]] = {"Upgrade": "websocket", "Sec-WebSocket-Version": _VERSION}
"""Headers of a 426: what the client should have asked for."""


def refused_status(request: web.BaseRequest) -> int | None:
    """The status of a request that is no handshake; None if it is one."""
    headers = request.headers
    if request.method != "GET" or request.version < HttpVersion11:
        return UPGRADE_REQUIRED
    if "websocket" not in _tokens(headers.get("Upgrade", "")):
        return UPGRADE_REQUIRED
    if headers.get("Sec-WebSocket-Version") != _VERSION:
        return UPGRADE_REQUIRED
    if "upgrade" not in _tokens(headers.get("Connection", "")) or not _is_key(headers.get("Sec-WebSocket-Key", "")):
        return BAD_REQUEST
    return None


def _tokens(value: str) -> set[str]:
    return {token.strip().lower() for token in value.split(",")}


def _is_key(text: str) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) == _KEY_BYTES
    except (binascii.Error, ValueError):
        return False
