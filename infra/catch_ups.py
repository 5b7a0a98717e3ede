"""The queues that remind actors' functions of subscribers who are late, and the way from them to the functions.

One queue per actor type: only its own function can read, migrate or make its states.
"""

from dataclasses import dataclass

import pulumi
from pulumi_aws import lambda_, sqs

from infra.function import LambdaFunction
from infra.grants import Grant

RETENTION_SECONDS = 7_800
"""Longer than API Gateway keeps a connection (two hours): what is older is about nobody who is still there."""
VISIBILITY_TIMEOUTS = 6
"""Times the function's timeout: what AWS asks for, so that no message comes again while it is being worked on."""
BATCH_SIZE = 10
CONCURRENCY = 10
"""Of one type's workers: calls need the account's environments more than late subscribers do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CatchUpQueueArgs:
    """A queue's name, and how long its messages are worked on."""

    queue_name: str
    function_timeout_seconds: int


class CatchUpQueue(pulumi.ComponentResource):
    """Reminders for one actor type. What comes too late is forgotten: there is nothing to redrive."""

    queue_name: str
    arn: pulumi.Output[str]
    url: pulumi.Output[str]

    def __init__(self, name: str, args: CatchUpQueueArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("trebuche:aws:CatchUpQueue", name, {}, opts)
        visibility_seconds = VISIBILITY_TIMEOUTS * args.function_timeout_seconds
        queue = sqs.Queue(
            f"{name}-queue",
            name=args.queue_name,
            visibility_timeout_seconds=visibility_seconds,
            # Long enough for a second attempt, whatever the function's timeout.
            message_retention_seconds=max(RETENTION_SECONDS, 2 * visibility_seconds),
            sqs_managed_sse_enabled=True,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.queue_name = args.queue_name
        self.arn = queue.arn
        self.url = queue.url
        self.register_outputs({"arn": self.arn})

    def grant_work(self) -> tuple[Grant, ...]:
        """Take messages, as Lambda does it in the function's name, and put off what a subscriber is too slow for."""
        actions = ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")
        return (
            Grant("CatchUps", tuple(f"sqs:{action}" for action in actions), (self.arn,)),
            Grant("PutOffs", ("sqs:SendMessage",), (self.arn,)),
        )


def grant_remind(queues: list[CatchUpQueue]) -> Grant:
    """Remind every type's workers."""
    return Grant("Reminders", ("sqs:SendMessage",), tuple(queue.arn for queue in queues))


@dataclass(frozen=True, slots=True, kw_only=True)
class CatchUpWorkerArgs:
    """A queue, and whose messages it holds."""

    queue: CatchUpQueue
    function: LambdaFunction


class CatchUpWorker(pulumi.ComponentResource):
    """The mapping from a queue to its actor type's function."""

    def __init__(self, name: str, args: CatchUpWorkerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("trebuche:aws:CatchUpWorker", name, {}, opts)
        lambda_.EventSourceMapping(
            f"{name}-mapping",
            event_source_arn=args.queue.arn,
            function_name=args.function.alias_arn,
            batch_size=BATCH_SIZE,
            function_response_types=["ReportBatchItemFailures"],
            scaling_config=lambda_.EventSourceMappingScalingConfigArgs(maximum_concurrency=CONCURRENCY),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})
