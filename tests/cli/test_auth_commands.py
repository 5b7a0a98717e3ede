"""``trebuche keys``, ``ticket`` and ``revoke`` against moto's secret and tables; only the sockets are a fake's."""

import io
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from cli.auth_secret import AuthSecret, read_claims
from cli.aws_clock import AwsClock
from cli.errors import CommandError
from cli.keys import add_key_and_print, list_keys_and_print, remove_key_and_print, ticket_and_print
from cli.output import Output
from cli.revoke import restore_and_print, revoke_and_print
from cli.target import Target
from tests.cli.stack_workshop import Json
from trebuche.adapters.dynamodb_access import DynamoDBAccessBook
from trebuche.adapters.dynamodb_connections import DynamoDBConnectionStorage
from trebuche.adapters.system import SystemClock
from trebuche.auth.api_keys import check_api_key
from trebuche.auth.remembered import SECRET_PATIENCE
from trebuche.auth.tickets import check_ticket
from trebuche.auth.tokens import read_token
from trebuche.errors import CredentialsError
from trebuche.stored import Connection

OUTPUTS = {
    "auth_secret": "my-app-auth",
    "access_table": "my-app-access",
    "connections_table": "my-app-connections",
    "management_endpoint": "https://abc.execute-api.eu-west-1.amazonaws.com/production",
}


class Sockets:
    """API Gateway's management API: notes what is posted and closed."""

    def __init__(self) -> None:
        self.posted: list[tuple[str, Json]] = []
        self.closed: list[str] = []
        self.answers: dict[str, list[str]] = {}
        """Codes of the errors with which connections cannot be closed, one per attempt."""

    def post_to_connection(self, *, ConnectionId: str, Data: bytes) -> None:  # noqa: N803 - boto3's
        """Take a frame."""
        self.posted.append((ConnectionId, json.loads(Data)))

    def delete_connection(self, *, ConnectionId: str) -> None:  # noqa: N803 - boto3's
        """Close."""
        if codes := self.answers.get(ConnectionId):
            raise ClientError({"Error": {"Code": codes.pop(0), "Message": ""}}, "DeleteConnection")
        self.closed.append(ConnectionId)


@dataclass
class Account:
    """A deployed stack's secret and tables, and what was printed."""

    session: boto3.Session
    outputs: Json = field(default_factory=lambda: dict(OUTPUTS))
    sockets: Sockets = field(default_factory=Sockets)
    out: io.StringIO = field(default_factory=io.StringIO)
    err: io.StringIO = field(default_factory=io.StringIO)

    def client(self, service: str, **_: Any) -> Any:
        """A session's clients."""
        return self.sockets if service == "apigatewaymanagementapi" else self.session.client(cast("Any", service))

    @property
    def target(self) -> Target:
        """The stack as commands see it."""
        return cast(
            "Target",
            SimpleNamespace(
                session=self,
                stack=SimpleNamespace(name="production"),
                deployment=SimpleNamespace(outputs=self.outputs),
                describe=lambda: {"stack": "production"},
            ),
        )

    def output(self, *, as_json: bool = True) -> Output:
        """Where a command prints."""
        return Output(as_json=as_json, out=self.out, err=self.err)

    def printed(self) -> Json:
        """The last document."""
        document: Json = json.loads(self.out.getvalue().splitlines()[-1])
        return document

    @property
    def secret(self) -> AuthSecret:
        """Its secret."""
        return AuthSecret.of(self.target)


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    """Empty tables, and a secret without a value, as the program makes it; nobody waits."""
    monkeypatch.setattr(AwsClock, "pause", lambda *_: None)
    with mock_aws():
        session = boto3.Session("a", "b", region_name="eu-west-1")
        session.client("secretsmanager").create_secret(Name="my-app-auth")
        for table, key in (("my-app-access", "id"), ("my-app-connections", "connectionId")):
            session.client("dynamodb").create_table(
                TableName=table,
                KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
                BillingMode="PAY_PER_REQUEST",
            )
        yield Account(session)


def test_a_key_is_printed_once_and_only_its_digest_is_kept(account: Account) -> None:
    """It opens the door as the principal that it was made for, with its claims and until its end."""
    add_key_and_print(account.output(), account.target, "billing", ("role=service", "level=3", "tags=[1]"), 30)

    made = account.printed()
    document = account.secret.read()
    key_id, principal = check_api_key(made["key"], document, int(time.time()))
    assert (key_id, principal.name) == (made["id"], "billing")
    assert principal.claims == {"role": "service", "level": 3, "tags": [1]}
    assert 29 * 86_400 < principal.until - time.time() <= 30 * 86_400
    stored = account.session.client("secretsmanager").get_secret_value(SecretId="my-app-auth")
    assert made["key"] not in stored["SecretString"]


