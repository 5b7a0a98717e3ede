"""The stream processor: records of the state table's stream in, frames out."""

from collections.abc import Mapping
from typing import Any

from trebuche import logs
from trebuche.batches import BatchReply, batch_reply
from trebuche.changes import Change, event_time_ms, read_change
from trebuche.ports import Ports
from trebuche.runtime import PATIENCE_MS, Runtime
from trebuche.streams import fan_out


class DynamoDBStreamAdapter:
    """Brings changes of states to their subscribers.

    Args:
        ports: Where subscriptions are kept and how frames are sent.
    """

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    def handle(self, event: Mapping[str, Any], *, time_left_ms: int = PATIENCE_MS) -> BatchReply:
        """Deliver a batch; what could not be delivered because a service failed is reported for repetition.

        Args:
            event: The event.
            time_left_ms: How long the function may still run; whoever would come too late is left to a worker.
        """
        records = list(event.get("Records", ()))
        changes = [change for change in map(read_change, records) if change is not None]
        failed = self._deliver(changes, (event_time_ms(records), time_left_ms), {"records": len(records)})
        return batch_reply([failed] if failed else [])

    def handle_state_change(self, change: Change) -> bool:
        """Deliver one change to the actor's subscribers; False when it has to be delivered again."""
        return self._deliver([change], (0, PATIENCE_MS), {}) is None

    def _deliver(self, changes: list[Change], times: tuple[int, int], fields: Mapping[str, object]) -> str | None:
        event_ms, left_ms = times
        runtime = Runtime(self._ports, event_time_ms=event_ms, time_left_ms=left_ms)
        try:
            return runtime.run(fan_out(changes))
        except Exception as error:
            self._ports.logs.write(logs.line(logs.ERROR, "internal-error", {}, error))
            # How far it came is not known: all of it again, under the same numbers.
            return changes[0].sequence_number
        finally:
            runtime.report("fan-out", {**fields, "changes": len(changes)})
