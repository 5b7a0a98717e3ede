"""One event source mapping: what it connects, its settings, its state."""

import asyncio
import uuid
from dataclasses import dataclass, field
from typing import Final

from sandbox.aws import Json
from sandbox.permissions.permissions import ACCESS_NEEDED
from sandbox.pump.settings import Settings, read

NOTHING_YET: Final = "No records processed"
OK: Final = "OK"
CALL_FAILED: Final = "PROBLEM: Function call failed"
STREAM_GONE: Final = "PROBLEM: Stream not found"
STREAM_CLOSED: Final = f"PROBLEM: Cannot access stream. {ACCESS_NEEDED}"


@dataclass(slots=True)
class Mapping:
    """A mapping from a DynamoDB stream or an SQS queue to a function.

    ``document`` holds the settings under AWS's names, as ``settings.merge`` or ``queue_settings.merge`` checked them;
    a queue has no starting position.
    """

    source_arn: str
    function_arn: str
    starting_position: str | None
    document: Json
    last_modified: float
    identifier: str = field(default_factory=lambda: str(uuid.uuid4()))
    last_result: str = NOTHING_YET
    enabled: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def region(self) -> str:
        """Where source and function live."""
        return self.source_arn.split(":")[3]

    @property
    def account(self) -> str:
        """Whose source and function they are."""
        return self.source_arn.split(":")[4]

    @property
    def of_queue(self) -> bool:
        """Whether the source is a queue."""
        return self.source_arn.split(":")[2] == "sqs"

    @property
    def settings(self) -> Settings:
        """The settings of a stream's mapping that hold now."""
        return read(self.document)

    @property
    def state(self) -> str:
        """The state that a mapping is in when nothing is being changed."""
        return "Enabled" if self.enabled.is_set() else "Disabled"

    def describe(self, state: str | None = None) -> Json:
        """The mapping as Lambda's API shows it; ``state`` names a transition that has just begun."""
        owner = f"{self.region}:{self.account}"
        stream: Json = {"StartingPosition": self.starting_position, "LastProcessingResult": self.last_result}
        return {
            "UUID": self.identifier,
            "EventSourceMappingArn": f"arn:aws:lambda:{owner}:event-source-mapping:{self.identifier}",
            "EventSourceArn": self.source_arn,
            "FunctionArn": self.function_arn,
            "LastModified": self.last_modified,
            "State": state or self.state,
            # Lambda words it differently for the two kinds of source.
            "StateTransitionReason": "USER_INITIATED" if self.of_queue else "User action",
            **({} if self.of_queue else stream),
            **self.document,
        }
