"""What traffic takes of each billed unit: AWS's rules on the life of a call and of a change. Pure.

docs/costs.md writes the same as formulas; ``tests/loop/test_predicted_steps.py`` holds it to what the sandbox counts.
"""

import math
from typing import Final

from cli.cost import measured
from cli.cost.guards import guarding_arrivals, guarding_connections
from cli.cost.prices import DASHBOARDS
from cli.cost.step import Count, Step, run
from cli.cost.traffic import Machines, Traffic
from sandbox.meter.units import (
    ALARM_METRICS,
    CONNECTION_MINUTES,
    CUSTOM_METRICS,
    LOG_BYTES,
    MESSAGE_PIECE_BYTES,
    MESSAGES,
    QUEUE_REQUESTS,
    READ_UNITS,
    TRANSFER_OUT,
    WRITE_UNITS,
    pieces,
)
from sandbox.telemetry.item_units import READ_UNIT_BYTES, WRITE_UNIT_BYTES

CONNECTION_HOURS: Final = 2.0
"""API Gateway ends every connection after two hours; a client connects and resumes again."""
SILENCE_MINUTES: Final = 5.0
"""After which a client says something, so that the gateway does not end its connection."""
PONG_BYTES: Final = len('{"type":"pong"}')


def steady(traffic: Traffic, machines: Machines) -> list[Count]:
    """What the traffic takes while connections are open and nobody comes or goes."""
    steps = (
        _open(traffic),
        _silent(traffic),
        _call(traffic, machines),
        _fan_out(traffic, machines),
        _post(traffic),
        *guarding_connections(traffic, machines),
    )
    return [count for step in steps for count in step.counts()]


def arriving(traffic: Traffic, machines: Machines) -> list[Count]:
    """What connecting, subscribing and leaving take, again after every two hours."""
    times = traffic.connections * max(1, math.ceil(traffic.hours / CONNECTION_HOURS))
    steps = (
        _connect(times, machines),
        _subscribe(times, traffic, machines),
        _remind(times, machines),
        _leave(times, machines),
        *guarding_arrivals(times, machines),
    )
    return [count for step in steps for count in step.counts()]


def standing(machines: Machines, hours: float) -> list[Count]:
    """What costs by the month, and what is asked all the time whether somebody is there or not."""
    polls = measured.QUEUE_POLLS_PER_HOUR * hours * machines.queues
    amounts = {ALARM_METRICS: machines.alarms, CUSTOM_METRICS: machines.metrics, DASHBOARDS: machines.dashboards}
    by_month = [{"unit": unit, "cause": "per month", "amount": amount} for unit, amount in amounts.items() if amount]
    return [*by_month, {"unit": QUEUE_REQUESTS, "cause": "Lambda asks queues", "amount": polls}]


def wire_bytes(value_bytes: float) -> int:
    """Of a frame that carries a value."""
    return math.ceil(measured.FRAME_BYTES + measured.BASE64 * value_bytes)


def write_units(size: float, *, transactional: bool = False) -> int:
    """Of an item of so many bytes."""
    return max(1, math.ceil(size / WRITE_UNIT_BYTES)) * (2 if transactional else 1)


def read_units(size: float) -> int:
    """Of a strongly consistent read of so many bytes."""
    return max(1, math.ceil(size / READ_UNIT_BYTES))


def turn_units(size: int) -> int:
    """Write units of a turn: the state, the journal entry and the call's record in one transaction."""
    return sum(write_units(size + beside, transactional=True) for beside in measured.ITEM_BYTES)


def _open(traffic: Traffic) -> Step:
    return Step("open connections", traffic.connections * traffic.hours * 60, {CONNECTION_MINUTES: 1})


def pings_per_second(traffic: Traffic) -> float:
    """Of all connections; one that hears something often enough sends none."""
    heard_a_minute = traffic.deliveries / traffic.hours / 60 / traffic.connections
    return traffic.connections * max(0.0, 1 / SILENCE_MINUTES - heard_a_minute) / 60


