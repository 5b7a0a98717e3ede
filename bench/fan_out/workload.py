"""What all senders have to post: versions of one actor, each to all of its subscribers."""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

from bench.fan_out.management_api import Stage
from trebuche.contract import ACTOR_ID, STATE, VERSION
from trebuche.frames import data_frame
from trebuche.stored import Phase, Subscription

BATCH: Final = 10
ACTOR: Final = "todos"
GONE_SHARE: Final = 0.05
NOW_MS: Final = 1_767_225_600_000
"""Frames carry the time."""
FUTURE: Final = 4_000_000_000
"""When nothing here has expired; seconds."""


@dataclass(frozen=True)
class Workload:
    """Versions of one actor, each to all of its subscribers."""

    connections: int
    versions: int
    state_bytes: int

    @property
    def rows(self) -> list[Subscription]:
        """A stream on each connection."""
        return [
            Subscription(
                actor_id=ACTOR,
                stream_id=UUID(int=number),
                connection_id=f"Lk{number:09d}jIAc=",
                connected_at=0,
                target="observeState",
                opener=UUID(int=number),
                base=0,
                ttl=FUTURE,
                phase=Phase.LIVE,
            )
            for number in range(self.connections)
        ]

    def state(self, version: int) -> bytes:
        """The document of a version."""
        return json.dumps({"number": version, "text": "x" * self.state_bytes}).encode()

    def events(self) -> Iterator[dict[str, Any]]:
        """The batches that Lambda hands over."""
        records = [self._record(version) for version in range(1, self.versions + 1)]
        for start in range(0, len(records), BATCH):
            yield {"Records": records[start : start + BATCH]}

    def frames(self, row: Subscription) -> list[str]:
        """What a connection has to get."""
        return [data_frame(row.stream_id, version, self.state(version), NOW_MS) for version in self._versions]

    def ready(self) -> list[tuple[str, list[str]]]:
        """The same of all connections, for senders that make no frames themselves."""
        return [(row.connection_id, self.frames(row)) for row in self.rows]

    def expected(self) -> dict[str, list[str]]:
        """Digests of what each connection gets: of all, or of two frames of one that is gone by then."""
        stage = Stage(0, GONE_SHARE)
        return {
            name: [sha256(frame.encode()).hexdigest() for frame in frames[: 2 if stage.dies(name) else None]]
            for name, frames in self.ready()
        }

    @property
    def _versions(self) -> range:
        return range(1, self.versions + 1)

    def _record(self, version: int) -> dict[str, Any]:
        image = {VERSION: {"N": str(version)}, STATE: {"B": base64.b64encode(self.state(version)).decode()}}
        change = {"Keys": {ACTOR_ID: {"S": ACTOR}}, "SequenceNumber": f"{version:021d}", "NewImage": image}
        return {"eventName": "MODIFY", "dynamodb": {**change, "ApproximateCreationDateTime": 0}}
