"""Routines side by side, one effect at a time: every order, or one drawn by chance."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from trebuche.effects import (
    Concurrently,
    Defer,
    Effect,
    Log,
    Measure,
    Now,
    RandomFraction,
    RandomUuid,
    Retention,
    Routine,
    TimeLeft,
)
from trebuche.ports import Ports
from trebuche.runtime import Runtime

PRIVATE = (Now, TimeLeft, Retention, RandomUuid, RandomFraction, Log, Measure, Defer)
"""Effects that nobody else can see: when they happen makes no difference. No worker runs by itself here."""


class Happening(Effect[None]):
    """Something from outside that takes a step of its own.

    Args:
        happen: Does it.
    """

    def __init__(self, happen: Callable[[], object]) -> None:
        self.happen = happen


class Task:
    """A routine that is driven one visible effect per step.

    Args:
        ports: What carries effects out.
        routine: The routine; routines that it wants side by side run one after the other.
        unseen: Effects of which nobody takes notice in this test, beside those that nobody can see.
    """

    def __init__(self, ports: Ports, routine: Routine[Any], *, unseen: tuple[type[Effect[Any]], ...] = ()) -> None:
        self._runtime = Runtime(ports)
        self._unseen = PRIVATE + unseen
        self._routine = _flat(routine)
        self.result: Any = None
        self.error: Exception | None = None
        self.effects: list[Effect[Any]] = []
        self._next: Effect[Any] | None = None
        self._advance(lambda: next(self._routine))

    @property
    def done(self) -> bool:
        """Whether nothing is left to do."""
        return self._next is None

    def step(self) -> None:
        """Do the next visible effect, and the private ones after it."""
        effect = self._next
        assert effect is not None
        self.effects.append(effect)
        self._do(effect)

    def crash(self) -> None:
        """Stop for good, between two effects."""
        self._routine.close()
        self._next = None

    def _do(self, effect: Effect[Any]) -> None:
        try:
            result = effect.happen() if isinstance(effect, Happening) else self._runtime.carry_out(effect)
        except Exception as error:
            thrown = error
            self._advance(lambda: self._routine.throw(thrown))
        else:
            self._advance(lambda: self._routine.send(result))

    def _advance(self, resume: Callable[[], Effect[Any]]) -> None:
        try:
            self._next = resume()
        except StopIteration as stop:
            self._next, self.result = None, stop.value
        except Exception as error:
            self._next, self.error = None, error
        if isinstance(self._next, self._unseen):
            self._do(self._next)


def every_order(make: Callable[[], tuple[Sequence[Task], Callable[[], None]]]) -> int:
    """Run fresh tasks in every order of their steps, and check after each; how many orders there were.

    Args:
        make: Gives tasks in a fresh world, and what to check when they are done.
    """
    orders = 0
    schedule: list[int] = []
    while True:
        tasks, check = make()
        widths = _follow(tasks, schedule)
        check()
        orders += 1
        while schedule and schedule[-1] + 1 == widths[len(schedule) - 1]:
            schedule.pop()
        if not schedule:
            return orders
        schedule[-1] += 1


def some_order(tasks: Sequence[Task], chance: Random) -> None:
    """Run tasks to their end in an order drawn by chance."""
    while runnable := [task for task in tasks if not task.done]:
        chance.choice(runnable).step()


def _follow(tasks: Sequence[Task], schedule: list[int]) -> list[int]:
    """Run by a schedule, then first come first; the schedule is filled up, the choices at each step are returned."""
    widths: list[int] = []
    while runnable := [task for task in tasks if not task.done]:
        if len(widths) == len(schedule):
            schedule.append(0)
        runnable[schedule[len(widths)]].step()
        widths.append(len(runnable))
    return widths


def _flat(routine: Routine[Any]) -> Routine[Any]:
    """The same routine with what it wants side by side done one after the other, visible step by step."""
    try:
        effect = next(routine)
        while True:
            if isinstance(effect, Concurrently):
                results = []
                for inner in effect.routines:
                    results.append((yield from _flat(inner)))
                effect = routine.send(tuple(results))
                continue
            try:
                result = yield effect
            except Exception as error:
                effect = routine.throw(error)
            else:
                effect = routine.send(result)
    except StopIteration as stop:
        return stop.value