def _silent(traffic: Traffic) -> Step:
    """A ping and its answer, on connections that hear nothing for long."""
    times = pings_per_second(traffic) * traffic.hours * 3600
    return Step("keep-alive", times, {MESSAGES: 2, TRANSFER_OUT: PONG_BYTES})


def _call(traffic: Traffic, machines: Machines) -> Step:
    wire = wire_bytes(traffic.size)
    reads = read_units(traffic.size + measured.ITEM_BYTES[0]) + 1  # the state, and the call's record
    return Step(
        "calls",
        traffic.updates,
        {
            MESSAGES: 2 * pieces(wire, MESSAGE_PIECE_BYTES),
            TRANSFER_OUT: wire,
            WRITE_UNITS: turn_units(traffic.size),
            READ_UNITS: reads,
            **run(machines.actor_mb, measured.CALL_MS),
        },
    )


def _fan_out(traffic: Traffic, machines: Machines) -> Step:
    """Finding the subscribers of a change, and the time that it takes to post to them."""
    time = measured.FAN_OUT_MS + measured.POST_MS * traffic.subscribers
    units = {READ_UNITS: audience_reads(traffic), **run(machines.processor_mb, time)}
    units[LOG_BYTES] += measured.LOG_BYTES_PER_POST * traffic.subscribers
    return Step("fan-out", fan_outs(traffic), units)


def fan_outs(traffic: Traffic) -> float:
    """Changes, or windows of them, that are delivered."""
    return traffic.deliveries / max(1, traffic.subscribers)


def audience_reads(traffic: Traffic) -> float:
    """Read units for the subscribers of one change, on average: where there are many, they are kept for a while."""
    rows = float(read_units(traffic.subscribers * measured.ROW_BYTES))
    if traffic.subscribers < measured.AUDIENCE_ROWS:
        return rows
    apart_seconds = traffic.hours * 3600 / max(1.0, fan_outs(traffic) / traffic.actors)
    return 1 + rows * min(1.0, apart_seconds / measured.AUDIENCE_SECONDS)


def _post(traffic: Traffic) -> Step:
    wire = wire_bytes(traffic.size)
    return Step("deliveries", traffic.deliveries, {MESSAGES: pieces(wire, MESSAGE_PIECE_BYTES), TRANSFER_OUT: wire})


def _connect(times: float, machines: Machines) -> Step:
    return Step("connecting", times, {WRITE_UNITS: 1, **run(machines.websocket_mb, measured.CONNECT_MS)})


def _subscribe(times: float, traffic: Traffic, machines: Machines) -> Step:
    """A frame in; the start of the stream and a snapshot out; rows of the subscription and of the connection."""
    wire = wire_bytes(traffic.size)
    return Step(
        "subscribing",
        times,
        {
            MESSAGES: 2 + pieces(wire, MESSAGE_PIECE_BYTES),
            TRANSFER_OUT: wire + measured.FRAME_BYTES,
            WRITE_UNITS: measured.SUBSCRIBE_WRITES,
            READ_UNITS: measured.SUBSCRIBE_STATE_READS * read_units(traffic.size + measured.ITEM_BYTES[0]),
            **run(machines.actor_mb, measured.SUBSCRIBE_MS),
        },
    )


def _remind(times: float, machines: Machines) -> Step:
    """A worker looks at each new subscription a minute later, in case its catch-up has died."""
    units = {QUEUE_REQUESTS: measured.REMINDER_REQUESTS, READ_UNITS: measured.REMINDER_READS}
    return Step("reminders", times, {**units, **run(machines.actor_mb, measured.CONNECT_MS)})


def _leave(times: float, machines: Machines) -> Step:
    return Step(
        "disconnecting",
        times,
        {
            WRITE_UNITS: measured.LEAVE_WRITES,
            READ_UNITS: measured.LEAVE_READS,
            **run(machines.websocket_mb, measured.LEAVE_MS),
        },
    )
