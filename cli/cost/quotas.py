"""Which of AWS's quotas traffic meets first, and what to ask AWS for. Pure; quotas of us-east-1 for an account."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from cli.cost import measured
from cli.cost.prediction import CONNECTION_HOURS, audience_reads, fan_outs, pings_per_second, turn_units
from cli.cost.traffic import Traffic

GATEWAY_PER_SECOND: Final = 10_000
CONNECTS_PER_SECOND: Final = 500
CONCURRENT_EXECUTIONS: Final = 1_000
TABLE_UNITS_PER_SECOND: Final = 40_000
PARTITION_WRITES_PER_SECOND: Final = 1_000


@dataclass(frozen=True, slots=True)
class Need:
    """What traffic needs of one quota, per second unless the name says otherwise.

    Args:
        quota: Its name.
        needed: By this traffic.
        allowed: Without asking.
        ask: What to write to AWS; what else helps where the quota cannot be raised.
    """

    quota: str
    needed: float
    allowed: float
    ask: str

    @property
    def share(self) -> float:
        """1 is all of it."""
        return self.needed / self.allowed

    @property
    def breaks(self) -> bool:
        """Whether the traffic is too much for it."""
        return self.needed > self.allowed


def needs(traffic: Traffic) -> list[Need]:
    """All quotas, the one that breaks first in front."""
    return sorted(_needs(traffic), key=lambda need: -need.share)


def reconnect_minutes(traffic: Traffic) -> float:
    """How long it takes until all are back after all connections were lost at once."""
    return traffic.connections / CONNECTS_PER_SECOND / 60


def connects_per_second(traffic: Traffic) -> float:
    """New connections, since each lives for two hours."""
    return traffic.connections / (CONNECTION_HOURS * 3600)


def gateway_requests(traffic: Traffic) -> float:
    """Calls, posts, connects and pings a second."""
    deliveries = traffic.deliveries / traffic.hours / 3600
    return traffic.per_second + deliveries + connects_per_second(traffic) + pings_per_second(traffic)


def _needs(traffic: Traffic) -> Iterator[Need]:
    connects = connects_per_second(traffic)
    writes = traffic.per_second * turn_units(traffic.size)
    fan_outs_per_second = fan_outs(traffic) / traffic.hours / 3600
    rows = audience_reads(traffic)
    fan_out_ms = measured.FAN_OUT_MS + measured.POST_MS * traffic.subscribers
    running = (traffic.per_second * measured.CALL_MS + fan_outs_per_second * fan_out_ms) / 1000
    requests = gateway_requests(traffic)
    yield Need(
        "API Gateway requests (calls, posts, pings and connects of the whole account)",
        requests,
        GATEWAY_PER_SECOND,
        f'raise "Throttle rate" of API Gateway (L-8A5B8E43) to {_round(requests)} a second; '
        "the burst cannot be raised. Or a conflation window, or several accounts",
    )
    yield Need(
        "new WebSocket connections",
        connects,
        CONNECTS_PER_SECOND,
        f'raise "New WebSocket connections per second" (L-9ED1E49A) to {_round(connects)}',
    )
    yield Need(
        "open connections (no quota of its own: what can connect within two hours)",
        traffic.connections,
        CONNECTS_PER_SECOND * CONNECTION_HOURS * 3600,
        f'raise "New WebSocket connections per second" (L-9ED1E49A) to {_round(connects)}',
    )
    yield Need(
        "Lambda concurrent executions",
        running,
        CONCURRENT_EXECUTIONS,
        f'raise "Concurrent executions" (L-B99A9384) to {_round(running)}',
    )
    yield Need(
        "write units of one table",
        writes * 2 / 3,  # two of a turn's three items are in the journal
        TABLE_UNITS_PER_SECOND,
        f'raise "Table-level write throughput limit" (L-AB614373) to {_round(writes * 2 / 3)}',
    )
    yield Need(
        "read units of one table",
        fan_outs_per_second * rows,
        TABLE_UNITS_PER_SECOND,
        f'raise "Table-level read throughput limit" (L-CF0CBE56) to {_round(fan_outs_per_second * rows)}',
    )
    yield Need(
        "write units of one actor (a partition of DynamoDB)",
        writes * 2 / 3 / traffic.actors,
        PARTITION_WRITES_PER_SECOND,
        "cannot be raised: make the state smaller, or more actors of it",
    )


def _round(needed: float) -> str:
    """Half as much again, in two figures."""
    wanted = 1.5 * needed
    step = 10 ** max(0, math.floor(math.log10(max(wanted, 1))) - 1)
    return f"{math.ceil(wanted / step) * step:,}"
