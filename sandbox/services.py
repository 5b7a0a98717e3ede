"""What the front and the pump share."""

from dataclasses import dataclass

from sandbox.aws import AwsClient
from sandbox.clock import Clock
from sandbox.functions import Events, Functions


@dataclass(frozen=True, slots=True)
class Services:
    """The sandbox's own services, made once.

    Args:
        aws: Reaches the emulator as an account's root.
        clock: Drives every limit, window and expiry.
        functions: Invokes functions.
        events: Takes asynchronous invocations.
    """

    aws: AwsClient
    clock: Clock
    functions: Functions
    events: Events


def services_on(aws: AwsClient) -> Services:
    """The services of a sandbox whose emulator ``aws`` reaches."""
    clock = Clock()
    functions = Functions(aws, clock)
    return Services(aws=aws, clock=clock, functions=functions, events=Events(functions, aws, clock))
