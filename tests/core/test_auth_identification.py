"""Who credentials belong to, and every way in which they belong to nobody."""

import hmac
import json
from hashlib import sha256
from typing import Any

import pytest

from tests.support.tokens import AUDIENCE, ISSUER, Issuer, private_key, published, signed
from trebuche.adapters.memory import ManualClock
from trebuche.auth.api_keys import ApiKey, SecretDocument, digest_of, key_text, read_secret, write_secret
from trebuche.auth.encoding import packed
from trebuche.auth.identify import Identification
from trebuche.auth.keys import read_key_set
from trebuche.auth.principals import Principal
from trebuche.auth.remembered import Patience, Remembered
from trebuche.auth.settings import read_settings
from trebuche.auth.tickets import make_ticket
from trebuche.documents import Json
from trebuche.errors import CredentialsError, MalformedError, ServiceError

NOW = 1_767_225_600
API_KEY = key_text("billing", b"k" * 32)
TICKET_KEY = b"t" * 32
SECRET = SecretDocument(
    {
        "billing": ApiKey(digest_of(API_KEY), Principal("billing", 0, {"role": "service"})),
        "old": ApiKey(digest_of(key_text("old", b"o" * 32)), Principal("billing", NOW)),
    },
    TICKET_KEY,
)
SETTINGS: dict[str, Any] = {
    "places": ["header"],
    "apiKeys": True,
    "jwt": {
        "issuer": ISSUER,
        "audience": [AUDIENCE, "other-app"],
        "jwksUrl": "https://login.example.com/jwks",
        "algorithms": ["RS256", "ES256", "EdDSA"],
        "clockSkew": 30,
        "principalClaim": "sub",
    },
    "tickets": {"longest": 60, "session": 600},
    "claims": [],
}
PATIENCE = Patience(fresh_ms=600_000, pause_ms=10_000, stale_ms=3_600_000)
ISSUING = Issuer("RS256", "ES256", "EdDSA")


class Desk:
    """An identification whose sources can be changed."""

    def __init__(self, **settings: Any) -> None:
        self.clock = ManualClock(NOW * 1000)
        self.key_set: Json = ISSUING.key_set
        self.secret = SECRET
        self.asked = 0
        self.away = False
        self.identification = Identification(
            read_settings(json.dumps({**SETTINGS, **settings})),
            Remembered(lambda: read_key_set(self._answer()), self.clock, PATIENCE),
            Remembered(self._secret, self.clock, PATIENCE),
        )

    def _answer(self) -> Json:
        self.asked += 1
        if self.away:
            raise ServiceError("away")
        return self.key_set

    def _secret(self) -> SecretDocument:
        if self.away:
            raise ServiceError("away")
        return self.secret

    def refusal(self, credentials: str) -> str:
        """Why somebody is refused."""
        with pytest.raises(CredentialsError) as refused:
            self.identification.of(credentials, NOW)
        assert credentials not in str(refused.value) or not credentials
        return refused.value.reason


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_a_token_of_the_issuer_is_its_subjects(algorithm: str) -> None:
    """Until it expires, and not for as long after that as clocks may differ: no frame is sent after ``exp``."""
    found = Desk().identification.of(ISSUING.token(NOW, algorithm, tenant="t1"), NOW)

    assert (found.principal.name, found.principal.until, found.credential) == ("alice", NOW + 3600, "jwt")
    assert found.principal.claims["tenant"] == "t1"


@pytest.mark.parametrize(
    ("reason", "claims"),
    [
        ("expired", {"exp": NOW}),
        ("expired", {"exp": NOW - 29}),
        ("no-expiry", {"exp": None}),
        ("malformed", {"exp": "soon"}),
        ("malformed", {"exp": True}),
        ("not-yet-valid", {"nbf": NOW + 31}),
        ("not-yet-valid", {"iat": NOW + 31}),
        ("wrong-issuer", {"iss": "https://login.example.com"}),
        ("wrong-issuer", {"iss": None}),
        ("wrong-audience", {"aud": "somebody-else"}),
        ("wrong-audience", {"aud": None}),
        ("wrong-audience", {"aud": ["somebody-else", 7]}),
        ("no-subject", {"sub": None}),
        ("no-subject", {"sub": ""}),
        ("no-subject", {"sub": "a" * 257}),
        ("no-subject", {"sub": 7}),
    ],
)
def test_a_token_with_wrong_claims_is_nobodys(reason: str, claims: dict[str, Any]) -> None:
    """Each claim counts."""
    assert Desk().refusal(ISSUING.token(NOW, **claims)) == reason


