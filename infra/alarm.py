"""What an alarm is: one metric, and how much of it is too much."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """One metric, and how much of it is too much."""

    watched: str
    """Name of what is watched; the alarm's name starts with it."""
    what: str
    description: str
    namespace: str
    metric: str
    dimensions: Mapping[str, pulumi.Input[str]]
    statistic: str
    """``Sum``, ``Maximum`` or a percentile."""
    above: int
    periods: int
    """How many in a row."""
    period_seconds: int
