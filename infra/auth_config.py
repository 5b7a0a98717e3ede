"""``auth:`` of trebuche.yaml: who may come in, and what whoever is in may do."""

import json
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from infra.mistakes import mistake, rule

ALGORITHMS = ("RS256", "ES256", "EdDSA")
PLACES = ("header", "query", "protocol")
SUBJECT = "sub"

_RULES_LIMIT_BYTES = 2_500
"""Rules travel in a function's environment, which holds 4 KB in all (Lambda quota)."""
_LOOPBACK = r"http://127(\.[0-9]{1,3}){3}(:[0-9]+)?/"
"""Plain HTTP to the function's own machine crosses no network; it is for trying an issuer out."""
_CLAIM = re.compile(r"\{([^{}]*)\}")


def as_tuple(value: Any) -> Any:
    """A list as the immutable kind that frozen models hold."""
    return tuple(value) if isinstance(value, list) else value


def _one_or_more(value: Any) -> Any:
    return (value,) if isinstance(value, str) else as_tuple(value)


def _none_twice(values: tuple[str, ...]) -> tuple[str, ...]:
    if not values or len(set(values)) < len(values):
        raise mistake("it must list at least one, and each once")
    return values


def _absent(value: Any) -> Any:
    """``auth: none`` says what its absence says."""
    return None if value == "none" else value


def _claims(value: Any) -> Any:
    """Each claim with the texts, numbers and flags of which it must say one."""
    if not isinstance(value, dict):
        raise mistake("it must be a mapping of claims to a value or a list of values")
    found = {str(name): as_tuple(wanted) if isinstance(wanted, list) else (wanted,) for name, wanted in value.items()}
    if not all(found.values()):
        raise mistake("each claim must have at least one value")
    if any(not isinstance(one, str | int | float) or one == "" for wanted in found.values() for one in wanted):
        raise mistake("the values of claims must be texts, numbers, true or false")
    return found


def _known_braces(actors: str) -> str:
    if "{" in _CLAIM.sub("", actors) or "}" in _CLAIM.sub("", actors) or "{}" in actors:
        raise mistake('braces must hold the name of a claim, as in "todos/{sub}"')
    return actors