@pytest.mark.parametrize(
    "claims", [{"exp": NOW + 1}, {"nbf": NOW + 30}, {"iat": NOW + 30}, {"aud": ["x", AUDIENCE]}, {"exp": NOW + 1.5}]
)
def test_clocks_may_differ_and_audiences_may_be_many(claims: dict[str, Any]) -> None:
    """Within the skew a token counts already; one of its audiences is enough."""
    assert Desk().identification.of(ISSUING.token(NOW, **claims), NOW).principal.name == "alice"


def unsigned(algorithm: str, **claims: Any) -> str:
    """A token without a signature."""
    return ISSUING.token(NOW, header={"alg": algorithm}, **claims).rpartition(".")[0] + "."


def hmac_of_public_key() -> str:
    """The classic confusion: HS256 under a public key, which everybody has."""
    key = json.dumps(published(ISSUING.keys["RS256"])).encode()
    header, claims = {"alg": "HS256", "kid": "RS256"}, {"sub": "alice"}
    text = f"{packed(json.dumps(header).encode())}.{packed(json.dumps(claims).encode())}"
    return f"{text}.{packed(hmac.digest(key, text.encode(), sha256))}"


@pytest.mark.parametrize(
    ("reason", "credentials"),
    [
        ("malformed", ""),
        ("malformed", "not a token"),
        ("malformed", "a.b"),
        ("malformed", "a.b.c.d"),
        ("malformed", "e30.e30.!"),
        ("malformed", f"{packed(b'[]')}.{packed(b'{}')}."),
        ("malformed", f"{packed(b'{')}.{packed(b'{}')}."),
        ("malformed", ISSUING.token(NOW, padding="x" * 9_000)),
        ("malformed", ISSUING.token(NOW, header={"crit": ["exp"]})),
        ("unknown-algorithm", unsigned("none")),
        ("unknown-algorithm", unsigned("None")),
        ("unknown-algorithm", unsigned("")),
        ("unknown-algorithm", hmac_of_public_key()),
        ("unknown-algorithm", ISSUING.token(NOW, header={"alg": "RS512"})),
        ("bad-signature", unsigned("ES256")),
        ("bad-signature", Issuer("ES256").token(NOW)),
        ("unknown-key", ISSUING.token(NOW, header={"kid": "another"})),
        ("unknown-key", ISSUING.token(NOW, "ES256", header={"alg": "EdDSA"})),
        ("not-accepted", ISSUING.token(NOW, header={"typ": "logout+jwt"})),
        ("malformed", "tbk_billing"),
        ("malformed", API_KEY + "x"),
        ("unknown-key", key_text("billing", b"x" * 32)),
        ("unknown-key", key_text("nobody", b"k" * 32)),
        ("expired", key_text("old", b"o" * 32)),
    ],
)
def test_forged_or_broken_credentials_are_nobodys(reason: str, credentials: str) -> None:
    """Whatever they pretend to be, and the error never shows them."""
    assert Desk().refusal(credentials) == reason


def test_a_token_without_key_id_is_held_against_the_only_key_of_its_kind() -> None:
    """With two of a kind it would be a guess."""
    desk, token = Desk(), ISSUING.token(NOW, header={"kid": None})
    assert desk.identification.of(token, NOW).principal.name == "alice"

    desk = Desk()
    desk.key_set = {"keys": [published(ISSUING.keys["ES256"]), published(private_key("ES256"))]}
    assert desk.refusal(token) == "unknown-key"


