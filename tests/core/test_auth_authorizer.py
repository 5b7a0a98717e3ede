"""The authorizer's answers to handshakes, and what of them is remembered and logged."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.core.test_auth_identification import API_KEY, ISSUING, NOW, TICKET_KEY, Desk
from trebuche.adapters.memory import KeptLog
from trebuche.auth.authorizer import Authorizer
from trebuche.auth.principals import Principal
from trebuche.auth.settings import read_settings
from trebuche.auth.tickets import make_ticket
from trebuche.errors import ServiceError

METHOD_ARN = "arn:aws:execute-api:eu-west-1:111122223333:abc/dev/$connect"


class Book:
    """Revocations and used tickets in sets."""

    def __init__(self) -> None:
        self.revoked: set[str] = set()
        self.used: set[str] = set()

    def is_revoked(self, *names: str) -> bool:
        """Whether one of them is."""
        return bool(self.revoked & set(names))

    def use_ticket(self, ticket_id: str, *, now: int, ttl: int) -> bool:
        """Whether it was not used yet."""
        assert now < ttl
        fresh = ticket_id not in self.used
        self.used.add(ticket_id)
        return fresh


class Door:
    """An authorizer with everything around it."""

    def __init__(self, **settings: Any) -> None:
        self.desk = Desk(**settings)
        self.book = Book()
        self.log = KeptLog()
        self._authorizer = Authorizer(
            read_settings(json.dumps({"places": ["header", "query", "protocol"], "tickets": None} | settings)),
            self.desk.identification,
            self.book,
            self.desk.clock,
            self.log,
        )

    def knock(self, headers: dict[str, str] | None = None, **query: str) -> dict[str, Any]:
        """The answer to a handshake."""
        answer = self._authorizer.handle(
            {
                "type": "REQUEST",
                "methodArn": METHOD_ARN,
                "headers": headers or {},
                "queryStringParameters": query,
                "requestContext": {"eventType": "CONNECT", "connectionId": "c1", "requestTimeEpoch": NOW * 1000},
            }
        )
        json.dumps(answer)
        return answer


def effect(answer: dict[str, Any]) -> str:
    """Allow or Deny, on the one resource that was asked about."""
    [statement] = answer["policyDocument"]["Statement"]
    assert statement["Resource"] == METHOD_ARN
    assert statement["Action"] == "execute-api:Invoke"
    return str(statement["Effect"])


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": f"Bearer {API_KEY}"},
        {"authorization": f"bearer  {API_KEY} "},
        {"Sec-WebSocket-Protocol": f"trebuche, {API_KEY}"},
        {"sec-websocket-protocol": f"{API_KEY},trebuche"},
    ],
)
def test_credentials_come_in_headers_whose_names_have_no_case(headers: dict[str, str]) -> None:
    """Programs send Authorization, browsers can only offer sub-protocols."""
    assert effect(Door().knock(headers)) == "Allow"


def test_credentials_come_in_the_query() -> None:
    """As browsers and simple tools send them."""
    assert effect(Door().knock(token=API_KEY)) == "Allow"


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        ({}, {}),
        ({"Authorization": f"Basic {API_KEY}"}, {}),
        ({"Authorization": API_KEY}, {}),
        ({"Sec-WebSocket-Protocol": API_KEY}, {}),
        ({"Sec-WebSocket-Protocol": "trebuche"}, {}),
        ({"X-Api-Key": API_KEY}, {}),
        ({}, {"token": ""}),
        ({}, {"Token": API_KEY}),
    ],
)
def test_credentials_anywhere_else_are_none(headers: dict[str, str], query: dict[str, str]) -> None:
    """What nobody looks at lets nobody in."""
    door = Door()

    assert effect(door.knock(headers, **query)) == "Deny"
    assert json.loads(door.log.lines[0])["code"] == "no-credentials"


def test_places_that_are_not_configured_are_not_looked_at() -> None:
    """A stack can insist on headers."""
    assert effect(Door(places=["header"]).knock(token=API_KEY)) == "Deny"


def test_the_answer_carries_who_it_is_and_until_when() -> None:
    """And of the claims those that rules speak of, as one text: contexts hold no lists."""
    answer = Door(claims=["tenant", "absent"]).knock(token=ISSUING.token(NOW, tenant=["t1"], email="a@example.com"))

    assert answer["principalId"] == "alice"
    assert answer["context"] == {"until": NOW + 3600, "credential": "jwt", "claims": '{"tenant":["t1"]}'}


def test_claims_that_cannot_be_carried_let_nobody_in() -> None:
    """A text that is no Unicode is an answer to its sender, not a failure of the function."""
    door = Door(claims=["name"])

    token = ISSUING.token(NOW, name="\ud800")
    assert effect(door.knock({"Authorization": f"Bearer {token}"})) == "Deny"


def test_claims_that_fit_no_answer_let_nobody_in() -> None:
    """API Gateway would make a failure of it that nobody understands."""
    door = Door(claims=["tenant"])

    assert effect(door.knock(token=ISSUING.token(NOW, tenant="x" * 5_000))) == "Allow"
    assert effect(door.knock(token=ISSUING.token(NOW, tenant=['"' * 1_500] * 2))) == "Deny"


@pytest.mark.parametrize("name", ["billing", "key:billing"])
def test_who_was_revoked_is_refused(name: str) -> None:
    """By name, or by the key."""
    door = Door()
    assert effect(door.knock(token=API_KEY)) == "Allow"
    door.book.revoked.add(name)

    assert effect(door.knock(token=API_KEY)) == "Deny"
    assert json.loads(door.log.lines[-1])["code"] == "revoked"


def test_a_way_in_is_no_name() -> None:
    """Whoever is called ``jwt`` and is revoked takes nobody along."""
    door = Door()
    door.book.revoked = {"jwt"}

    assert effect(door.knock(token=ISSUING.token(NOW))) == "Allow"
    assert effect(door.knock(token=ISSUING.token(NOW, sub="jwt"))) == "Deny"


def test_a_ticket_opens_one_connection() -> None:
    """The second time it is refused, and a revoked holder does not use it up."""
    door = Door(tickets={"longest": 60, "session": 600})
    ticket = make_ticket(TICKET_KEY, Principal("alice"), ticket_id="7", end=NOW + 60)
    door.book.revoked.add("alice")
    assert effect(door.knock(token=ticket)) == "Deny"
    door.book.revoked.clear()

    assert [effect(door.knock(token=ticket)) for _ in range(2)] == ["Allow", "Deny"]
    assert json.loads(door.log.lines[-1])["code"] == "ticket-used"


@pytest.mark.parametrize(
    "credentials",
    [
        lambda: API_KEY,
        lambda: API_KEY + "x",
        lambda: ISSUING.token(NOW),
        lambda: ISSUING.token(NOW, exp=NOW - 100),
        lambda: ISSUING.token(NOW, padding="x" * 9_000),
    ],
)
def test_no_log_and_no_answer_holds_the_credentials(credentials: Callable[[], str]) -> None:
    """Neither of those that count nor of those that do not."""
    door, text = Door(), credentials()
    answer = door.knock({"Authorization": f"Bearer {text}"}, token=text)

    for shown in (json.dumps(answer), *door.log.lines):
        assert text not in shown
        assert all(part not in shown for part in text.split(".") if len(part) > 20)


def test_keys_that_cannot_be_reached_are_nobodys_fault() -> None:
    """The function fails, the client hears 500 and may try again; a refusal would send it away for good."""
    door = Door()
    door.desk.away = True

    with pytest.raises(ServiceError):
        door.knock(token=ISSUING.token(NOW))
