"""What the front and the pump share."""

from dataclasses import dataclass

from sandbox.aws import AwsClient
from sandbox.clock import Clock
from sandbox.functions import Functions


@dataclass(frozen=True, slots=True)
class Services:
    """The sandbox's own services, made once.

    Args:
        aws: Reaches the emulator as an account's root.
        clock: Drives every limit, window and expiry.
        functions: Invokes functions.
    """

    aws: AwsClient
    clock: Clock
    functions: Functions


def services_on(aws: AwsClient) -> Services:
    """The services of a sandbox whose emulator ``aws`` reaches."""
    return Services(aws=aws, clock=Clock(), functions=Functions(aws))
