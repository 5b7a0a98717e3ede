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
    """A mapping from a DynamoDB stream to a function.

    ``document`` holds the settings under AWS's names, as ``settings.merge`` checked them.
    """

    stream_arn: str
    function_arn: str
    starting_position: str
    document: Json
    last_modified: float
    identifier: str = field(default_factory=lambda: str(uuid.uuid4()))
    last_result: str = NOTHING_YET
    enabled: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def region(self) -> str:
        """Where stream and function live."""
        return self.stream_arn.split(":")[3]

    @property
    def account(self) -> str:
        """Whose stream and function they are."""
        return self.stream_arn.split(":")[4]

    @property
    def settings(self) -> Settings:
        """The settings that hold now."""
        return read(self.document)

    @property
    def state(self) -> str:
        """The state that a mapping is in when nothing is being changed."""
        return "Enabled" if self.enabled.is_set() else "Disabled"

    def describe(self, state: str | None = None) -> Json:
        """The mapping as Lambda's API shows it; ``state`` names a transition that has just begun."""
        owner = f"{self.region}:{self.account}"
        return {
            "UUID": self.identifier,
            "EventSourceMappingArn": f"arn:aws:lambda:{owner}:event-source-mapping:{self.identifier}",
            "EventSourceArn": self.stream_arn,
            "FunctionArn": self.function_arn,
            "StartingPosition": self.starting_position,
            "LastModified": self.last_modified,
            "LastProcessingResult": self.last_result,
            "State": state or self.state,
            "StateTransitionReason": "User action",
            **self.document,
        }
