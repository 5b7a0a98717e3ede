"""What the front and the pump share."""

from dataclasses import dataclass

from sandbox.aws import AwsClient
from sandbox.clock import Clock
from sandbox.expiry import DELAY_SECONDS, TimeToLive
from sandbox.faults import Faults
from sandbox.faults.workers import Workers
from sandbox.functions import Events, Functions
from sandbox.functions.deaths import Deaths
from sandbox.meter import Meter
from sandbox.permissions import Permissions
from sandbox.quotas import Quotas
from sandbox.streams import Streams
from sandbox.telemetry import Telemetry


@dataclass(frozen=True, slots=True)
class Services:
    """The sandbox's own services, made once.

    Args:
        aws: Reaches the emulator as an account's root.
        clock: Drives every limit, window and expiry.
        faults: What is to go wrong; nothing at first.
        functions: Invokes functions.
        events: Takes asynchronous invocations.
        workers: The processes that functions run in.
        quotas: What each account may do in each Region.
        telemetry: Metrics and alarms.
        meter: What AWS would bill for.
        streams: Reads DynamoDB streams.
        time_to_live: Which tables expire their items.
        permissions: Judges what services may do, by roles and resource policies.
    """

    aws: AwsClient
    clock: Clock
    faults: Faults
    functions: Functions
    events: Events
    workers: Workers
    quotas: Quotas
    telemetry: Telemetry
    meter: Meter
    streams: Streams
    time_to_live: TimeToLive
    permissions: Permissions


def services_on(aws: AwsClient, quotas: Quotas, *, ttl_delay_seconds: float = DELAY_SECONDS) -> Services:
    """The services of a sandbox.

    Args:
        aws: Reaches the emulator.
        quotas: What each account may do.
        ttl_delay_seconds: How long expired items stay.
    """
    clock = Clock()
    permissions = Permissions(aws)
    faults, workers = Faults(), Workers(aws)
    functions = Functions(
        aws, clock, permissions, deaths=Deaths(faults, workers), concurrent=quotas.concurrent_executions
    )
    events = Events(functions, aws, clock, permissions)
    meter = Meter(clock)
    telemetry = Telemetry(aws, clock, functions, events, meter)
    return Services(
        aws=aws,
        clock=clock,
        faults=faults,
        functions=functions,
        events=events,
        workers=workers,
        quotas=quotas,
        telemetry=telemetry,
        meter=meter,
        streams=Streams(aws, clock),
        time_to_live=TimeToLive(clock, ttl_delay_seconds),
        permissions=permissions,
    )
