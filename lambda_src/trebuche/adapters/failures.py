"""botocore's errors as ours, with the operation and what it was about."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from trebuche.errors import ServiceError

_LOST: Final = frozenset({"ConditionalCheckFailed", "TransactionConflict"})


def code_of(error: ClientError) -> str:
    """AWS's name for an error, such as ``ConditionalCheckFailedException``."""
    return str(error.response.get("Error", {}).get("Code", ""))


def describe(error: ClientError) -> str:
    """Operation, code, text and request id on one line."""
    detail = error.response.get("Error", {})
    request_id = error.response.get("ResponseMetadata", {}).get("RequestId", "unknown")
    return f"{error.operation_name}: {detail.get('Code')}: {detail.get('Message')} (request {request_id})"


@contextmanager
def translated(about: str) -> Iterator[None]:
    """Raise botocore's errors as ``ServiceError``; ``about`` says on what, such as ``table my-app-actor-state``."""
    try:
        yield
    except ClientError as error:
        raise ServiceError(f"{about}: {describe(error)}") from error
    except BotoCoreError as error:
        raise ServiceError(f"{about}: {error}") from error


def lost_race(error: ClientError) -> bool:
    """Whether a transaction was cancelled only because another write came first."""
    # In progress: botocore repeats a request whose first copy is still at work; both carry one token.
    if code_of(error) in ("TransactionConflictException", "TransactionInProgressException"):
        return True
    # A reason per item, `None` for those that were fine; with a throttled one among them, more failed than a race.
    reasons = {str(reason.get("Code")) for reason in error.response.get("CancellationReasons", ())}
    return bool(reasons & _LOST) and reasons <= _LOST | {"None"}
