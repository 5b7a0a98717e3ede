"""Times as CloudWatch's protocols write them."""

from datetime import datetime


def seconds_of(value: datetime | float) -> float:
    """Seconds since the epoch: CBOR has times of a kind of their own, JSON has numbers."""
    return value.timestamp() if isinstance(value, datetime) else float(value)
