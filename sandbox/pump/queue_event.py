"""Messages of a queue as functions get them, and what functions answer (Lambda developer guide). Pure."""

import json
from collections.abc import Iterable
from typing import Final

from sandbox.aws import Json

_VALUES: Final = ("StringValue", "BinaryValue", "DataType")


def event_of(message: Json, queue_arn: str) -> Json:
    """One entry of ``Records``.

    Args:
        message: As ReceiveMessage answers it, with all attributes.
        queue_arn: The queue's.
    """
    event: Json = {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message.get("Attributes") or {},
        "messageAttributes": {
            name: _attribute(value) for name, value in (message.get("MessageAttributes") or {}).items()
        },
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": queue_arn.split(":")[3],
    }
    if "MD5OfMessageAttributes" in message:
        event["md5OfMessageAttributes"] = message["MD5OfMessageAttributes"]
    return event


def filterable(event: Json) -> Json:
    """What filter patterns see: a body that is a JSON object counts as one, any other as text."""
    try:
        body = json.loads(event["body"])
    except ValueError:
        return event
    return {**event, "body": body} if isinstance(body, dict) else event


def failures(payload: bytes, identifiers: Iterable[str]) -> frozenset[str]:
    """The messages that a ``ReportBatchItemFailures`` answer gives back.

    Nothing, ``{}``, and an empty, null or missing list report none. An answer that is malformed, or names what is not
    in the batch, gives all back.
    """
    everything = frozenset(identifiers)
    try:
        document = json.loads(payload or b"null")
    except ValueError:
        return everything
    if document is None:
        return frozenset()
    entries = document.get("batchItemFailures") or [] if isinstance(document, dict) else None
    if not isinstance(entries, list):
        return everything
    named = [entry.get("itemIdentifier") if isinstance(entry, dict) else None for entry in entries]
    reported = frozenset(name for name in named if isinstance(name, str))
    return reported if len(reported) == len(set(map(str, named))) and reported <= everything else everything


def _attribute(value: Json) -> Json:
    """A message attribute with small first letters; the lists are there, and always empty."""
    given = {name[0].lower() + name[1:]: value[name] for name in _VALUES if name in value}
    return {**given, "stringListValues": [], "binaryListValues": []}
