"""The work of ``trebuche redrive``."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from cli.account import CLIENT_CONFIG, speaking_to_aws
from cli.dead_letters import DeadLetter
from cli.errors import CommandError
from cli.output import FAILED, OK, Output
from cli.pulumi_stack import PulumiStack
from cli.stale_actors import actors_left_behind
from cli.stream_records import RecordsGoneError, current_state, read_again
from cli.target import Target, deployed_target
from infra.plan import STREAM_PROCESSOR

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient

Json = dict[str, Any]

_HIDDEN_SECONDS = 900
"""So long a message is nobody else's; more than a whole redrive of a full batch takes."""
_RECEIVED = 10
_WAIT_SECONDS = 1
"""With a wait SQS asks all of its hosts; without one it samples them, and may miss the few messages that there are."""
_EVENT_BYTES = 5_000_000
"""Below the 6 MB that Lambda takes in one event."""
# A function runs for up to a minute; a second attempt of the SDK would run it twice.
_INVOKE_CONFIG = Config(connect_timeout=10, read_timeout=120, retries={"total_max_attempts": 1})


@dataclass
class Tally:
    """What became of the messages."""

    messages: int = 0
    redriven: int = 0
    records: int = 0
    from_state: int = 0
    unreadable: int = 0
    failures: list[str] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        """Whether nothing is left in the queue on account of a failure."""
        return not self.failures and not self.unreadable

    def document(self) -> Json:
        """For programs."""
        return {
            "messages": self.messages,
            "redriven": self.redriven,
            "records": self.records,
            "fromCurrentState": self.from_state,
            "unreadable": self.unreadable,
            "failures": self.failures,
        }


def redrive_and_print(output: Output, stack: PulumiStack, *, limit: int) -> int:
    """Deliver what the failure queue stands for; returns 1 when some of it could not be.

    Raises:
        CommandError: The stack has no failure queue, or AWS cannot be asked.
    """
    target = deployed_target(stack)
    with speaking_to_aws(), output.status("Looking for changes that were given up …") as status:
        redriver = Redriver(target.session, find_route(target))
        for _ in redriver.run(limit):
            tally = redriver.tally
            status.update(f"Delivering … {tally.redriven + len(tally.failures)} of {tally.messages} messages")
    _print(output, target, redriver.tally)
    return OK if redriver.tally.is_good else FAILED


@dataclass(frozen=True, slots=True)
class Route:
    """Where a stack's changes go: the function's alias, the failure queue's ARN, and the tables."""

    function: str
    queue: str
    state_table: str
    subscriptions_table: str


def find_route(target: Target) -> Route:
    """Ask Lambda where the stack's stream goes, and where what failed.

    Raises:
        CommandError: There is no stream, or no failure queue.
    """
    outputs, function = target.deployment.outputs, target.deployment.functions.get(STREAM_PROCESSOR)
    if function is None:
        raise CommandError(f"Stack {target.stack.name} has no stream processor (websocket.enabled: false).")
    client = target.session.client("lambda", config=CLIENT_CONFIG)
    for mapping in client.list_event_source_mappings(FunctionName=function)["EventSourceMappings"]:
        if queue := mapping.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination"):
            return Route(function, queue, str(outputs["state_table"]), str(outputs["subscriptions_table"]))
    raise CommandError(f"The stream of stack {target.stack.name} has no failure queue; `trebuche deploy` makes one.")


