"""What a request to DynamoDB Streams says, or how AWS refuses one that says it wrongly."""

import base64
import hashlib
import hmac
import json
import re
import secrets
from dataclasses import asdict, dataclass
from typing import Final

from sandbox.aws import AwsRefusedError, Json

ITERATOR_TYPES: Final = ("AFTER_SEQUENCE_NUMBER", "AT_SEQUENCE_NUMBER", "AT_TIMESTAMP", "LATEST", "TRIM_HORIZON")
_SECRET: Final = secrets.token_bytes(16)
"""Marks the iterators that we have handed out: nobody can make up one, which would be another stream's, say."""
_STREAM_ARN = re.compile(r"arn:aws[a-z-]*:dynamodb:[^:]+:\d{12}:table/[^/]+/stream/[^/]+")
_KINDS: Final = {
    "StreamArn": str,
    "ShardId": str,
    "ShardIterator": str,
    "ShardIteratorType": str,
    "SequenceNumber": str,
    "ExclusiveStartShardId": str,
    "ExclusiveStartStreamArn": str,
    "TableName": str,
    "Limit": int,
    "Timestamp": int | float,
    "ShardFilter": dict,
}
_SEQUENCE = re.compile(r"\d{21,40}")


@dataclass(frozen=True, slots=True)
class Iterator:
    """A place in a shard, as its holder carries it about."""

    stream: str
    shard: int
    position: int
    issued: float

    def token(self) -> str:
        """The text that callers get."""
        text = json.dumps(asdict(self)).encode()
        return base64.urlsafe_b64encode(_mark(text) + text).decode()

    @classmethod
    def parse(cls, token: str) -> "Iterator":
        """Read a token.

        Raises:
            AwsRefusedError: It is none of ours.
        """
        try:
            content = base64.urlsafe_b64decode(token)
        except ValueError as error:
            raise _invalid("Invalid ShardIterator") from error
        mark, text = content[: hashlib.sha256().digest_size], content[hashlib.sha256().digest_size :]
        if not hmac.compare_digest(mark, _mark(text)):
            raise _invalid("Invalid ShardIterator")
        return cls(**json.loads(text))


def _mark(text: bytes) -> bytes:
    return hmac.digest(_SECRET, text, "sha256")


@dataclass(frozen=True, slots=True)
class StreamsRequest:
    """A request's fields; reading one that is not as it must be raises ``AwsRefusedError`` in AWS's words."""

    fields: Json

    @classmethod
    def read(cls, body: bytes) -> "StreamsRequest":
        """Read a request's body; each field must be of its kind, whatever the operation."""
        try:
            fields = json.loads(body)
        except ValueError as error:
            raise AwsRefusedError(400, "SerializationException", "") from error
        if not isinstance(fields, dict):
            raise AwsRefusedError(400, "SerializationException", "Start of structure or map found where not expected.")
        for name, kind in _KINDS.items():
            value = fields.get(name)
            # JSON's true is an int in Python.
            if value is not None and (isinstance(value, bool) or not isinstance(value, kind)):
                raise AwsRefusedError(400, "SerializationException", f"{name} is of another kind")
        return cls(fields)

    @property
    def stream(self) -> str:
        """``StreamArn``."""
        arn = self.text("StreamArn")
        if not _STREAM_ARN.fullmatch(arn):
            raise _invalid("Invalid StreamArn")
        return arn

    @property
    def iterator_type(self) -> str:
        """``ShardIteratorType``."""
        kind = self.text("ShardIteratorType")
        if kind not in ITERATOR_TYPES:
            allowed = f"Member must satisfy enum value set: [{', '.join(ITERATOR_TYPES)}]"
            raise _unmet("ShardIteratorType", kind, allowed)
        return kind

    @property
    def sequence(self) -> int:
        """``SequenceNumber``."""
        text = self.text("SequenceNumber")
        if not _SEQUENCE.fullmatch(text):
            raise _invalid("Invalid SequenceNumber")
        return int(text)

    @property
    def timestamp(self) -> float:
        """``Timestamp``, in seconds since the epoch."""
        value = self.fields.get("Timestamp")
        if value is None:
            raise _unmet("Timestamp", None, "Member must not be null")
        return float(value)

    @property
    def after(self) -> str:
        """``ExclusiveStartShardId``; empty when it is left out."""
        return self.fields.get("ExclusiveStartShardId") or ""

    @property
    def shard_filter(self) -> str | None:
        """The type of ``ShardFilter``, if there is one."""
        return (self.fields.get("ShardFilter") or {}).get("Type")

    def limit(self, most: int) -> int:
        """``Limit``, which is at most ``most``, and that when it is left out."""
        value = self.fields.get("Limit")
        if value is None:
            return most
        if value < 1:
            raise _unmet("Limit", value, "Member must have value greater than or equal to 1")
        return int(min(value, most))

    def text(self, name: str) -> str:
        """A text that must be there."""
        value = self.fields.get(name)
        if not value:
            raise _unmet(name, None, "Member must not be null")
        return str(value)


def _unmet(name: str, value: object, constraint: str) -> AwsRefusedError:
    shown = "null" if value is None else f"'{value}'"
    camel = name[0].lower() + name[1:]
    text = f"1 validation error detected: Value {shown} at '{camel}' failed to satisfy constraint: {constraint}"
    return _invalid(text)


def _invalid(text: str) -> AwsRefusedError:
    return AwsRefusedError(400, "ValidationException", text)
