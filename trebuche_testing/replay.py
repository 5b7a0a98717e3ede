"""A schedule step by step, for people."""

from collections.abc import Callable
from typing import Any, Final

from trebuche.effects import Effect, Post
from trebuche_testing.engine import START_MS, Engine, Scheduler
from trebuche_testing.history import Event
from trebuche_testing.invocations import Invocation
from trebuche_testing.mutants import Mutant
from trebuche_testing.plan import Plan
from trebuche_testing.schedule import Result, Subject, run

WIDTH: Final = 110
"""Characters of an effect, and of what it gave."""


def replay(
    plan: Plan, subject: Subject, mutant: Mutant | None, show: Callable[[str], None], *, small: bool = False
) -> Result:
    """Run a schedule and show every step of it: step, time, who, what; then what was wrong.

    A schedule that was made ``small`` is no seed's: it goes without a number.
    """
    name = "smaller schedule" if small else f"schedule {plan.seed}"
    clocks = f", clocks wrong by up to {plan.skew_ms} ms" if plan.skew_ms else ""
    show(f"{name}: {len(plan.swift)} clients, {plan.actors} actors{clocks}")
    for act in (*plan.acts, *plan.events):
        detail = " ".join(map(str, (act.method, *act.arguments, act.amount or "")))
        show(f"  at {act.at_ms:4} ms  client {act.client + 1}  {act.kind} on actor {act.actor + 1}  {detail}".rstrip())
    for fault in plan.faults:
        aim = f"at {fault.function}: {fault.effect} number {fault.occurrence}"
        where = aim if fault.function else f"from step {fault.step:3}"
        show(f"  {where}  {fault.kind}  {fault.amount or ''}".rstrip())
    numbers: dict[int, tuple[int, Invocation]] = {}  # with the invocation, so that no other one gets its identity

    def tell(engine: Engine, invocation: Invocation, effect: Effect[Any], result: object) -> None:
        number, _ = numbers.setdefault(id(invocation), (len(numbers) + 1, invocation))
        what = f"post {_frame(effect)}" if isinstance(effect, Post) else _short(effect)
        show(f"{_when(engine)}  #{number} {invocation.name}: {what}  →  {_short(result)}")

    result = run(plan, subject, mutant, tell=tell, note=lambda engine, event: show(f"{_when(engine)}  {_line(event)}"))
    for violation in result.violations:
        show(f"wrong: {violation.kind}: {violation.text}")
    if not result.violations:
        show("nothing is wrong")
    return result


def _when(engine: Scheduler) -> str:
    return f"{engine.steps:5}  {engine.now_ms - START_MS:6} ms"


def _line(event: Event) -> str:
    members = " ".join(f"{key}={value}" for key, value in event.items() if key not in ("event", "at"))
    return f"** {event['event']}  {members}"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= WIDTH else f"{text[: WIDTH - 1]}…"


def _frame(effect: Post) -> str:
    return f"to {effect.connection_id}: {effect.text[:WIDTH]}"
