"""Revocations and used tickets in DynamoDB.

id                          further attributes
``revoked#<name>``          ttl (s), where it ends by itself
``ticket#<sha256 of jti>``  ttl (s)
"""

from typing import Final

from botocore.exceptions import ClientError

from trebuche.adapters.clients import DynamoDB
from trebuche.adapters.failures import code_of, translated
from trebuche.adapters.items import StoredItem, number, read_number, text
from trebuche.contract import ACCESS_ID, TTL
from trebuche.ports import Clock

_REVOKED: Final = "revoked#"
_TICKET: Final = "ticket#"


class DynamoDBAccessBook:
    """The access table.

    Args:
        client: Gives the DynamoDB client.
        table_name: Name of the table.
        clock: Says what has expired; DynamoDB deletes it in its own time.
    """

    def __init__(self, client: DynamoDB, table_name: str, clock: Clock) -> None:
        self._client = client
        self._table = table_name
        self._clock = clock

    def is_revoked(self, *names: str) -> bool:
        """Whether one of these was taken its right, read strongly."""
        keys = [{ACCESS_ID: text(f"{_REVOKED}{name}")} for name in dict.fromkeys(names)]
        with translated(f"table {self._table}"):
            answer = self._client().batch_get_item(RequestItems={self._table: {"Keys": keys, "ConsistentRead": True}})
            # A key that was not read for lack of capacity must not count as absent.
            while answer["UnprocessedKeys"]:
                more = self._client().batch_get_item(RequestItems=answer["UnprocessedKeys"])
                answer["Responses"].setdefault(self._table, []).extend(more["Responses"].get(self._table, []))
                answer["UnprocessedKeys"] = more["UnprocessedKeys"]
        now = self._clock.now_ms() // 1000
        return any(_counts(item, now) for item in answer["Responses"].get(self._table, []))

    def use_ticket(self, ticket_id: str, *, now: int, ttl: int) -> bool:
        """Note that a ticket was used; False when it had been before."""
        import hashlib  # the authorizer's alone: others look revocations up, and would start later for it

        name = _TICKET + hashlib.sha256(ticket_id.encode()).hexdigest()
        with translated(f"table {self._table}"):
            try:
                self._client().put_item(
                    TableName=self._table,
                    Item={ACCESS_ID: text(name), TTL: number(max(ttl, now) + _KEPT_LONGER)},
                    ConditionExpression=f"attribute_not_exists({ACCESS_ID})",
                )
            except ClientError as error:
                if code_of(error) == "ConditionalCheckFailedException":
                    return False
                raise
        return True

    def revoke(self, name: str, *, ttl: int) -> None:
        """Take a principal or a credential its right until ``ttl`` (seconds since 1970; 0: for good)."""
        item = {ACCESS_ID: text(_REVOKED + name), **({TTL: number(ttl)} if ttl else {})}
        with translated(f"table {self._table}"):
            self._client().put_item(TableName=self._table, Item=item)

    def restore(self, name: str) -> None:
        """Give it back."""
        with translated(f"table {self._table}"):
            self._client().delete_item(TableName=self._table, Key={ACCESS_ID: text(_REVOKED + name)})


_KEPT_LONGER: Final = 3_600
"""Seconds that a used ticket is remembered beyond its end: clocks differ, and after its end nobody takes it anyway."""


def _counts(item: StoredItem, now: int) -> bool:
    return TTL not in item or read_number(item, TTL) > now
