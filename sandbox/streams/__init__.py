"""DynamoDB streams with shards, order and retention as AWS has them, made from the emulator's one list per table."""

from sandbox.streams.change import Change
from sandbox.streams.log import RETENTION_SECONDS, StreamLog
from sandbox.streams.removals import Removals, TableId
from sandbox.streams.streams import StreamGoneError, Streams

__all__ = ["RETENTION_SECONDS", "Change", "Removals", "StreamGoneError", "StreamLog", "Streams", "TableId"]
