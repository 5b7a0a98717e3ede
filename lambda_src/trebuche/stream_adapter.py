"""The stream processor: records of the state table's stream in, frames out."""

from collections.abc import Mapping
from typing import Any, TypeAlias

from trebuche import logs
from trebuche.changes import Change, event_time_ms, read_change
from trebuche.ports import Ports
from trebuche.runtime import Runtime
from trebuche.streams import fan_out

BatchReply: TypeAlias = dict[str, list[dict[str, str]]]
"""``{"batchItemFailures": [{"itemIdentifier": <sequence number>}]}``; Lambda repeats everything from there."""


class DynamoDBStreamAdapter:
    """Brings changes of states to their subscribers.

    Args:
        ports: Where subscriptions are kept and how frames are sent.
    """

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    def handle(self, event: Mapping[str, Any]) -> BatchReply:
        """Deliver a batch; what could not be delivered because a service failed is reported for repetition."""
        records = list(event.get("Records", ()))
        changes = [change for change in map(read_change, records) if change is not None]
        failed = self._deliver(changes, event_time_ms(records), {"records": len(records)})
        return {"batchItemFailures": [{"itemIdentifier": failed}] if failed else []}

    def handle_state_change(self, change: Change) -> bool:
        """Deliver one change to the actor's subscribers; False when it has to be delivered again."""
        return self._deliver([change], 0, {}) is None

    def _deliver(self, changes: list[Change], time_ms: int, fields: Mapping[str, object]) -> str | None:
        runtime = Runtime(self._ports, event_time_ms=time_ms)
        try:
            return runtime.run(fan_out(changes))
        except Exception as error:
            self._ports.logs.write(logs.line(logs.ERROR, "internal-error", {}, error))
            return changes[0].sequence_number
        finally:
            runtime.report("fan-out", {**fields, "changes": len(changes)})
