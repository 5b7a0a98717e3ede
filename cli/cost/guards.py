"""What ``limits`` and ``auth`` take beside the traffic itself. Pure.

``tests/loop/test_predicted_guards.py`` holds it to what the sandbox counts.
"""

from collections.abc import Iterator
from typing import Final

from cli.cost import measured
from cli.cost.step import Step, run
from cli.cost.traffic import Machines, Traffic
from sandbox.meter.units import QUEUE_REQUESTS, READ_UNITS, WRITE_UNITS

LIMITS: Final = "counting frames (limits)"
AUTHORIZER: Final = "authorizer (auth)"
WATCH: Final = "watching over connections (auth, idle_timeout)"
CAUSES: Final = (LIMITS, AUTHORIZER, WATCH)


def guarding_connections(traffic: Traffic, machines: Machines) -> Iterator[Step]:
    """While connections are open: each call is counted, and somebody looks now and then who has to go."""
    yield from _count_frames(traffic.updates, machines)
    if machines.look_seconds:
        looks = traffic.connections * traffic.hours * 3600 / machines.look_seconds
        units = {QUEUE_REQUESTS: measured.LOOK_REQUESTS, READ_UNITS: measured.LOOK_READS}
        yield Step(WATCH, looks, {**units, **run(machines.websocket_mb, measured.LOOK_MS)})


def guarding_arrivals(times: float, machines: Machines) -> Iterator[Step]:
    """When clients connect and subscribe: credentials are looked at, and the first look is put into the queue."""
    yield from _count_frames(times, machines)
    if machines.authorizer_mb:
        units = {READ_UNITS: measured.CREDENTIAL_READS}
        yield Step(AUTHORIZER, times, {**units, **run(machines.authorizer_mb, measured.AUTHORIZE_MS)})
    if machines.look_seconds:
        yield Step(WATCH, times, {QUEUE_REQUESTS: 1})


def _count_frames(times: float, machines: Machines) -> Iterator[Step]:
    """A conditional write for each rate that a frame counts for."""
    if machines.rates:
        yield Step(LIMITS, times, {WRITE_UNITS: machines.rates})
