"""The event documents that a function gets from a WebSocket API (API Gateway developer guide; field by field)."""

import base64
import json
import os
import secrets
import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from multidict import MultiMapping

from sandbox.aws import Json

_ALPHABET: Final = string.ascii_letters + string.digits


def new_connection_id() -> str:
    """An id in API Gateway's form: 15 characters and ``=``, to be percent-encoded in a path."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(15)) + "="


def new_request_id() -> str:
    """An id in the form of API Gateway's request and message ids."""
    return base64.b64encode(os.urandom(11)).decode()


@dataclass(frozen=True, slots=True)
class ConnectionFacts:
    """What stays the same for the life of a connection."""

    api_id: str
    stage: str
    connection_id: str
    connected_at_ms: int
    domain_name: str
    source_ip: str
    user_agent: str | None
    authorizer: Mapping[str, object] = field(default_factory=dict)

    def named(self) -> dict[str, str]:
        """What faults can be narrowed down to."""
        return {"api": self.api_id, "stage": self.stage, "connection": self.connection_id}

    def identity(self) -> Json:
        """The caller as ``GetConnection`` and ``requestContext`` show it."""
        agent = {} if self.user_agent is None else {"userAgent": self.user_agent}
        return {**agent, "sourceIp": self.source_ip}


def _context(facts: ConnectionFacts, event_type: str, route: str, now_ms: int, extra: Mapping[str, object]) -> Json:
    request_id = new_request_id()
    time = datetime.fromtimestamp(now_ms / 1000, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")
    context: dict[str, Any] = {
        "routeKey": route,
        "eventType": event_type,
        # WebSocket events carry one id under both names.
        "extendedRequestId": request_id,
        "requestTime": time,
        "messageDirection": "IN",
        "stage": facts.stage,
        "connectedAt": facts.connected_at_ms,
        "requestTimeEpoch": now_ms,
        # AWS's sample events show the user agent on `$connect` only.
        "identity": facts.identity() if event_type == "CONNECT" else {"sourceIp": facts.source_ip},
        "requestId": request_id,
        "domainName": facts.domain_name,
        "connectionId": facts.connection_id,
        "apiId": facts.api_id,
        **extra,
    }
    if facts.authorizer:
        context["authorizer"] = dict(facts.authorizer)
    return context


def _event(context: Json, variables: Mapping[str, str], fields: Mapping[str, object]) -> Json:
    stage_variables = {"stageVariables": dict(variables)} if variables else {}
    return {**fields, "requestContext": context, **stage_variables, "isBase64Encoded": False}


def connect_event(
    facts: ConnectionFacts,
    *,
    now_ms: int,
    headers: MultiMapping[str],
    query: MultiMapping[str],
    variables: Mapping[str, str],
) -> Json:
    """The ``$connect`` event: the only one with headers and query of the handshake."""
    fields: dict[str, object] = _both("headers", "multiValueHeaders", headers)
    if query:
        fields |= _both("queryStringParameters", "multiValueQueryStringParameters", query)
    return _event(_context(facts, "CONNECT", "$connect", now_ms, {}), variables, fields)


def message_event(facts: ConnectionFacts, *, route: str, now_ms: int, body: str, variables: Mapping[str, str]) -> Json:
    """A message's event."""
    context = _context(facts, "MESSAGE", route, now_ms, {"messageId": new_request_id()})
    return _event(context, variables, {"body": body})


def disconnect_event(
    facts: ConnectionFacts, *, now_ms: int, code: int, reason: str, variables: Mapping[str, str]
) -> Json:
    """The ``$disconnect`` event, with the close code and reason."""
    # These four, even if empty, are what the sample event of AWS's Rust runtime has.
    headers = {"Host": facts.domain_name, "x-api-key": "", "X-Forwarded-For": "", "x-restapi": ""}
    multi = {name: [value] for name, value in headers.items()}
    extra = {"disconnectStatusCode": code, "disconnectReason": reason}
    context = _context(facts, "DISCONNECT", "$disconnect", now_ms, extra)
    return _event(context, variables, {"headers": headers, "multiValueHeaders": multi})


def problem(message: str, connection_id: str) -> str:
    """What a client reads when the API itself failed it: ``Forbidden``, ``Internal server error`` and so on."""
    return json.dumps({"message": message, "connectionId": connection_id, "requestId": new_request_id()})


def flatten(prefix: str, document: Mapping[str, object]) -> dict[str, object]:
    """The members of a context by their path, ``identity.sourceIp``, as ``$context`` variables name them."""
    flat: dict[str, object] = {}
    for name, value in document.items():
        flat |= flatten(f"{prefix}{name}.", value) if isinstance(value, dict) else {prefix + name: value}
    return flat


def _both(single: str, multi: str, values: MultiMapping[str]) -> dict[str, object]:
    names = list(dict.fromkeys(values.keys()))
    return {
        single: {name: values.getall(name)[-1] for name in names},
        multi: {name: values.getall(name) for name in names},
    }
