"""The price list: US dollars by billed unit in us-east-1, each with its source and the day it was read. Pure.

Free tiers and discounts are left out. A source that is "from memory" has not been looked up: check it before a contract
depends on it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType
from typing import Final

from sandbox.meter.units import (
    ALARM_METRICS,
    CONNECTION_MINUTES,
    CUSTOM_METRICS,
    DISCOVERIES,
    INVOCATIONS,
    LOG_BYTES,
    MESSAGES,
    QUEUE_REQUESTS,
    READ_UNITS,
    STREAM_READS,
    TRANSFER_OUT,
    WRITE_UNITS,
    compute_unit,
)

REGION: Final = "us-east-1"
GB: Final = 1e9
"""Bytes: transfer, logs and storage are priced by decimal gigabytes, unlike Lambda's."""
MONTH_HOURS: Final = 730.0
WRITE_CAPACITY_HOURS: Final = "dynamodb-write-capacity-hours"
READ_CAPACITY_HOURS: Final = "dynamodb-read-capacity-hours"
DASHBOARDS: Final = "cloudwatch-dashboards"
ARM: Final = compute_unit("arm64")
X86: Final = compute_unit("x86_64")


@dataclass(frozen=True, slots=True)
class Price:
    """What a unit costs.

    Args:
        service: Whose bill it is on.
        usd: Of one unit.
        per: The same as the service's own page writes it.
        source: Where it was read.
        read: When, as ``YYYY-MM`` or ``YYYY-MM-DD``.
        tiers: Lower prices: from so many units a month on, so much for each further one.
    """

    service: str
    usd: float
    per: str
    source: str
    read: str
    tiers: tuple[tuple[float, float], ...] = ()

    def of(self, amount: float, monthly: bool = False) -> float:
        """US dollars for so many units; of a whole month's if ``monthly``, so that tiers count."""
        if not monthly:
            return amount * self.usd
        steps = pairwise([(0.0, self.usd), *self.tiers, (float("inf"), 0.0)])
        return sum((min(amount, upper) - lower) * usd for (lower, usd), (upper, _) in steps if amount > lower)


_GATEWAY_PAGE: Final = ("API Gateway pricing page", "2026-09-20")
_DYNAMODB_LIST: Final = ("AWS price list, as quoted by public repositories", "2026-09-11")
_LAMBDA_LIST: Final = ("AWS price list, transcript", "2026-09")
_MEMORY: Final = ("from memory", "2026-11")

PRICES: Final[Mapping[str, Price]] = MappingProxyType(
    {
        MESSAGES: Price(
            "API Gateway", 1.00e-6, "$1.00 per million messages of 32 KB", *_GATEWAY_PAGE, ((1e9, 0.80e-6),)
        ),
        CONNECTION_MINUTES: Price("API Gateway", 0.25e-6, "$0.25 per million connection minutes", *_GATEWAY_PAGE),
        INVOCATIONS: Price("Lambda", 0.20e-6, "$0.20 per million requests", *_LAMBDA_LIST),
        ARM: Price(
            "Lambda",
            1.33334e-5,
            "$0.0000133334 per GB-second, arm64",
            *_LAMBDA_LIST,
            ((7.5e9, 1.20001e-5), (18.75e9, 1.06667e-5)),
        ),
        X86: Price(
            "Lambda",
            1.66667e-5,
            "$0.0000166667 per GB-second, x86_64",
            *_MEMORY,
            ((6e9, 1.5e-5), (15e9, 1.33334e-5)),
        ),
        WRITE_UNITS: Price("DynamoDB", 0.625e-6, "$0.625 per million write units on demand", *_DYNAMODB_LIST),
        READ_UNITS: Price("DynamoDB", 0.125e-6, "$0.125 per million read units on demand", *_DYNAMODB_LIST),
        WRITE_CAPACITY_HOURS: Price("DynamoDB", 0.00065, "$0.00065 per write unit and hour", *_DYNAMODB_LIST),
        READ_CAPACITY_HOURS: Price("DynamoDB", 0.00013, "$0.00013 per read unit and hour", *_DYNAMODB_LIST),
        STREAM_READS: Price("DynamoDB", 2e-7, "$0.02 per 100,000 stream reads that are not Lambda's", *_MEMORY),
        QUEUE_REQUESTS: Price("SQS", 0.40e-6, "$0.40 per million requests of 64 KB", *_MEMORY),
        LOG_BYTES: Price(
            "CloudWatch", 0.50 / GB, "$0.50 per GB ingested", "public guides to CloudWatch Logs pricing", "2026-06"
        ),
        CUSTOM_METRICS: Price("CloudWatch", 0.30, "$0.30 per metric and month", *_MEMORY),
        ALARM_METRICS: Price("CloudWatch", 0.10, "$0.10 per alarm metric and month", *_MEMORY),
        DASHBOARDS: Price("CloudWatch", 3.00, "$3.00 per dashboard and month", *_MEMORY),
        DISCOVERIES: Price("Cloud Map", 1.0e-6, "$1.00 per million DiscoverInstances", *_MEMORY),
        TRANSFER_OUT: Price("Data transfer", 0.09 / GB, "$0.09 per GB out, to 10 TB a month", *_MEMORY),
    }
)