class Redriver:
    """Takes messages, delivers what they stand for, and deletes those that are done.

    Args:
        session: Whose AWS.
        route: From where to where.
    """

    def __init__(self, session: boto3.Session, route: Route) -> None:
        self._route = route
        self._queues: SQSClient = session.client("sqs", config=CLIENT_CONFIG)
        self._streams = session.client("dynamodbstreams", config=CLIENT_CONFIG)
        self._tables = session.client("dynamodb", config=CLIENT_CONFIG)
        self._functions = session.client("lambda", config=_INVOKE_CONFIG)
        self._url = self._queues.get_queue_url(
            QueueName=route.queue.split(":")[5], QueueOwnerAWSAccountId=route.queue.split(":")[4]
        )["QueueUrl"]
        self.tally = Tally()

    def run(self, limit: int) -> Iterator[DeadLetter]:
        """Redrive up to so many messages, oldest records first; gives each one that was tried."""
        waiting = sorted(self._take(limit), key=lambda letter: letter.order)
        try:
            while waiting:
                # Taken off the list only when it was tried: a Ctrl-C gives it back to the queue.
                letter = waiting[0]
                failure = self._redrive(letter)
                waiting.pop(0)
                self._settle(letter, failure)
                yield letter
        finally:
            for letter in waiting:
                self._give_back(letter.receipt)

    def _take(self, limit: int) -> list[DeadLetter]:
        letters: list[DeadLetter] = []
        strange: list[str] = []
        while (room := limit - len(letters) - len(strange)) > 0:
            answer = self._queues.receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=min(room, _RECEIVED),
                VisibilityTimeout=_HIDDEN_SECONDS,
                WaitTimeSeconds=_WAIT_SECONDS,
            )
            messages = answer.get("Messages", [])
            if not messages:
                break
            for message in messages:
                letter = DeadLetter.parse(message["Body"], message["ReceiptHandle"])
                if letter is None:
                    strange.append(message["ReceiptHandle"])
                else:
                    letters.append(letter)
        # Not earlier: the next receive would have brought them again.
        for receipt in strange:
            self._give_back(receipt)
        self.tally.messages, self.tally.unreadable = len(letters) + len(strange), len(strange)
        return letters

    def _redrive(self, letter: DeadLetter) -> str | None:
        """Deliver what a message stands for; what went wrong, or None."""
        try:
            records = read_again(self._streams, letter)
        except RecordsGoneError:
            return self._redrive_states(letter)
        failure = self._deliver(records)
        self.tally.records += 0 if failure else len(records)
        return failure

    def _redrive_states(self, letter: DeadLetter) -> str | None:
        """The message does not name its actors: every one whose subscribers may be behind is sent as it is now."""
        items = actors_left_behind(self._tables, self._route.state_table, self._route.subscriptions_table)
        first = int(letter.first)
        records = [current_state(item, letter, str(first + number)) for number, item in enumerate(items)]
        failure = self._deliver(records)
        self.tally.from_state += 0 if failure else len(records)
        return failure

    def _deliver(self, records: list[Json]) -> str | None:
        for batch in batches(records):
            if failure := self._invoke(batch):
                return failure
        return None

    def _invoke(self, records: list[Json]) -> str | None:
        payload = json.dumps({"Records": records}).encode()
        answer = self._functions.invoke(FunctionName=self._route.function, Payload=payload)
        text = answer["Payload"].read().decode(errors="replace")
        if error := answer.get("FunctionError"):
            return f"the stream processor failed ({error}): {text[:500]}"
        try:
            # A part that failed is no FunctionError: the answer names the records (ReportBatchItemFailures).
            failed = (json.loads(text) or {}).get("batchItemFailures")
        except (AttributeError, ValueError):
            return f"the stream processor answered {text[:500]!r}"
        if failed:
            return f"the stream processor could not deliver record {failed[0].get('itemIdentifier')}; see its logs"
        return None

    def _settle(self, letter: DeadLetter, failure: str | None) -> None:
        if failure is None:
            self._queues.delete_message(QueueUrl=self._url, ReceiptHandle=letter.receipt)
            self.tally.redriven += 1
            return
        self._give_back(letter.receipt)
        self.tally.failures.append(f"{letter.table}, records {letter.first} to {letter.last}: {failure}")

    def _give_back(self, receipt: str) -> None:
        self._queues.change_message_visibility(QueueUrl=self._url, ReceiptHandle=receipt, VisibilityTimeout=0)


def batches(records: list[Json], limit: int = _EVENT_BYTES) -> Iterator[list[Json]]:
    """Runs of records, each of which fits into an event; a record that is larger goes alone."""
    batch: list[Json] = []
    size = 0
    for record in records:
        more = len(json.dumps(record))
        if batch and size + more > limit:
            yield batch
            batch, size = [], 0
        batch.append(record)
        size += more
    if batch:
        yield batch


def _print(output: Output, target: Target, tally: Tally) -> None:
    if output.as_json:
        output.document({**target.describe(), **tally.document()})
        return
    if not tally.messages:
        output.line("The failure queue is empty.")
        return
    output.result(f"Delivered: {tally.redriven} of {tally.messages} messages, {tally.records} changes")
    if tally.from_state:
        output.line(f"Older than 24 h: {tally.from_state} actors were sent as they are now, not change by change.")
    if tally.unreadable:
        output.failure(f"{tally.unreadable} messages are not Lambda's and stay in the queue.")
    for failure in tally.failures:
        output.failure(failure)
