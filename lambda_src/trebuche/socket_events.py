"""API Gateway's WebSocket events, read without trust, and the answers to them."""

import base64
import binascii
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from trebuche.contract import CONNECTION_TTL_SECONDS
from trebuche.documents import Json, loads
from trebuche.errors import MalformedError
from trebuche.stored import Connection

Reply: TypeAlias = dict[str, Any]
"""``{"statusCode": int, "body": str?}``; the body travels back as a frame through the declared RouteResponse."""

CONNECT: Final = "CONNECT"
DISCONNECT: Final = "DISCONNECT"
MESSAGE: Final = "MESSAGE"

UNTIL: Final = "until"
"""Key of the authorizer's context: when the right to be here ends, in seconds since 1970; 0: never by itself."""
CREDENTIAL: Final = "credential"
"""Another: with what the caller came in, such as ``key:<id>``."""
CLAIMS: Final = "claims"
"""Another: JSON object of the claims that rules speak of."""
COUNTED: Final = "counted"
"""Beside the event of a frame that the websocket function hands on. A client chooses no more than ``body``."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a frame.

    Attributes:
        connected_at: In milliseconds, as ``asked_at``.
        principal: Who that is, as the authorizer found out; None without one.
        asked_at: When API Gateway got the frame, however late it is handled; 0 when the event does not say.
        until: When the right to be here ends, in seconds since 1970; 0: never by itself.
        credential: With what the principal came in, such as ``key:<id>``.
        claims: Those that rules speak of.
        counted: Whether the frame was counted on its way here.
    """

    connection_id: str
    connected_at: int
    principal: str | None = None
    asked_at: int = 0
    until: int = 0
    credential: str | None = None
    claims: Mapping[str, Json] = field(default_factory=dict, hash=False)
    counted: bool = False

    def connection(self, now_ms: int) -> Connection:
        """What is remembered of the caller's connection, for a day from ``now_ms`` on."""
        return Connection(
            connection_id=self.connection_id,
            connected_at=self.connected_at,
            ttl=now_ms // 1000 + CONNECTION_TTL_SECONDS,
            principal=self.principal,
            until=self.until,
            credential=self.credential,
        )


@dataclass(frozen=True, slots=True)
class SocketEvent:
    """One event of one connection.

    Attributes:
        kind: ``CONNECT``, ``DISCONNECT`` or ``MESSAGE``; anything else as it came.
        body: The frame's text; None when there is none.
        time_ms: When it happened; 0 when the event does not say.
    """

    kind: str
    caller: Caller
    body: str | None
    time_ms: int


def read_socket_event(event: Mapping[str, Any]) -> SocketEvent:
    """The event; what is missing or of a wrong type is left empty."""
    context = _mapping(event.get("requestContext"))
    # All that later events bring of $connect: they have no headers and no query (API Gateway guide, WebSocket APIs).
    authorizer = _mapping(context.get("authorizer"))
    time_ms = _milliseconds(context.get("requestTimeEpoch"))
    return SocketEvent(
        kind=str(context.get("eventType") or MESSAGE),
        caller=Caller(
            connection_id=str(context.get("connectionId") or ""),
            connected_at=_milliseconds(context.get("connectedAt")) or time_ms,
            principal=_name(authorizer.get("principalId")),
            asked_at=time_ms,
            until=_end(authorizer.get(UNTIL)),
            credential=_text(authorizer.get(CREDENTIAL)),
            claims=_claims(authorizer.get(CLAIMS)),
            counted=event.get(COUNTED) is True,
        ),
        body=_body(event),
        time_ms=time_ms,
    )


def reply(status_code: int, body: str | None = None) -> Reply:
    """An answer; without body the client gets nothing."""
    return {"statusCode": status_code} if body is None else {"statusCode": status_code, "body": body}


def welcome(protocol: str | None) -> Reply:
    """The answer to a connect; a sub-protocol that was offered and is not named in it makes a browser hang up."""
    return reply(200) if protocol is None else {**reply(200), "headers": {"Sec-WebSocket-Protocol": protocol}}


def _body(event: Mapping[str, Any]) -> str | None:
    body = _text(event.get("body"))
    if body is None or event.get("isBase64Encoded") is not True:
        return body
    try:
        return base64.b64decode(body, validate=True).decode()
    except (binascii.Error, ValueError):
        return None


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _name(value: object) -> str | None:
    """A principal, in the form that actor ids have, whoever's authorizer named it."""
    text = _text(value)
    return None if text is None else unicodedata.normalize("NFC", text)


def _end(value: object) -> int:
    """The end of a right, in the authorizer's context, all of which arrives as text; what is no time has passed."""
    if value is None:
        return 0
    return int(str(value)) if str(value).isdecimal() else 1


def _claims(value: object) -> Mapping[str, Json]:
    try:
        return _mapping(loads(value)) if isinstance(value, str) else {}
    except MalformedError:
        return {}


def _milliseconds(value: object) -> int:
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0