def test_a_key_is_shown_when_no_authorizer_goes_by_what_it_asked_before(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is written first, and then the pause between two questions passes."""
    passed: list[tuple[int, float]] = []
    monkeypatch.setattr(AwsClock, "pause", lambda _, seconds: passed.append((len(account.secret.read().keys), seconds)))
    add_key_and_print(account.output(), account.target, "billing", (), None)

    assert passed == [(1, SECRET_PATIENCE.pause_ms / 1000)]


def test_keys_are_listed_without_themselves_and_removed(account: Account) -> None:
    """What is kept of them opens nothing; a removed one is unknown."""
    for name in ("billing", "reports"):
        add_key_and_print(account.output(), account.target, name, (), None)
    made = account.printed()
    list_keys_and_print(account.output(), account.target)
    listed = account.printed()["keys"]
    assert sorted(one["principal"] for one in listed) == ["billing", "reports"]
    assert "sha256" not in json.dumps(listed)

    remove_key_and_print(account.output(), account.target, made["id"])
    with pytest.raises(CredentialsError, match="unknown-key"):
        check_api_key(made["key"], account.secret.read(), int(time.time()))
    with pytest.raises(CommandError, match="There is no key"):
        remove_key_and_print(account.output(), account.target, made["id"])


def test_a_ticket_is_signed_with_a_key_that_is_made_once(account: Account) -> None:
    """The first ticket makes it; keys of programs stay."""
    add_key_and_print(account.output(), account.target, "billing", (), None)
    tickets = []
    for _ in range(2):
        ticket_and_print(account.output(), account.target, "alice", ("tenant=t1",), 60)
        tickets.append(account.printed()["ticket"])

    document = account.secret.read()
    assert len(document.keys) == 1
    ids = set()
    for text in tickets:
        ticket_id, _, claims = check_ticket(read_token(text), document.ticket_key, longest=60, now=int(time.time()))
        ids.add(ticket_id)
        assert claims == {"tenant": "t1"}
    assert len(ids) == 2


@pytest.mark.parametrize("name", ["", "a\n", "x" * 257])
def test_a_name_that_no_principal_has_is_refused(account: Account, name: str) -> None:
    """Before anything is written."""
    with pytest.raises(CommandError, match="no name for a principal"):
        add_key_and_print(account.output(), account.target, name, (), None)
    assert not account.secret.read().keys


@pytest.mark.parametrize("pair", ["role", "=x", ""])
def test_a_claim_without_name_or_value_is_refused(pair: str) -> None:
    """With an example of one."""
    with pytest.raises(CommandError, match="it must be name=value"):
        read_claims((pair,))


def test_stacks_without_keys_say_what_to_configure(account: Account) -> None:
    """Neither commands for keys nor revocations have anything to work on there."""
    account.outputs.clear()

    with pytest.raises(CommandError, match="takes neither API keys nor tickets"):
        list_keys_and_print(account.output(), account.target)
    with pytest.raises(CommandError, match="asks nobody for credentials"):
        revoke_and_print(account.output(), account.target, "alice", None)


def test_who_is_revoked_is_written_down_told_and_closed(account: Account) -> None:
    """All connections of the principal or the key, whatever page they are on, and nobody else's."""
    tables = account.session.client("dynamodb")
    storage = DynamoDBConnectionStorage(lambda: tables, "my-app-connections")
    book = DynamoDBAccessBook(lambda: tables, "my-app-access", SystemClock())
    stream = UUID(int=7)
    for name, principal, credential in (("c1", "alice", "jwt"), ("c2", "alice", "key:k"), ("c3", "bob", "key:k")):
        storage.register(
            Connection(connection_id=name, connected_at=0, ttl=9, principal=principal, credential=credential)
        )
    storage.note_stream("c1", "todos", stream, 0)

    revoke_and_print(account.output(), account.target, "alice", 24)
    assert account.printed()["closed"] == 2
    assert sorted(account.sockets.closed) == ["c1", "c2"]
    [(told, frame)] = account.sockets.posted
    assert (told, frame["type"], frame["payload"]["code"]) == ("c1", "streamError", "revoked")
    assert book.is_revoked("alice")
    assert not book.is_revoked("bob", "key:k")

    revoke_and_print(account.output(), account.target, "key:k", None)
    assert sorted(account.sockets.closed) == ["c1", "c2", "c2", "c3"]
    restore_and_print(account.output(), account.target, "alice")
    assert not book.is_revoked("alice")
    assert book.is_revoked("key:k")


def test_a_connection_that_is_about_to_open_is_closed_too(account: Account) -> None:
    """It answers 410 like a closed one, and nothing else would ever close it."""
    tables = account.session.client("dynamodb")
    storage = DynamoDBConnectionStorage(lambda: tables, "my-app-connections")
    now_ms = SystemClock().now_ms()
    for name, connected_at in (("opening", now_ms), ("closed", now_ms - 60_000)):
        storage.register(Connection(connection_id=name, connected_at=connected_at, ttl=9, principal="alice"))
    account.sockets.answers = {"opening": ["GoneException"] * 2, "closed": ["GoneException"] * 9}

    revoke_and_print(account.output(), account.target, "alice", None)
    assert account.sockets.closed == ["opening"]


def test_one_that_cannot_be_closed_keeps_no_other_open(account: Account) -> None:
    """It is told all the same."""
    tables = account.session.client("dynamodb")
    storage = DynamoDBConnectionStorage(lambda: tables, "my-app-connections")
    for age, name in enumerate(("c1", "c2")):
        storage.register(Connection(connection_id=name, connected_at=age, ttl=9, principal="alice"))
    account.sockets.answers = {"c1": ["LimitExceededException"]}

    with pytest.raises(CommandError):
        revoke_and_print(account.output(), account.target, "alice", None)
    assert account.sockets.closed == ["c2"]
