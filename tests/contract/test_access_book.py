"""Revocations and used tickets, on DynamoDB as moto has it."""

from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from trebuche.adapters.dynamodb_access import DynamoDBAccessBook
from trebuche.adapters.memory import ManualClock

NOW = 1_767_225_600


@pytest.fixture
def clock() -> ManualClock:
    """It shows NOW."""
    return ManualClock(NOW * 1000)


@pytest.fixture
def book(clock: ManualClock) -> Iterator[DynamoDBAccessBook]:
    """An empty one."""
    with mock_aws():
        client = boto3.Session("a", "b", region_name="eu-west-1").client("dynamodb")
        client.create_table(
            TableName="access",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        yield DynamoDBAccessBook(lambda: client, "access", clock)


def test_a_ticket_is_used_once(book: DynamoDBAccessBook) -> None:
    """Whoever comes second is told so; other tickets are other tickets."""
    assert [book.use_ticket("7", now=NOW, ttl=NOW + 60) for _ in range(3)] == [True, False, False]
    assert book.use_ticket("8", now=NOW, ttl=NOW + 60)


def test_a_revocation_counts_until_its_end(book: DynamoDBAccessBook, clock: ManualClock) -> None:
    """Also while DynamoDB has not deleted it yet, and only for whom it names."""
    book.revoke("alice", ttl=NOW + 60)
    assert book.is_revoked("alice")
    assert book.is_revoked("bob", "alice", "alice")
    assert not book.is_revoked("bob", "key:alice")

    clock.pause(60)
    assert not book.is_revoked("alice")


def test_a_revocation_for_good_ends_when_it_is_undone(book: DynamoDBAccessBook, clock: ManualClock) -> None:
    """No time ends it."""
    book.revoke("key:7", ttl=0)
    clock.pause(10**9)
    assert book.is_revoked("alice", "key:7")

    book.restore("key:7")
    assert not book.is_revoked("alice", "key:7")


def test_a_ticket_and_a_principal_of_one_name_are_two_things(book: DynamoDBAccessBook) -> None:
    """Names are chosen by others."""
    book.use_ticket("alice", now=NOW, ttl=NOW + 60)

    assert not book.is_revoked("alice")