def test_only_algorithms_of_the_configuration_count() -> None:
    """A key of the issuer's that signs with another one is not enough."""
    desk = Desk(jwt={**SETTINGS["jwt"], "algorithms": ["ES256"]})

    assert desk.refusal(ISSUING.token(NOW, "RS256")) == "unknown-algorithm"


def test_a_new_key_is_fetched_when_a_token_names_it() -> None:
    """At once, but for strangers' made-up names no more often than every ten seconds."""
    desk, fresh = Desk(), private_key("ES256")
    desk.identification.of(ISSUING.token(NOW), NOW)
    desk.key_set = {"keys": [published(fresh, kid="fresh")]}
    header = {"alg": "ES256", "kid": "fresh"}
    token = signed(fresh, header, {"iss": ISSUER, "aud": AUDIENCE, "sub": "bob", "exp": NOW + 60})

    assert desk.refusal(token) == "unknown-key"
    desk.clock.pause(10)
    assert desk.identification.of(token, NOW).principal.name == "bob"
    for _ in range(50):
        desk.refusal(ISSUING.token(NOW, header={"kid": "made-up"}))
    assert desk.asked == 2


def test_a_withdrawn_key_stops_to_count() -> None:
    """Ten minutes later at the latest."""
    desk = Desk()
    desk.identification.of(ISSUING.token(NOW), NOW)
    desk.key_set = {"keys": []}
    desk.clock.pause(600)

    assert desk.refusal(ISSUING.token(NOW)) == "unknown-key"


def test_keys_outlive_an_issuer_that_is_away_for_an_hour() -> None:
    """And no longer: then nobody is told that their token is bad, but to try again."""
    desk = Desk()
    desk.identification.of(ISSUING.token(NOW), NOW)
    desk.away = True
    desk.clock.pause(4_199)
    assert desk.identification.of(ISSUING.token(NOW), NOW).principal.name == "alice"

    desk.clock.pause(11)
    with pytest.raises(ServiceError):
        desk.identification.of(ISSUING.token(NOW), NOW)
    with pytest.raises(ServiceError):
        desk.identification.of(ISSUING.token(NOW), NOW)


def test_a_key_that_an_issuer_may_have_made_meanwhile_is_not_called_unknown() -> None:
    """As long as the issuer is away: who shows it is told to come again."""
    desk = Desk()
    desk.identification.of(ISSUING.token(NOW), NOW)
    desk.away = True
    desk.clock.pause(10)

    for _ in range(2):
        with pytest.raises(ServiceError):
            desk.identification.of(ISSUING.token(NOW, header={"kid": "fresh"}), NOW)
    assert desk.identification.of(ISSUING.token(NOW), NOW).principal.name == "alice"


def test_one_bad_key_of_a_set_leaves_the_others_alone() -> None:
    """Sets hold encryption keys, keys of other kinds, and sometimes rubbish."""
    desk = Desk()
    good = published(ISSUING.keys["ES256"], kid="ES256")
    rubbish: list[Json] = [
        7,
        {"kty": "RSA", "n": "AQAB"},
        {"kty": "EC", "crv": "P-521"},
        published(private_key("ES256"), kid="ES256", use="enc"),
        published(private_key("RS256"), kid="x", alg="RS512"),
        good | {"x": "AA"},
    ]
    desk.key_set = {"keys": [*rubbish, good]}

    assert desk.identification.of(ISSUING.token(NOW), NOW).principal.name == "alice"


def test_an_api_key_is_its_principals() -> None:
    """With claims and without an end; the credential's name shows which key it was."""
    found = Desk().identification.of(API_KEY, NOW)

    assert (found.principal, found.credential) == (Principal("billing", 0, {"role": "service"}), "key:billing")


def test_a_key_that_was_made_just_now_counts() -> None:
    """The secret is read again for a key that it did not have."""
    desk = Desk()
    desk.identification.of(API_KEY, NOW)
    text = key_text("new", b"n" * 32)
    desk.secret = SecretDocument({**SECRET.keys, "new": ApiKey(digest_of(text), Principal("reports"))})
    desk.clock.pause(10)

    assert desk.identification.of(text, NOW).principal.name == "reports"


