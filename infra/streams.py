"""From the state table's stream to the stream processor."""

from dataclasses import dataclass

import pulumi
from pulumi_aws import lambda_, sqs

from infra.function import LambdaFunction
from infra.grants import Grant

BATCH_SIZE = 100
RETRIES = 10
MAXIMUM_AGE_SECONDS = 300
"""A push that is older helps nobody; subscribers catch up from the journal."""
FAILURE_RETENTION_SECONDS = 1_209_600
"""14 days, the longest that SQS keeps a message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureQueueArgs:
    """A queue's name."""

    queue_name: str


class FailureQueue(pulumi.ComponentResource):
    """Where the stream's position goes when its records could not be processed."""

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
        self.arn = queue.arn
        self.url = queue.url
        self.register_outputs({"arn": self.arn})

    def grant_send(self) -> Grant:
        """Lambda sends what failed with the function's own role."""
        return Grant("Failures", ("sqs:SendMessage",), (self.arn,))


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamSubscriptionArgs:
    """A stream, who follows it, and where failures go."""

    stream_arn: pulumi.Input[str]
    function: LambdaFunction
    failures: FailureQueue


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
            batch_size=BATCH_SIZE,
            maximum_retry_attempts=RETRIES,
            maximum_record_age_in_seconds=MAXIMUM_AGE_SECONDS,
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
