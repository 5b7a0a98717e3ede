"""What an authorizer is told of ``auth:`` in trebuche.yaml, as the program writes it into its environment."""

from dataclasses import dataclass
from typing import Any

from trebuche.auth.tokens import Expectation
from trebuche.documents import loads


@dataclass(frozen=True, slots=True, kw_only=True)
class JwtSettings:
    """Whose tokens count, and where the keys are that prove them."""

    expectation: Expectation
    key_set_url: str
    algorithms: frozenset[str]
    principal_claim: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketSettings:
    """Seconds that a ticket may wait to be used, and that the connection which it opens may live."""

    longest: int
    session: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthSettings:
    """The ways in.

    Attributes:
        places: Where credentials are looked for, in this order: ``header``, ``query``, ``protocol``.
        claims: Those that rules speak of; no other is carried along.
    """

    places: tuple[str, ...]
    jwt: JwtSettings | None = None
    tickets: TicketSettings | None = None
    api_keys: bool = False
    claims: tuple[str, ...] = ()

    @property
    def has_secret(self) -> bool:
        """Whether anything is checked against the stack's secret."""
        return self.api_keys or self.tickets is not None


def read_settings(text: str) -> AuthSettings:
    """Settings out of JSON; see ``infra.authorizer`` for who writes it."""
    document: Any = loads(text)
    jwt, tickets = document.get("jwt"), document.get("tickets")
    return AuthSettings(
        places=tuple(document["places"]),
        jwt=_read_jwt(jwt) if jwt else None,
        tickets=TicketSettings(longest=tickets["longest"], session=tickets["session"]) if tickets else None,
        api_keys=bool(document.get("apiKeys")),
        claims=tuple(document.get("claims", ())),
    )


def _read_jwt(jwt: Any) -> JwtSettings:
    return JwtSettings(
        expectation=Expectation(
            issuer=jwt["issuer"], audiences=frozenset(jwt["audience"]), clock_skew=jwt["clockSkew"]
        ),
        key_set_url=jwt["jwksUrl"],
        algorithms=frozenset(jwt["algorithms"]),
        principal_claim=jwt["principalClaim"],
    )
