"""DynamoDB as botocore's client has it, as far as the tables need it: its operations, pages and attribute values."""

from binascii import a2b_base64
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

from trebuche.adapters.json_service import JsonService
from trebuche.adapters.service_http import Document
from trebuche.immutable import immutable


class DynamoDBHttp(JsonService):
    """The operations by botocore's names, with its arguments, answers and errors."""

    def get_item(self, **request: Any) -> Document:
        """Read an item; the answer lacks ``Item`` when there is none."""
        return self.call("GetItem", request)

    def put_item(self, **request: Any) -> Document:
        """Write an item."""
        return self.call("PutItem", request)

    def update_item(self, **request: Any) -> Document:
        """Change an item."""
        return self.call("UpdateItem", request)

    def delete_item(self, **request: Any) -> Document:
        """Delete an item."""
        return self.call("DeleteItem", request)

    def batch_get_item(self, **request: Any) -> Document:
        """Read several items."""
        return self.call("BatchGetItem", request)

    def query(self, **request: Any) -> Document:
        """One page of the items of a partition."""
        return self.call("Query", request)

    def scan(self, **request: Any) -> Document:
        """One page of the items of a table."""
        return self.call("Scan", request)

    def transact_write_items(self, **request: Any) -> Document:
        """Write several items or none, once: all attempts carry one token."""
        return self.call("TransactWriteItems", {"ClientRequestToken": str(uuid4()), **request})

    def get_paginator(self, operation: str) -> "Pages":
        """All pages of ``query`` or ``scan``."""
        return Pages({"query": self.query, "scan": self.scan}[operation])


@immutable
class Pages:
    """An operation that answers in pages."""

    ask: Callable[..., Document]

    def paginate(self, **request: Any) -> Iterator[Document]:
        """The pages, each asked for when it is needed."""
        page = self.ask(**request)
        yield page
        while start := page.get("LastEvaluatedKey"):
            page = self.ask(**request, ExclusiveStartKey=start)
            yield page


def with_bytes(part: Document) -> Document:
    """An object of an answer, with bytes where it is an attribute value that stands for some.

    Nothing else looks like one: what an item calls ``B`` is an attribute value, never a text.
    """
    if len(part) == 1:
        if type(text := part.get("B")) is str:
            return {"B": a2b_base64(text)}
        if type(texts := part.get("BS")) is list:
            return {"BS": [a2b_base64(text) for text in texts]}
    return part
