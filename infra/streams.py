"""From the state table's stream to the stream processor."""

from dataclasses import dataclass

import pulumi
from pulumi_aws import lambda_, sqs

from infra.function import LambdaFunction
from infra.grants import Grant

FAILURE_RETENTION_SECONDS = 1_209_600
"""14 days, the longest that SQS keeps a message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureQueueArgs:
    """A queue's name."""

    queue_name: str


class FailureQueue(pulumi.ComponentResource):
    """Where the stream's position goes when its records could not be processed."""

    queue_name: str
    arn: pulumi.Output[str]
    url: pulumi.Output[str]

    def __init__(self, name: str, args: FailureQueueArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("trebuche:aws:FailureQueue", name, {}, opts)
        queue = sqs.Queue(
            f"{name}-queue",
            name=args.queue_name,
            message_retention_seconds=FAILURE_RETENTION_SECONDS,
            sqs_managed_sse_enabled=True,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.queue_name = args.queue_name
        self.arn = queue.arn
        self.url = queue.url
        self.register_outputs({"arn": self.arn})

    def grant_send(self) -> Grant:
        """Lambda sends what failed with the function's own role."""
        return Grant("Failures", ("sqs:SendMessage",), (self.arn,))


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How a stream is handed over; the caps end every retry."""

    batch_size: int
    """The most records of one invocation."""
    batch_window_seconds: int
    """How long records may wait for more of them; 0 hands over what is there."""
    parallelization_factor: int
    """Batches of one shard at the same time; those of one actor stay in order."""
    retries: int
    maximum_age_seconds: int
    """Older records are given up: subscribers have long caught up from the journal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamSubscriptionArgs:
    """A stream, who follows it, and where failures go."""

    stream_arn: pulumi.Input[str]
    function: LambdaFunction
    failures: FailureQueue
    pace: Pace


class StreamSubscription(pulumi.ComponentResource):
    """The mapping, with an end to every retry: one bad record would else hold up its shard for a day."""

    def __init__(self, name: str, args: StreamSubscriptionArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("trebuche:aws:StreamSubscription", name, {}, opts)
        lambda_.EventSourceMapping(
            f"{name}-mapping",
            event_source_arn=args.stream_arn,
            function_name=args.function.alias_arn,
            # LATEST would lose what is written while the mapping is being made.
            starting_position="TRIM_HORIZON",
            batch_size=args.pace.batch_size,
            maximum_batching_window_in_seconds=args.pace.batch_window_seconds,
            parallelization_factor=args.pace.parallelization_factor,
            maximum_retry_attempts=args.pace.retries,
            maximum_record_age_in_seconds=args.pace.maximum_age_seconds,
            # A split leaves the bad record alone in the end, and uses up no retry.
            bisect_batch_on_function_error=True,
            function_response_types=["ReportBatchItemFailures"],
            destination_config=lambda_.EventSourceMappingDestinationConfigArgs(
                on_failure=lambda_.EventSourceMappingDestinationConfigOnFailureArgs(
                    destination_arn=args.failures.arn,
                ),
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})
