"""One invocation of a function: its routine, stepped effect by effect between those of all others."""

from collections.abc import Callable, Generator, Mapping
from typing import Any, Final, Protocol
from uuid import UUID

from trebuche.contract import DEFAULT_RETENTION_HOURS
from trebuche.effects import (
    Concurrently,
    Effect,
    Invoke,
    Log,
    Measure,
    Now,
    Pause,
    RandomFraction,
    RandomUuid,
    Retention,
    TimeLeft,
)
from trebuche.errors import ServiceError, ThrottledError, UnsureError
from trebuche.runtime import PATIENCE_MS
from trebuche_testing import faults as kinds
from trebuche_testing.engine import Engine
from trebuche_testing.faults import Fault, Faults

LONGEST_DRAG_MS: Final = 300

Finish = Callable[[Any, Exception | None], None]
"""Gets what a routine returned, or what it raised."""


class CrashError(ServiceError):
    """An invocation that ended before its time."""


class Host(Protocol):
    """What invocations run on."""

    engine: Engine
    faults: Faults

    def perform(self, invocation: "Invocation", effect: Effect[Any]) -> Any:
        """Carry out an effect that others can see."""

    @property
    def drag(self) -> float:
        """Share of effects that take longer than others."""

    def invoke(self, effect: Invoke, finish: Finish) -> None:
        """Start the invocation of another function."""

    def skew_ms(self) -> int:
        """By how much the clock of a container or a gateway is wrong."""

    def overlooks(self, effect: Effect[Any]) -> bool:
        """Whether an effect that failed is taken for done, as only a mutant does."""

    def disturbed(self, invocation: "Invocation", effect: Effect[Any], fault: Fault) -> None:
        """Note a fault."""


class Invocation:
    """A function at work.

    Args:
        host: Where.
        name: What it does, for people.
        event_time_ms: When the event happened that it handles.
        finish: Gets the result; a ``CrashError`` when there is none.
    """

    def __init__(self, host: Host, name: str, event_time_ms: int, finish: Finish) -> None:
        self.host = host
        self.name = name
        self.event_time_ms = event_time_ms
        self.began = host.engine.steps
        self.dead = False
        self.memory: dict[str, Any] = {}
        """What a mutant remembers from effect to effect."""
        self._skew_ms = host.skew_ms()
        self._deadline_ms = host.engine.now_ms + PATIENCE_MS
        self._finish = finish
        self._routines: list[Generator[Effect[Any], Any, Any]] = []

    def run(self, routine: Generator[Effect[Any], Any, Any]) -> None:
        """Begin."""
        self.strand(routine, self._end).advance(None)

    def strand(self, routine: Generator[Effect[Any], Any, Any], finish: Finish) -> "Strand":
        """A routine that belongs to this invocation and ends with it."""
        self._routines.append(routine)
        return Strand(self, routine, finish)

    def crash(self) -> None:
        """End now."""
        self.dead = True
        for routine in self._routines:
            routine.close()
        self._finish(None, CrashError("the function ended before its time"))

    def now_ms(self) -> int:
        """The later of the event's time and the clock's, and what a mutant makes of it."""
        skew: int = self.memory.get("skew", 0)
        return max(self.event_time_ms, self.host.engine.now_ms + self._skew_ms) + skew

    def seconds_left(self) -> float:
        """Until an answer would come too late."""
        return (self._deadline_ms - self.host.engine.now_ms) / 1000

    def _end(self, result: Any, error: Exception | None) -> None:
        self.dead = True
        self._finish(result, error)


