"""What DynamoDB answers when a table's capacity is used up (developer guide, "Error handling with DynamoDB")."""

import json
import uuid
from collections.abc import Collection
from typing import Final

from multidict import CIMultiDict, CIMultiDictProxy

from sandbox.aws import Answer, Json
from sandbox.faults.dynamodb import ItemsRequest

PROVISIONED: Final = (
    "ProvisionedThroughputExceededException",
    "The level of configured provisioned throughput for the table was exceeded. "
    "Consider increasing your provisioning level with the UpdateTable API.",
)
"""Name and text of the error of a table with provisioned capacity."""
ON_DEMAND: Final = (
    "ThrottlingException",
    "Throughput exceeds the maximum OnDemandThroughput configured on table or index.",
)
"""And of one whose capacity on demand has a most of its own."""
NO_REASON: Final = {"Code": "None"}
THROTTLED: Final = {
    "Code": "ThrottlingError",
    "Message": "Throughput exceeds the current capacity of your table or index.",
}
_TRANSACTIONS: Final = frozenset({"TransactWriteItems", "TransactGetItems", "ExecuteTransaction"})
_UNPROCESSED: Final = {"BatchWriteItem": "UnprocessedItems", "BatchGetItem": "UnprocessedKeys"}


def throttled(request: ItemsRequest, tables: Collection[str], error: tuple[str, str] = PROVISIONED) -> Answer:
    """The answer to a request of which these tables are throttled.

    A transaction is cancelled with a reason for each part. A batch gives everything back as unprocessed as long as not
    all of its tables are throttled. Anything else fails as a whole.
    """
    if request.operation in _TRANSACTIONS:
        return _cancelled([THROTTLED if table in tables else NO_REASON for table in request.tables])
    field = _UNPROCESSED.get(request.operation)
    if field is None or set(request.tables) <= set(tables):
        code, message = error
        return _error(code, {"message": message})
    nothing: Json = {"Responses": {}} if request.operation == "BatchGetItem" else {}
    return _answer(200, {**nothing, field: request.document["RequestItems"]})


def _cancelled(reasons: list[dict[str, str]]) -> Answer:
    codes = ", ".join(reason["Code"] for reason in reasons)
    text = f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]"
    return _error("TransactionCanceledException", {"Message": text, "CancellationReasons": reasons})


def _error(code: str, fields: Json) -> Answer:
    return _answer(400, {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", **fields})


def _answer(status: int, document: Json) -> Answer:
    headers = {"Content-Type": "application/x-amz-json-1.0", "x-amzn-RequestId": str(uuid.uuid4())}
    return Answer(status, CIMultiDictProxy(CIMultiDict(headers)), json.dumps(document).encode())
