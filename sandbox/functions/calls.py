"""What is asked of a function, and what came of it."""

from dataclasses import dataclass
from typing import Final

from sandbox.aws import Invocation
from sandbox.functions.concurrency import InFlight
from sandbox.functions.facts import Machine
from sandbox.functions.reference import FunctionReference

THROTTLED: Final = 429
NOT_PERMITTED: Final = 403
"""Status of an invocation that the function's resource policy does not allow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One invocation that a service asks for.

    Args:
        function_arn: With or without a version or alias.
        payload: The event, as JSON.
        timeout: Seconds until the caller gives up; the function goes on running.
        newest_record: When the last record of a stream's batch was written, in seconds since the epoch.
        principal: The service that the function's resource policy must let in; None when Lambda itself calls.
        source_arn: On whose behalf the service calls: a route or an authorizer of an API, say.
        credentials: ARN of the role that the service calls in; then that role's policies count, the function's not.
        holds_time: Whether time that is turned waits for its end.
    """

    function_arn: str
    payload: bytes
    timeout: float = 900.0
    newest_record: float | None = None
    principal: str | None = None
    source_arn: str = ""
    credentials: str | None = None
    holds_time: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """One invocation that is over; ``began`` is a time of the sandbox's clock.

    Args:
        function: As the caller named it, with its alias or version.
        invocation: What came of it; status 429 when it did not run for want of concurrency.
        began: Seconds since the epoch.
        duration_ms: How long it took.
        in_flight: What else ran when it began.
        machine: What it ran on.
        iterator_age_ms: How old a stream's batch was.
        logged: Whether the function's role lets its log be written.
    """

    function: FunctionReference
    invocation: Invocation
    began: float
    duration_ms: float
    in_flight: InFlight
    machine: Machine
    iterator_age_ms: float | None = None
    logged: bool = True

    @property
    def throttled(self) -> bool:
        """Whether it was refused for want of concurrency."""
        return self.invocation.status == THROTTLED
