"""The units that AWS bills, under the names that the meter and the price list share. Pure."""

import math
from typing import Final

MESSAGES: Final = "gateway-messages"
"""API Gateway: messages on sockets, both ways, by pieces of 32 KB."""
CONNECTION_MINUTES: Final = "gateway-connection-minutes"
TRANSFER_OUT: Final = "transfer-out-bytes"
"""Bytes of the messages that went to clients."""
INVOCATIONS: Final = "lambda-requests"
READ_UNITS: Final = "dynamodb-read-units"
WRITE_UNITS: Final = "dynamodb-write-units"
STREAM_READS: Final = "dynamodb-stream-reads"
"""GetRecords calls of anybody but Lambda, whose own are free."""
QUEUE_REQUESTS: Final = "sqs-requests"
"""SQS: calls, by pieces of 64 KB."""
LOG_BYTES: Final = "log-bytes"
DISCOVERIES: Final = "cloudmap-discoveries"
CUSTOM_METRICS: Final = "cloudwatch-custom-metrics"
ALARM_METRICS: Final = "cloudwatch-alarm-metrics"
MESSAGE_PIECE_BYTES: Final = 32 * 1024
QUEUE_PIECE_BYTES: Final = 64 * 1024
PLATFORM_LOG_BYTES: Final = 350
"""What Lambda itself logs of an invocation: its start, its end and its report."""
_COMPUTE: Final = {"arm64": "lambda-arm64-gb-seconds", "x86_64": "lambda-x86-gb-seconds"}


def compute_unit(architecture: str) -> str:
    """The unit of a function's run time, which has a price of its own on each architecture."""
    return _COMPUTE[architecture]


def gb_seconds(memory_mb: int, milliseconds: float) -> float:
    """What an invocation is billed: configured memory times duration, which is rounded up to the millisecond."""
    return memory_mb / 1024 * math.ceil(milliseconds) / 1000


def pieces(size: int, of: int) -> int:
    """How many billed pieces a payload has; an empty one is one."""
    return max(1, math.ceil(size / of))


def started_minutes(seconds: float) -> int:
    """Minutes that a connection is billed: each that has begun."""
    return max(1, math.ceil(seconds / 60))