class Strand:
    """A routine on its way: of an invocation, or one of those that it wants side by side."""

    __slots__ = ("_effect", "_finish", "_invocation", "_routine")

    def __init__(self, invocation: Invocation, routine: Generator[Effect[Any], Any, Any], finish: Finish) -> None:
        self._invocation = invocation
        self._routine = routine
        self._finish = finish
        self._effect: Any = None

    def advance(self, result: Any, error: Exception | None = None) -> None:
        """Hand over what the last effect gave, and wait for the turn of the next one that others can see."""
        routine, invocation = self._routine, self._invocation
        if invocation.dead:
            # What the engine was handed it does not give back: steps and pauses of a function that ended still come.
            return
        try:
            effect = routine.send(result) if error is None else routine.throw(error)
            while (answer := _PRIVATE.get(type(effect))) is not None:
                effect = routine.send(answer(invocation))
        except StopIteration as stop:
            self._finish(stop.value, None)
            return
        except Exception as raised:
            self._finish(None, raised)
            return
        if type(effect) is Concurrently:
            _SideBySide(self, effect).start(invocation)
        elif type(effect) is Pause:
            invocation.host.engine.later(round(effect.seconds * 1000), self._wake)
        else:
            self._effect = effect
            engine, drag = invocation.host.engine, invocation.host.drag
            if drag and engine.random.random() < drag:
                engine.later(int(engine.random.random() * LONGEST_DRAG_MS), self.step)
            else:
                engine.soon(self.step)

    def step(self) -> None:
        """Carry out the effect that waits, unless a fault comes first."""
        invocation = self._invocation
        if invocation.dead:
            return
        host = invocation.host
        if host.faults.waiting:
            fault = host.faults.take(invocation.name, self._effect, host.engine.steps)
            if fault is not None:
                host.disturbed(invocation, self._effect, fault)
                self._disturb(fault)
                return
        self._carry_out(self.advance)

    def _wake(self) -> None:
        self.advance(None)

    def _carry_out(self, finish: Finish) -> None:
        invocation = self._invocation
        if type(self._effect) is Invoke:
            invocation.host.invoke(self._effect, finish)
            return
        try:
            result = invocation.host.perform(invocation, self._effect)
        except Exception as error:
            finish(None, error)
        else:
            finish(result, None)

    def _disturb(self, fault: Fault) -> None:
        match fault.kind:
            case kinds.CRASH:
                self._invocation.crash()
            case kinds.CRASH_AFTER | kinds.CRASH_BEGUN:
                self._carry_out(_ignore)
                self._invocation.crash()
            case kinds.STALL:
                self._invocation.host.engine.later(fault.amount, self.step)
            case kinds.REFUSED:
                self._fail(ServiceError("refused"))
            case kinds.LOST_ANSWER:
                self._carry_out(lambda _result, _error: self._fail(ServiceError("no answer")))
            case kinds.POST_LOST:
                self._fail(UnsureError("not posted"))
            case kinds.POST_UNSURE:
                self._carry_out(lambda _result, error: self._fail(error or UnsureError("no answer")))
            case kinds.POST_THROTTLED:
                self._fail(ThrottledError("too many posts"))

    def _fail(self, error: Exception) -> None:
        overlooked = self._invocation.host.overlooks(self._effect)
        self.advance(None, None if overlooked else error)


class _SideBySide:
    """Routines that one strand waits for."""

    def __init__(self, waiting: Strand, effect: Concurrently[Any]) -> None:
        self._waiting = waiting
        self._routines = effect.routines
        self._results: list[Any] = [None] * len(effect.routines)
        self._open = len(effect.routines)

    def start(self, invocation: Invocation) -> None:
        """Begin all of them."""
        if not self._routines:
            self._waiting.advance(())
        for position, routine in enumerate(self._routines):
            invocation.strand(routine, self._receiver(position)).advance(None)

    def _receiver(self, position: int) -> Finish:
        def receive(result: Any, error: Exception | None) -> None:
            if error is not None:
                raise error  # they must not raise: a defect of the core, not of the schedule
            self._results[position] = result
            self._open -= 1
            if not self._open:
                self._waiting.advance(tuple(self._results))

        return receive


def _ignore(_result: Any, _error: Exception | None) -> None:
    """Nobody is there any more to be told."""


def _uuid(invocation: Invocation) -> UUID:
    return UUID(int=invocation.host.engine.random.getrandbits(128), version=4)


def _nothing(_invocation: Invocation) -> None:
    """Written to a log that nobody reads."""


_PRIVATE: Final[Mapping[type[Any], Callable[[Invocation], Any]]] = {
    Now: Invocation.now_ms,
    TimeLeft: Invocation.seconds_left,
    Retention: lambda _invocation: DEFAULT_RETENTION_HOURS * 3600,
    RandomUuid: _uuid,
    RandomFraction: lambda invocation: invocation.host.engine.random.random(),
    Log: _nothing,
    Measure: _nothing,
}
"""Effects that nobody else can see: when they happen makes no difference."""