Switch = Annotated[bool, rule("true or false")]
Issuer = Annotated[str, Field(min_length=1, max_length=512), rule("the iss of its tokens, a text")]
Audience = Annotated[
    tuple[Annotated[str, Field(pattern=r"^[^*]+$", max_length=512)], ...],
    rule("the aud of its tokens: a text, or a list of texts, without stars"),
    BeforeValidator(_one_or_more),
    AfterValidator(_none_twice),
]
KeySetUrl = Annotated[
    str,
    Field(pattern=rf"^(https://[^/\s]+|{_LOOPBACK})", max_length=512),
    rule(
        "an address that starts with https:// (http:// to a loopback address only), such as https://…/.well-known/jwks.json"
    ),
]
Algorithm = Annotated[
    Literal["RS256", "ES256", "EdDSA"],
    rule(f"one of {', '.join(ALGORITHMS)} (none and the shared-key algorithms have no place here)", ALGORITHMS),
]
Algorithms = Annotated[tuple[Algorithm, ...], BeforeValidator(_one_or_more), AfterValidator(_none_twice)]
Place = Annotated[Literal["header", "query", "protocol"], rule(f"one of {', '.join(PLACES)}", PLACES)]
Places = Annotated[tuple[Place, ...], BeforeValidator(_one_or_more), AfterValidator(_none_twice)]
Skew = Annotated[int, Field(ge=0, le=300), rule("a whole number of seconds from 0 to 300")]
TicketSeconds = Annotated[int, Field(ge=5, le=300), rule("a whole number of seconds from 5 to 300")]
SessionSeconds = Annotated[int, Field(ge=60, le=7_200), rule("a whole number of seconds from 60 to 7200")]
ClaimName = Annotated[str, Field(min_length=1, max_length=128), rule("the name of a claim")]
ActorPattern = Annotated[
    str,
    Field(min_length=1, max_length=256),
    rule('an actor id in which * is any text and {claim} what a claim says, such as "todos/{sub}"'),
    AfterValidator(_known_braces),
]
MethodPattern = Annotated[
    str,
    Field(pattern=r"^[A-Za-z0-9_*]{1,128}$"),
    rule('the name of a method or a stream, in which * is any text, such as "addTodo" or "observe*"'),
]
Methods = Annotated[tuple[MethodPattern, ...], BeforeValidator(_one_or_more), AfterValidator(_none_twice)]
Claims = Annotated[dict[str, tuple[Any, ...]], BeforeValidator(_claims)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class JwtConfig(_Section):
    """Tokens of an issuer."""

    issuer: Issuer = Field(examples=["issuer: https://login.example.com/"])
    audience: Audience = Field(examples=["audience: my-app"])
    jwks_url: KeySetUrl = Field(examples=["jwks_url: https://login.example.com/.well-known/jwks.json"])
    algorithms: Algorithms = ("RS256", "ES256", "EdDSA")
    clock_skew: Skew = 60
    principal: ClaimName = SUBJECT


class TicketConfig(_Section):
    """Tickets for one connection each."""

    seconds: TicketSeconds = 60
    session: SessionSeconds = 3_600


class RuleConfig(_Section):
    """What some may do, or may not."""

    actors: ActorPattern = "*"
    methods: Methods = ("*",)
    claims: Claims = Field(default_factory=dict)
    allow: Switch = True

    @property
    def named_claims(self) -> set[str]:
        """Those that it takes to decide."""
        return {*self.claims, *_CLAIM.findall(self.actors)}


class AuthConfig(_Section):
    """The ways in, and the rules."""

    api_keys: Switch = False
    jwt: JwtConfig | None = None
    tickets: TicketConfig | None = None
    places: Places = ("header", "query", "protocol")
    rules: Annotated[tuple[RuleConfig, ...], BeforeValidator(as_tuple)] = ()

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not (self.api_keys or self.jwt or self.tickets):
            raise mistake("nobody could come in; it must have at least one of api_keys, jwt and tickets, or be none")
        size = len(self.rules_json.encode())
        if size > _RULES_LIMIT_BYTES:
            raise mistake(f"its rules take {size} bytes as JSON; they must not take more than {_RULES_LIMIT_BYTES}")
        return self

    @property
    def has_secret(self) -> bool:
        """Whether something is checked against the stack's secret."""
        return self.api_keys or self.tickets is not None

    @property
    def rules_json(self) -> str:
        """The rules, as functions read them (``trebuche.auth.rules``)."""
        return _compact([_written(one) for one in self.rules])

    @property
    def settings_json(self) -> str:
        """The ways in, as the authorizer reads them (``trebuche.auth.settings``)."""
        claims: set[str] = set().union(*(one.named_claims for one in self.rules)) - {SUBJECT}
        return _compact(
            {
                "places": self.places,
                "apiKeys": self.api_keys,
                "jwt": self.jwt and _written_jwt(self.jwt),
                "tickets": self.tickets and {"longest": self.tickets.seconds, "session": self.tickets.session},
                "claims": sorted(claims),
            }
        )


OptionalAuth = Annotated[AuthConfig | None, BeforeValidator(_absent)]


def _written(one: RuleConfig) -> Mapping[str, object]:
    """A rule without what it leaves at its default."""
    return one.model_dump(exclude_defaults=True)


def _written_jwt(jwt: JwtConfig) -> Mapping[str, object]:
    return {
        "issuer": jwt.issuer,
        "audience": jwt.audience,
        "jwksUrl": jwt.jwks_url,
        "algorithms": jwt.algorithms,
        "clockSkew": jwt.clock_skew,
        "principalClaim": jwt.principal,
    }


def _compact(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
