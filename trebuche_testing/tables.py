"""The state table, in memory: it tells of its writes, and of each what its stream would say."""

import base64
from collections.abc import Callable
from typing import Any, TypeAlias
from uuid import UUID

from trebuche.adapters.memory import InMemoryStateStore, InMemorySubscriptionStorage
from trebuche.stored import StoredState, Subscription, Turn

Record: TypeAlias = dict[str, Any]
"""A record of a table's stream, as Lambda delivers it."""


class WatchedStates(InMemoryStateStore):
    """States whose writes are told.

    Args:
        written: Gets each write: the state before and after it (None: absent), and the call that made it.
        conflicted: Called when a turn lost to another one.
    """

    def __init__(
        self,
        written: Callable[[StoredState | None, StoredState | None, UUID | None], None],
        conflicted: Callable[[], None],
    ) -> None:
        super().__init__()
        self._written = written
        self._conflicted = conflicted

    def commit(self, turn: Turn) -> bool:
        """Write a whole turn, or nothing."""
        before = self.states.get(turn.next.actor_id)
        done = super().commit(turn)
        if done:
            self._written(before, turn.next, turn.call_id)
        else:
            self._conflicted()
        return done

    def remove(self, actor_id: str) -> bool:
        """Delete an actor's state; False when there is none."""
        before = self.states.get(actor_id)
        self.delete(actor_id)
        if before is not None:
            self._written(before, None, None)
        return before is not None

    def forget(self, actor_id: str) -> None:
        """Lose the journal of an actor without state, as only a mutant does."""
        if actor_id not in self.states:
            self._journal.pop(actor_id, None)


class InterruptedSubscriptions(InMemorySubscriptionStorage):
    """Subscriptions of which each read takes its time, for what makes several of them one after the other.

    Args:
        interrupted: Lets others go on, perhaps.
    """

    def __init__(self, whole: InMemorySubscriptionStorage, interrupted: Callable[[], None]) -> None:
        super().__init__()
        self.attached, self.detached, self.marks = whole.attached, whole.detached, whole.marks
        self._interrupted = interrupted

    def subscribers(self, actor_id: str, *, now: int) -> tuple[Subscription, ...]:
        """Every attached subscription of an actor."""
        self._interrupted()
        return super().subscribers(actor_id, now=now)

    def audience(self, actor_id: str) -> str:
        """The mark of an actor's audience."""
        self._interrupted()
        return super().audience(actor_id)


def record(number: int, now_ms: int, before: StoredState | None, after: StoredState | None) -> Record:
    """What the state table's stream says of a write."""
    name = "REMOVE" if after is None else "MODIFY" if before else "INSERT"
    images = {"OldImage": before, "NewImage": after}
    data: dict[str, Any] = {
        "ApproximateCreationDateTime": now_ms / 1000,
        "Keys": {"actorId": {"S": _either(before, after).actor_id}},
        # A sequence number has 21 to 40 digits (DynamoDB Streams API, StreamRecord).
        "SequenceNumber": str(10**21 + number),
        "StreamViewType": "NEW_AND_OLD_IMAGES",
    }
    data |= {key: _image(state) for key, state in images.items() if state is not None}
    return {"eventName": name, "eventSource": "aws:dynamodb", "dynamodb": data}


def _either(before: StoredState | None, after: StoredState | None) -> StoredState:
    state = after or before
    assert state is not None
    return state


def _image(state: StoredState) -> dict[str, Any]:
    return {
        "actorId": {"S": state.actor_id},
        "state": {"B": base64.b64encode(state.state).decode()},
        "version": {"N": str(state.version)},
        "schema": {"N": str(state.schema)},
        "updatedAt": {"N": str(state.updated_at)},
        "shape": {"S": state.shape},
    }
