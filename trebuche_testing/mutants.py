"""What could be wrong with the runtime, one mistake each: the explorer must notice every one of them.

A mutant stands between routines and ports. It carries out an effect as a wrong routine would have asked for it, or as a
wrong store would have done it; everything else stays the real thing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from trebuche.adapters.memory import InMemorySubscriptionStorage
from trebuche.delivery import YOUNG_MS
from trebuche.effects import (
    CommitTurn,
    Defer,
    Detach,
    Effect,
    FlipLive,
    GoOpening,
    HighestVersion,
    LoadCall,
    LoadState,
    LoadSubscription,
    MarkAudience,
    OpenSubscription,
    Post,
    QuerySubscribers,
)
from trebuche.errors import ConnectionGoneError, TrebucheError
from trebuche.handover import ABANDONED_SECONDS
from trebuche.stored import Phase, Subscription, Turn
from trebuche_testing.engine import Engine
from trebuche_testing.invocations import Invocation
from trebuche_testing.sockets import Front
from trebuche_testing.tables import WatchedStates

INDEX_LAG_MS: Final = 60
PAGE: Final = 1


class Setting(Protocol):
    """What mutants meddle with."""

    engine: Engine
    front: Front
    states: WatchedStates
    subscriptions: InMemorySubscriptionStorage

    def carry_out(self, invocation: Invocation, effect: Effect[Any]) -> Any:
        """Carry out an effect as it should be."""


class Mutant:
    """One mistake; its docstring says which."""

    def perform(self, to: Setting, invocation: Invocation, effect: Any) -> Any:
        """Carry out an effect, wrongly where the mistake is."""
        return to.carry_out(invocation, effect)

    def overlooks(self, _to: Setting, _effect: Any) -> bool:
        """Whether an effect that failed is taken for done."""
        return False


@dataclass(frozen=True, slots=True)
class _Seen:
    at_ms: int
    row: Subscription


class IndexLag(Mutant):
    """Subscribers are found through the page's index, which shows a row some time after it was written."""

    def __init__(self) -> None:
        self._written: dict[Any, _Seen] = {}

    def perform(self, to: Setting, invocation: Invocation, effect: Any) -> Any:
        """Leave out young rows."""
        result = to.carry_out(invocation, effect)
        if isinstance(effect, OpenSubscription) and result:
            self._written[effect.row.opener] = _Seen(to.engine.now_ms, effect.row)
        if isinstance(effect, QuerySubscribers):
            known = self._written
            return tuple(r for r in result if known[r.opener].at_ms + INDEX_LAG_MS <= to.engine.now_ms)
        return result


class UnconditionalWrite(Mutant):
    """A turn is written whatever was written since the state was read."""

    def perform(self, to: Setting, invocation: Invocation, effect: Any) -> Any:
        """Pretend to have read the state just now."""
        if isinstance(effect, CommitTurn):
            stored = to.states.load(effect.turn.next.actor_id)
            version = (
                stored.version if stored else to.states.highest_version(effect.turn.next.actor_id, now=effect.turn.now)
            )
            following = replace(effect.turn.next, version=version + 1)
            effect = CommitTurn(replace(effect.turn, previous=stored.version if stored else None, next=following))
        return to.carry_out(invocation, effect)


class ReplyBeforeWrite(Mutant):
    """A call is answered first and written afterwards, if that still works then."""

    def perform(self, to: Setting, invocation: Invocation, effect: Any) -> Any:
        """Write in the background."""
        if isinstance(effect, CommitTurn):
            to.engine.later(5, lambda: to.carry_out(invocation, effect))
            return True
        return to.carry_out(invocation, effect)


class NoDedupe(Mutant):
    """A repeated call is carried out again."""

    def perform(self, to: Setting, invocation: Invocation, effect: Any) -> Any:
        """Neither look for a record nor let one stand in the way."""
        if isinstance(effect, LoadCall):
            return None
        if isinstance(effect, CommitTurn):
            # So late that every record has expired, which is when one may be written over.
            turn: Turn = effect.turn
            effect = CommitTurn(replace(turn, now=turn.now + 10**9))
        return to.carry_out(invocation, effect)


class SnapshotBeforeRow(Mutant):
    """The state that a subscriber is shown was read before its row was written."""

    def perform(self, to: Setting, invocation: Invocation, effect: Any) -> Any:
        """Answer the read after the row with the one before it."""
        if isinstance(effect, LoadState) and "opened" in invocation.memory:
            return invocation.memory.get("read")
        result = to.carry_out(invocation, effect)
        if isinstance(effect, LoadState):
            invocation.memory["read"] = result
        if isinstance(effect, OpenSubscription):
            invocation.memory["opened"] = True
        return result


