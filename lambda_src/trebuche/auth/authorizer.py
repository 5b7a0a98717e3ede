"""API Gateway's REQUEST authorizer: asked once per handshake, and its answer rides with every later frame.

Whoever is refused hears 403, whatever the reason; that is in the log. (A 401 takes an exception, which Lambda counts as
a failure of the function: strangers could ring its alarm.) What the answer cannot be found out about is an exception,
and the client hears 500: it may try again.
"""

from collections.abc import Mapping
from typing import Any, Final, Protocol

from trebuche import logs
from trebuche.auth.handshake import find_credentials
from trebuche.auth.identify import Identification, Identity
from trebuche.auth.principals import Principal, revocable
from trebuche.auth.settings import AuthSettings
from trebuche.documents import Json, dumps, utf8_bytes
from trebuche.errors import CredentialsError, MalformedError
from trebuche.ports import Clock, LogSink, Revocations
from trebuche.socket_events import CLAIMS, CREDENTIAL, UNTIL, read_socket_event

CONTEXT_LIMIT_BYTES: Final = 6_144
"""API Gateway takes answers of 8 KB, policy and escapes included."""


class AccessBook(Revocations, Protocol):
    """What is written down about credentials."""

    def use_ticket(self, ticket_id: str, *, now: int, ttl: int) -> bool:
        """Note that a ticket was used; False when it had been before."""


class Authorizer:
    """Answers the question whether a handshake may go on.

    Args:
        settings: The ways in.
        identification: Knows whoever may come in.
        book: Revocations and used tickets.
        clock: The time, which is never before the handshake's.
        sink: Where one line per handshake goes.
    """

    def __init__(
        self, settings: AuthSettings, identification: Identification, book: AccessBook, clock: Clock, sink: LogSink
    ) -> None:
        self._settings = settings
        self._identification = identification
        self._book = book
        self._clock = clock
        self._sink = sink

    def handle(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """An IAM policy, and what functions are to know of whoever came in.

        Raises:
            ServiceError: Keys, secret or table cannot be reached.
        """
        handshake = read_socket_event(event)
        now = max(handshake.time_ms, self._clock.now_ms()) // 1000
        fields: dict[str, object] = {"connectionId": handshake.caller.connection_id}
        try:
            identity = self._admit(event, now)
        except CredentialsError as error:
            self._sink.write(logs.line(logs.WARNING, "handshake-refused", fields | {"code": error.reason}))
            return _answer("nobody", "Deny", event, {})
        principal = identity.principal
        fields |= {"principal": principal.name, "credential": identity.credential.partition(":")[0]}
        self._sink.write(logs.line(logs.INFO, "handshake-allowed", fields))
        return _answer(principal.name, "Allow", event, self._context(identity))

    def _admit(self, event: Mapping[str, Any], now: int) -> Identity:
        identity = self._identification.of(find_credentials(event, self._settings.places), now)
        try:
            size = utf8_bytes(dumps(self._context(identity)))
        except MalformedError as error:
            raise CredentialsError("malformed", "claims that cannot be carried along") from error
        if size > CONTEXT_LIMIT_BYTES:
            raise CredentialsError("claims-too-large", f"over {CONTEXT_LIMIT_BYTES} bytes")
        if self._book.is_revoked(*revocable(identity.principal.name, identity.credential)):
            raise CredentialsError("revoked")
        # Last, so that a ticket is used up only by whoever gets in.
        if identity.ticket_id and not self._book.use_ticket(identity.ticket_id, now=now, ttl=identity.ticket_end):
            raise CredentialsError("ticket-used")
        return identity

    def _context(self, identity: Identity) -> dict[str, Json]:
        principal: Principal = identity.principal
        carried = {name: principal.claims[name] for name in self._settings.claims if name in principal.claims}
        context: dict[str, Json] = {UNTIL: principal.until, CREDENTIAL: identity.credential}
        return context | ({CLAIMS: dumps(carried)} if carried else {})


def _answer(principal: str, effect: str, event: Mapping[str, Any], context: Mapping[str, Json]) -> dict[str, Any]:
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": event["methodArn"]}
    return {
        "principalId": principal,
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        "context": dict(context),
    }
