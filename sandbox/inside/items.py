"""One more action, which tells what has expired in a table.

Scan would, too, but it holds up everybody else while it goes through all that there is: the emulator does one thing at
a time.
"""

from typing import Any

from ministack.services import dynamodb, sqs

EXPIRED = "SandboxListExpired"


def install() -> None:
    """Add the action to SQS, whose actions can be added to."""
    sqs._HANDLERS[EXPIRED] = list_expired


def list_expired(data: dict[str, Any], _: str) -> dict[str, Any]:
    """Key and time of each item that is due, and when the next one will be; only numbers of seconds are times.

    Args:
        data: ``TableName``, the ``Attribute`` that says when, and the times ``Oldest`` and ``Until`` that bound what
            is due; seconds since the epoch, both included.
    """
    table, attribute, expired, following = dynamodb._tables.get(data["TableName"]), data["Attribute"], [], None
    for item in items_of(table):
        number = item.get(attribute, {}).get("N")
        if number is None or (due := float(number)) < data["Oldest"]:
            continue
        if due <= data["Until"]:
            key = {name: item[name] for name in (table["pk_name"], table["sk_name"]) if name}
            expired.append({"Key": key, "Time": item[attribute]})
        elif following is None or due < following:
            following = due
    return {"Expired": expired, "Next": following}


def items_of(table: dict[str, Any] | None) -> list[dict[str, Any]]:
    """All items of a table, as they are at this moment: threads may write; none when there is no such table."""
    return [item for items in list(table["items"].values()) for item in list(items.values())] if table else []