class UnpaginatedQuery(Mutant):
    """Of the subscribers only the first page is read."""

    def perform(self, to: Setting, invocation: Invocation, effect: Any) -> Any:
        """Cut the answer."""
        result = to.carry_out(invocation, effect)
        return result[:PAGE] if isinstance(effect, QuerySubscribers) else result


class ConcurrentPosts(Mutant):
    """Nobody waits for a post to a connection before the next one."""

    def perform(self, to: Setting, invocation: Invocation, effect: Any) -> Any:
        """Post in the background, and say that it worked."""
        if isinstance(effect, Post):
            to.engine.soon(lambda: _quietly(to, invocation, effect))
            return None
        return to.carry_out(invocation, effect)


class LiveOvertakes(Mutant):
    """The stream processor posts to subscribers whose catch-up is still at work."""

    def perform(self, to: Setting, invocation: Invocation, effect: Any) -> Any:
        """Show it opening rows as live ones."""
        result = to.carry_out(invocation, effect)
        if isinstance(effect, QuerySubscribers):
            return tuple(replace(row, phase=Phase.LIVE) if row.phase is Phase.OPENING else row for row in result)
        return result


class ResumeWithoutAttaching(Mutant):
    """A resume replays what was missed, and leaves the stream where it was."""

    def perform(self, to: Setting, invocation: Invocation, effect: Any) -> Any:
        """Pretend to write the row in place of another."""
        if isinstance(effect, OpenSubscription) and effect.replaces is not None:
            invocation.memory["row"] = effect.row
            return True
        if isinstance(effect, FlipLive) and "row" in invocation.memory:
            return replace(effect.row, phase=Phase.LIVE)
        return to.carry_out(invocation, effect)


class LivenessAsTruth(Mutant):
    """Whether a post that failed has arrived is read off whether its connection is open."""

    def overlooks(self, to: Setting, effect: Any) -> bool:
        """Ask, and never doubt the answer."""
        return isinstance(effect, Post) and to.front.is_alive(effect.connection_id)


class DetachAnyConnection(Mutant):
    """A dying connection takes its streams with it, also those that have moved on to another one."""

    def perform(self, to: Setting, invocation: Invocation, effect: Any) -> Any:
        """Show a $disconnect every row as its own, and detach whatever row is there."""
        found = (
            to.subscriptions.attached.get((effect.row.actor_id, effect.row.stream_id)) if _detaches(effect) else None
        )
        if found is not None:
            effect = Detach(found, effect.ttl)
        result = to.carry_out(invocation, effect)
        if isinstance(effect, LoadSubscription) and result is not None and "DISCONNECT" in invocation.name:
            return replace(result, connection_id=invocation.memory["dying"])
        if "DISCONNECT" in invocation.name and "dying" not in invocation.memory:
            invocation.memory["dying"] = getattr(effect, "connection_id", "")
        return result


class DetachYoung(Mutant):
    """A 410 is believed, also seconds after the connection was made."""

    def perform(self, to: Setting, invocation: Invocation, effect: Any) -> Any:
        """Let it look older than it is."""
        try:
            return to.carry_out(invocation, effect)
        except ConnectionGoneError:
            invocation.memory["skew"] = YOUNG_MS
            raise


class MethodBeforeRecord(Mutant):
    """The method runs before anybody looks whether the call took effect already."""

    def perform(self, to: Setting, invocation: Invocation, effect: Any) -> Any:
        """Hide the record from the first attempt."""
        if isinstance(effect, LoadCall) and "looked" not in invocation.memory:
            invocation.memory["looked"] = True
            return None
        return to.carry_out(invocation, effect)


class VersionRestarts(Mutant):
    """An actor that comes back after it was deleted counts its versions from one."""

    def perform(self, to: Setting, invocation: Invocation, effect: Any) -> Any:
        """Forget the journal with the state."""
        if isinstance(effect, HighestVersion):
            to.states.forget(effect.actor_id)
            return 0
        return to.carry_out(invocation, effect)


class NoReminder(Mutant):
    """Nobody is reminded of subscribers that were left behind."""

    def perform(self, to: Setting, invocation: Invocation, effect: Any) -> Any:
        """Lose the messages."""
        return None if isinstance(effect, Defer) else to.carry_out(invocation, effect)