def test_nobody_is_told_that_a_key_is_bad_while_it_cannot_be_looked_up() -> None:
    """It may have been made since: who shows it may try again, and those that are known get in meanwhile."""
    desk = Desk()
    desk.identification.of(API_KEY, NOW)
    text = key_text("new", b"n" * 32)
    desk.secret = SecretDocument({**SECRET.keys, "new": ApiKey(digest_of(text), Principal("reports"))})
    desk.away = True
    desk.clock.pause(10)
    for _ in range(2):  # the second one within the pause between two questions
        with pytest.raises(ServiceError):
            desk.identification.of(text, NOW)
    assert desk.identification.of(API_KEY, NOW).principal.name == "billing"

    desk.away = False
    desk.clock.pause(10)
    assert desk.identification.of(text, NOW).principal.name == "reports"


def test_a_ticket_is_its_holders_for_one_session() -> None:
    """The connection's end is counted from its use, and a ticket can carry claims."""
    ticket = make_ticket(TICKET_KEY, Principal("alice", 0, {"tenant": "t1"}), ticket_id="7", end=NOW + 60)

    found = Desk().identification.of(ticket, NOW)
    assert found.principal == Principal("alice", NOW + 600, {"tenant": "t1"})
    assert (found.credential, found.ticket_id, found.ticket_end) == ("ticket", "7", NOW + 60)


@pytest.mark.parametrize(
    ("reason", "key", "ticket_id", "end"),
    [
        ("bad-signature", b"x" * 32, "7", NOW + 60),
        ("expired", TICKET_KEY, "7", NOW),
        ("lasts-too-long", TICKET_KEY, "7", NOW + 61),
        ("malformed", TICKET_KEY, "", NOW + 60),
        ("malformed", TICKET_KEY, "7" * 129, NOW + 60),
    ],
)
def test_a_wrong_ticket_is_nobodys(reason: str, key: bytes, ticket_id: str, end: int) -> None:
    """Forged, too late, good for too long, or without a name that it could be crossed out by."""
    assert Desk().refusal(make_ticket(key, Principal("alice"), ticket_id=ticket_id, end=end)) == reason


def test_a_ticket_may_count_from_later_on() -> None:
    """As a token may."""
    ticket = make_ticket(TICKET_KEY, Principal("alice", 0, {"nbf": NOW + 9}), ticket_id="7", end=NOW + 60)

    assert Desk().refusal(ticket) == "not-yet-valid"


def test_nobody_makes_tickets_while_there_is_no_key_for_them() -> None:
    """An empty key would be everybody's."""
    desk = Desk()
    desk.secret = SecretDocument()

    assert desk.refusal(make_ticket(b"", Principal("alice"), ticket_id="7", end=NOW + 60)) == "unknown-algorithm"


@pytest.mark.parametrize(
    ("settings", "credentials"),
    [
        ({"apiKeys": False}, API_KEY),
        ({"jwt": None}, ISSUING.token(NOW)),
        ({"tickets": None}, make_ticket(TICKET_KEY, Principal("a"), ticket_id="7", end=NOW + 9)),
    ],
)
def test_a_way_in_that_is_not_configured_is_closed(settings: dict[str, Any], credentials: str) -> None:
    """However good the credentials are."""
    assert Desk(**settings).refusal(credentials) == "not-accepted"


def test_the_secrets_value_comes_back_as_it_was_written() -> None:
    """Digests, principals, claims, ends and the ticket key; never a key itself."""
    text = write_secret(SECRET)

    assert read_secret(text) == SECRET
    assert read_secret("") == SecretDocument()
    assert API_KEY not in text
    assert packed(b"k" * 32) not in text


@pytest.mark.parametrize(
    "text",
    ["[]", '{"keys": []}', '{"keys": {"a": {}}}', '{"keys": {"a": {"sha256": "0", "principal": "p", "until": ""}}}'],
)
def test_a_secret_of_another_shape_is_told(text: str) -> None:
    """It must not be taken for one without keys."""
    with pytest.raises(MalformedError, match="the secret holds"):
        read_secret(text)
