"""From credentials to whoever shows them: which way in they are meant for, and whether it is open to them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from trebuche.auth.api_keys import SecretDocument, check_api_key, is_api_key
from trebuche.auth.keys import PublicKey, PublishedKey, choose
from trebuche.auth.principals import Principal, principal_name
from trebuche.auth.remembered import Remembered
from trebuche.auth.settings import AuthSettings, JwtSettings, TicketSettings
from trebuche.auth.tickets import KIND, check_ticket, holder
from trebuche.auth.tokens import Token, check_claims, check_signature, read_token
from trebuche.errors import CredentialsError

_ACCESS_TOKENS: Final = frozenset({"jwt", "at+jwt"})
"""Types of token that count; any other was made for something else (RFC 8725, section 3.11)."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who came in, and with what.

    Attributes:
        credential: ``key:<id>``, ``jwt`` or ``ticket``; never the credential itself.
        ticket_id: Of a ticket, which counts only if nobody has used it before; it can be forgotten at ``ticket_end``.
    """

    principal: Principal
    credential: str
    ticket_id: str | None = None
    ticket_end: int = 0


class Identification:
    """Knows whoever may come in.

    Args:
        settings: The ways in.
        key_set: Keys of the issuer of JWTs.
        secret: The stack's secret.
    """

    def __init__(
        self,
        settings: AuthSettings,
        key_set: Remembered[tuple[PublishedKey, ...]],
        secret: Remembered[SecretDocument],
    ) -> None:
        self._settings = settings
        self._key_set = key_set
        self._secret = secret

    def of(self, credentials: str, now: int) -> Identity:
        """Who shows these credentials.

        Raises:
            CredentialsError: Nobody who may come in.
            ServiceError: What they must be held against cannot be reached.
        """
        if is_api_key(credentials):
            return self._by_key(credentials, now)
        token = read_token(credentials)
        if token.kind == KIND and self._settings.tickets:
            return self._by_ticket(token, self._settings.tickets, now)
        if token.kind in _ACCESS_TOKENS and self._settings.jwt:
            return self._by_token(token, self._settings.jwt, now)
        raise CredentialsError("not-accepted", "a kind of credentials that this stack does not take")

    def _by_key(self, text: str, now: int) -> Identity:
        if not self._settings.api_keys:
            raise CredentialsError("not-accepted", "API keys")
        try:
            key_id, principal = check_api_key(text, self._secret.get(), now)
        except CredentialsError as error:
            if error.reason != "unknown-key":
                raise
            key_id, principal = check_api_key(text, self._secret.again(), now)  # it may have been made just now
        return Identity(principal, f"key:{key_id}")

    def _by_ticket(self, token: Token, settings: TicketSettings, now: int) -> Identity:
        key = self._secret.get().ticket_key or self._secret.again().ticket_key
        ticket_id, end, claims = check_ticket(token, key, longest=settings.longest, now=now)
        return Identity(holder(token, claims, now + settings.session), "ticket", ticket_id, end)

    def _by_token(self, token: Token, settings: JwtSettings, now: int) -> Identity:
        if token.algorithm not in settings.algorithms:
            raise CredentialsError("unknown-algorithm")
        check_signature(token, self._key_of(token).verifies)
        until = check_claims(token, settings.expectation, now)
        name = principal_name(token.claims.get(settings.principal_claim))
        return Identity(Principal(name, until, token.claims), "jwt")

    def _key_of(self, token: Token) -> PublicKey:
        """The issuer's key; one that is not known may be newer than what is remembered."""
        sources: tuple[Callable[[], tuple[PublishedKey, ...]], ...] = (self._key_set.get, self._key_set.again)
        for keys in sources:
            if found := choose(keys(), token.key_id, token.algorithm):
                return found
        raise CredentialsError("unknown-key")
