"""Credentials in a handshake, as API Gateway shows it to an authorizer and to ``$connect``."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from trebuche.errors import CredentialsError

HEADER: Final = "header"
QUERY: Final = "query"
PROTOCOL: Final = "protocol"

SUBPROTOCOL: Final = "trebuche"
"""What a browser offers beside its token; the answer names it and never the token."""
QUERY_NAME: Final = "token"
_BEARER: Final = "bearer "


def find_credentials(event: Mapping[str, Any], places: Iterable[str]) -> str:
    """The credentials that somebody shows, from the first place that has any.

    Raises:
        CredentialsError: There are none.
    """
    readers = {HEADER: _in_header, QUERY: _in_query, PROTOCOL: _in_protocols}
    for place in places:
        if found := readers[place](event):
            return found
    raise CredentialsError("no-credentials")


def chosen_protocol(event: Mapping[str, Any]) -> str | None:
    """What a handshake that offers sub-protocols has to be answered with, lest a browser drops it."""
    return SUBPROTOCOL if SUBPROTOCOL in _protocols(event) else None


def _in_header(event: Mapping[str, Any]) -> str:
    value = _header(event, "authorization")
    return value[len(_BEARER) :].strip() if value.lower().startswith(_BEARER) else ""


def _in_query(event: Mapping[str, Any]) -> str:
    value = _mapping(event.get("queryStringParameters")).get(QUERY_NAME)
    return value if isinstance(value, str) else ""


def _in_protocols(event: Mapping[str, Any]) -> str:
    offered = _protocols(event)
    return next((one for one in offered if one != SUBPROTOCOL), "") if SUBPROTOCOL in offered else ""


def _protocols(event: Mapping[str, Any]) -> list[str]:
    return [one.strip() for one in _header(event, "sec-websocket-protocol").split(",")]


def _header(event: Mapping[str, Any], name: str) -> str:
    """Names of headers have no case, and reach functions as clients wrote them."""
    headers = _mapping(event.get("headers"))
    return next((str(value) for key, value in headers.items() if str(key).lower() == name), "")


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
