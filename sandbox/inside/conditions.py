"""Condition keys of policies that the emulator's IAM does not know, or gets wrong for a sandbox.

AWS is called by TLS, a sandbox in plain HTTP: here every call counts as secure, so that ``aws:SecureTransport`` denies
what it would deny at AWS, nothing. ``dynamodb:LeadingKeys`` holds the partition keys that a request names.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ministack.core import iam_actions, iam_evaluator
from ministack.services import dynamodb

SECURE_TRANSPORT = "aws:securetransport"
LEADING_KEYS = "dynamodb:LeadingKeys"


@dataclass(frozen=True)
class LeadingKey:
    """A partition key that a request names.

    Args:
        table: Name of the table.
        value: The key, as a policy compares it: a text, whatever its type.
        action: What a transaction does to it, e.g. ``dynamodb:PutItem``; None: what the request does.
    """

    table: str
    value: str
    action: str | None = None


def install() -> None:
    """Have the emulator's IAM use both keys."""
    iam_evaluator._resolve_condition_key = secure(iam_evaluator._resolve_condition_key)
    iam_actions.dynamodb_service_context = with_leading_keys(iam_actions.dynamodb_service_context)
    iam_evaluator.enforce = by_table(iam_evaluator.enforce)


def secure(resolve: Callable[[str, Any], Any]) -> Callable[[str, Any], Any]:
    """The look-up of a condition key's value, for callers that are taken for secure."""
    return lambda key, context: "true" if key.lower() == SECURE_TRANSPORT else resolve(key, context)


def with_leading_keys(read: Callable[[bytes], dict[str, Any]]) -> Callable[[bytes], dict[str, Any]]:
    """The condition keys of a request to DynamoDB, and the partition keys that it names."""

    def read_all(body: bytes) -> dict[str, Any]:
        try:
            request = json.loads(body or b"{}")
        except ValueError:
            request = None
        keys = list(leading_keys(request)) if isinstance(request, dict) else []
        return {**read(body), LEADING_KEYS: keys}

    return read_all


def by_table(enforce: Callable[..., Any]) -> Callable[..., Any]:
    """The judgement on one action and resource, which sees the keys of this table and of this action only."""

    def judge(access_key_id: str, iam_action: str, *args: Any, **options: Any) -> Any:
        context = dict(options.get("service_context") or {})
        if (keys := context.pop(LEADING_KEYS, None)) is not None:
            table = options.get("resource_arn", "").rpartition(":table/")[2].partition("/")[0]
            own = [key.value for key in keys if key.table == table and key.action in (None, iam_action)]
            options["service_context"] = context | ({LEADING_KEYS: own} if own else {})
        return enforce(access_key_id, iam_action, *args, **options)

    return judge


def leading_keys(request: dict[str, Any]) -> Iterator[LeadingKey]:
    """The partition keys of single, batch and transactional requests and of queries; a Scan and PartiQL name none."""
    if isinstance(name := request.get("TableName"), str):
        yield from keys_in(name, [request.get("Key"), request.get("Item")])
        yield from key_of_query(name, request)
    for name, wanted in objects(request.get("RequestItems")):
        if isinstance(wanted, dict):  # BatchGetItem
            yield from keys_in(name, wanted.get("Keys") or [])
        for write in wanted if isinstance(wanted, list) else []:
            yield from keys_in(name, [part.get("Item") or part.get("Key") for _, part in objects(write)])
    for item in request.get("TransactItems") or []:
        for member, part in objects(item):
            action = iam_actions._DYNAMODB_TRANSACT_ITEM_ACTIONS.get(member)
            yield from keys_in(str(part.get("TableName")), [part.get("Item") or part.get("Key")], action)


def keys_in(name: str, items: list[Any], action: str | None = None) -> Iterator[LeadingKey]:
    """The partition keys of a table's items, or of their keys."""
    if (table := find(name)) is None:
        return
    for item in items:
        if isinstance(item, dict) and (value := item.get(table["pk_name"])):
            yield LeadingKey(table["TableName"], str(next(iter(value.values()))), action)


def key_of_query(name: str, request: dict[str, Any]) -> Iterator[LeadingKey]:
    """The partition key that a Query asks for, of the table or of the index."""
    if (table := find(name)) is None:
        return
    indexes = table.get("GlobalSecondaryIndexes", []) + table.get("LocalSecondaryIndexes", [])
    schemas = [index["KeySchema"] for index in indexes if index["IndexName"] == request.get("IndexName")]
    hashes = [key["AttributeName"] for schema in schemas for key in schema if key["KeyType"] == "HASH"]
    value = dynamodb._key_condition_av(
        request.get("KeyConditionExpression"),
        request.get("KeyConditions"),
        request.get("ExpressionAttributeValues") or {},
        request.get("ExpressionAttributeNames") or {},
        hashes[0] if hashes else table["pk_name"],
    )
    if value:
        yield LeadingKey(table["TableName"], str(next(iter(value.values()))))


def find(name: str) -> dict[str, Any] | None:
    """A table of the caller's by its name or ARN."""
    table: dict[str, Any] | None = dynamodb._tables.get(dynamodb._normalize_table_name(name))
    return table


def objects(value: object) -> list[tuple[str, Any]]:
    """The members of an object; none of anything else."""
    return list(value.items()) if isinstance(value, dict) else []