class OpenedUnwatched(Mutant):
    """Nobody looks after a stream whose function dies once it has begun."""

    def perform(self, to: Setting, invocation: Invocation, effect: Any) -> Any:
        """Lose the messages that are sent before a row is opened."""
        lost = isinstance(effect, Defer) and effect.seconds == ABANDONED_SECONDS and invocation.name == "actor"
        return None if lost else to.carry_out(invocation, effect)


class LateResume(Mutant):
    """A resume that is handled late takes the stream away from the connection on which its reader is by then."""

    def perform(self, to: Setting, invocation: Invocation, effect: Any) -> Any:
        """Hide when the row's own resume was asked for, and do not give back what was taken."""
        if isinstance(effect, OpenSubscription) and invocation.memory.setdefault("opened", effect) is not effect:
            return False
        result = to.carry_out(invocation, effect)
        late = isinstance(effect, LoadSubscription) and result is not None and invocation.name == "actor"
        return replace(result, asked_at=0) if late else result


class SetAsideTooFar(Mutant):
    """A subscriber that could not be posted to is handed over as if it had got what it could not get."""

    def perform(self, to: Setting, invocation: Invocation, effect: Any) -> Any:
        """One version more than it has."""
        if isinstance(effect, GoOpening) and invocation.name == "fan-out":
            effect = replace(effect, sent=effect.sent + 1)
        return to.carry_out(invocation, effect)


class WindowNeverCloses(Mutant):
    """Of the changes of a window, the one that stands for them is lost."""

    def perform(self, to: Setting, invocation: Invocation, effect: Any) -> Any:
        """Take for sent what says that something was left out before it."""
        if isinstance(effect, Post) and '"skipped":' in effect.text and "frame" not in invocation.memory:
            invocation.memory["frame"] = True
            return None
        return to.carry_out(invocation, effect)


class StaleAudience(Mutant):
    """Whoever subscribes tells nobody that keeps an actor's subscribers."""

    def perform(self, to: Setting, invocation: Invocation, effect: Any) -> Any:
        """Write no mark."""
        return None if isinstance(effect, MarkAudience) else to.carry_out(invocation, effect)


class UnmarkedHandover(Mutant):
    """Whoever hands a subscriber over to a worker tells nobody that keeps it among those to post to."""

    def perform(self, to: Setting, invocation: Invocation, effect: Any) -> Any:
        """Write no mark in the fan-out."""
        unmarked = isinstance(effect, MarkAudience) and invocation.name == "fan-out"
        return None if unmarked else to.carry_out(invocation, effect)


class OldDeletion(Mutant):
    """What was deleted before a stream was asked for ends it."""

    def perform(self, to: Setting, invocation: Invocation, effect: Any) -> Any:
        """Let the row not say when its stream began."""
        if isinstance(effect, OpenSubscription):
            effect = replace(effect, row=replace(effect.row, born=0))
        return to.carry_out(invocation, effect)


MUTANTS: Final[Mapping[str, type[Mutant]]] = {
    "index-lag": IndexLag,
    "unconditional-write": UnconditionalWrite,
    "reply-before-write": ReplyBeforeWrite,
    "no-dedupe": NoDedupe,
    "snapshot-before-row": SnapshotBeforeRow,
    "unpaginated-query": UnpaginatedQuery,
    "concurrent-posts": ConcurrentPosts,
    "live-overtakes": LiveOvertakes,
    "resume-without-attaching": ResumeWithoutAttaching,
    "liveness-as-truth": LivenessAsTruth,
    "detach-any-connection": DetachAnyConnection,
    "detach-young": DetachYoung,
    "method-before-record": MethodBeforeRecord,
    "version-restarts": VersionRestarts,
    "no-reminder": NoReminder,
    "opened-unwatched": OpenedUnwatched,
    "late-resume": LateResume,
    "set-aside-too-far": SetAsideTooFar,
    "window-never-closes": WindowNeverCloses,
    "stale-audience": StaleAudience,
    "unmarked-handover": UnmarkedHandover,
    "old-deletion": OldDeletion,
}


def _detaches(effect: Any) -> bool:
    return isinstance(effect, Detach)


def _quietly(to: Setting, invocation: Invocation, effect: Effect[Any]) -> None:
    try:
        to.carry_out(invocation, effect)
    except TrebucheError:
        return
