"""``limits:`` of trebuche.yaml: how much one caller may ask for."""

import json
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from infra.mistakes import rule

# Each frame is a write of its caller's mark, and DynamoDB takes 1,000 a second of one item (its partition's limit).
PerSecond = Annotated[int, Field(ge=1, le=1_000), rule("a whole number from 1 to 1000 (frames per second)")]
Burst = Annotated[int, Field(ge=1, le=10_000), rule("a whole number from 1 to 10000 (frames at once)")]
Streams = Annotated[int, Field(ge=1, le=5_000), rule("a whole number from 1 to 5000")]
ArgumentBytes = Annotated[int, Field(ge=64, le=131_072), rule("a whole number of bytes from 64 to 131072")]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class RateConfig(_Section):
    """Frames in the long run, and at once."""

    rate: PerSecond = Field(examples=["rate: 20"])
    burst: Burst | None = None

    @property
    def parts(self) -> dict[str, int]:
        """With the burst that two seconds of the rate are, where none is given."""
        return {"rate": self.rate, "burst": self.burst or 2 * self.rate}


class LimitsConfig(_Section):
    """All limits; what is not given is not limited."""

    connection: RateConfig | None = None
    principal: RateConfig | None = None
    streams: Streams | None = None
    argument_bytes: ArgumentBytes | None = None

    @property
    def as_json(self) -> str:
        """As functions read it (``trebuche.auth.limits``); empty for no limits."""
        given = {
            "connection": self.connection and self.connection.parts,
            "principal": self.principal and self.principal.parts,
            "streams": self.streams,
            "argumentBytes": self.argument_bytes,
        }
        known = {name: value for name, value in given.items() if value is not None}
        return json.dumps(known, sort_keys=True, separators=(",", ":")) if known else ""
