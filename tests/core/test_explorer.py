"""The explorer finds nothing wrong with the runtime, and everything that is wrong with its mutants."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from trebuche import Actor, effects
from trebuche.effects import Effect, HighestVersion, LoadState
from trebuche_testing import ExplorationError, explore
from trebuche_testing.aims import EFFECTS
from trebuche_testing.campaign import SHARES, Tally, explore_seeds, first_failure
from trebuche_testing.checks import check
from trebuche_testing.draws import draw
from trebuche_testing.engine import Engine
from trebuche_testing.explore import ledger
from trebuche_testing.faults import CRASH, REFUSED, Fault, Faults
from trebuche_testing.history import lines
from trebuche_testing.invocations import Invocation
from trebuche_testing.ledger import LEDGER, BoundBook, Ledger
from trebuche_testing.mutants import MUTANTS
from trebuche_testing.plan import CALL
from trebuche_testing.replay import replay
from trebuche_testing.schedule import run
from trebuche_testing.shrink import shrink

ROOT = Path(__file__).parents[2]


def test_schedules_find_nothing_wrong() -> None:
    """Nothing lost, doubled, out of order or unanswered; and enough went wrong on the way."""
    total = Tally()
    for tally in explore_seeds(ledger, range(400)):
        total.add(tally)
    assert total.failed == []
    assert total.schedules == 400
    assert all(total.seen[name] > 40 for name in SHARES)


@pytest.mark.parametrize("name", sorted(MUTANTS))
def test_a_mutant_is_caught(name: str) -> None:
    """A seed in the first thousand notices the mistake, and fails for nothing else."""
    caught = first_failure(ledger, range(1_000), name)
    assert caught is not None
    assert first_failure(ledger, range(caught, caught + 1)) is None


def test_a_schedule_is_as_large_as_it_is_said() -> None:
    """At least three clients, two actors, twelve calls and two disturbances each."""
    for seed in range(100):
        plan = draw(seed, LEDGER)
        result = run(plan, ledger())
        assert len(plan.swift) >= 3
        assert plan.actors == 2
        assert sum(act.kind == CALL for act in plan.acts) >= 12
        assert result.seen["faults"] >= 2


def test_schedules_have_what_time_and_filters_bring() -> None:
    """Clients that sleep while things expire, clocks that differ, members of states, and some only when they change."""
    results = [run(draw(seed, LEDGER), ledger()) for seed in range(150)]
    observed = [event for result in results for event in result.events if event["event"] == "observe"]
    assert sum(result.seen["sleep"] for result in results) >= 3
    assert sum(result.plan.skew_ms > 0 for result in results) > 30
    assert sum(event["filtered"] for event in observed) > 10
    assert len({event["target"] for event in observed}) == 4


def test_schedules_deploy_newer_code() -> None:
    """One member more, another schema, or one after the other; and what was stored before goes on."""
    results = [run(draw(seed, LEDGER), ledger()) for seed in range(150)]
    states = [event["state"] for result in results for event in result.events if event["event"] == "commit"]
    deployed = [result for result in results if result.seen["deployment"]]
    assert len(deployed) > 20
    assert all(any(member in state for state in states) for member in (b'"signed":', b'"pages":0', b'"pages":100'))


class CarelessLedger(Ledger, Actor[BoundBook], exposed_as="ledger"):
    """Newer code that forgets who owns it."""

    schema = 2

    @classmethod
    def migrate(cls, old: dict[str, Any], schema: int) -> dict[str, Any]:
        """Lose something on the way."""
        return {"entries": old["entries"], "total": old["total"], "pages": schema}


def test_newer_code_that_loses_something_is_caught() -> None:
    """A migration is held against the specification like everything else."""
    with pytest.raises(ExplorationError, match=r"no order of its calls explains|is not the final state|not those of"):
        explore(Ledger, LEDGER, seeds=range(200), deployed_later=[CarelessLedger])


def test_faults_are_aimed_at_whatever_functions_ask_for() -> None:
    """Each effect that others can see is in the list, and those in the list exist."""
    seen: set[tuple[str, str]] = set()

    def tell(_engine: Engine, invocation: Invocation, effect: Effect[Any], _result: object) -> None:
        seen.add((invocation.name, type(effect).__name__))

    for seed in range(120):
        run(draw(seed, LEDGER), ledger(), tell=tell)
    known = {(function, effect) for function, names in EFFECTS.items() for effect in names}
    assert seen - known <= {("websocket MESSAGE", "ResolveActor")}
    assert all(hasattr(effects, effect) for _, effect in known)


def test_an_aimed_fault_hits_what_it_is_aimed_at() -> None:
    """The n-th effect of its kind in that function, however late; some as often as they say."""
    read, write = LoadState("ledger/1"), HighestVersion("ledger/1", 0)
    faults = Faults((Fault(REFUSED, 0, 0, "actor", "LoadState", occurrence=2, times=2), Fault(CRASH, 90)))
    assert [faults.take("worker", read, 1) for _ in range(2)] == [None, None]
    assert [fault and fault.kind for fault in (faults.take("actor", read, 2) for _ in range(4))] == [
        None,
        REFUSED,
        REFUSED,
        None,
    ]
    taken = faults.take("actor", write, 91)
    assert taken is not None
    assert taken.kind == CRASH
    faults.stop()
    assert faults.take("actor", read, 92) is None


def test_a_seed_gives_the_same_history_every_time() -> None:
    """What failed once fails again."""
    first, second = (run(draw(7, LEDGER), ledger()).events for _ in range(2))
    assert lines(7, first) == lines(7, second)


def test_a_failing_schedule_is_made_smaller() -> None:
    """It still fails, with fewer calls, and can be read step by step."""
    mutant = MUTANTS["unconditional-write"]
    seed = first_failure(ledger, range(100), "unconditional-write")
    assert seed is not None
    plan = draw(seed, LEDGER)
    smallest = shrink(plan, ledger(), mutant)
    shown: list[str] = []
    again = replay(smallest.plan, ledger(), mutant(), shown.append)
    assert again.violations == smallest.violations != []
    assert len(smallest.plan.acts) <= 5 < len(plan.acts)
    assert any("CommitTurn" in line for line in shown)
    assert shown[-1].startswith("wrong: ")


def test_a_sound_schedule_cannot_be_made_smaller() -> None:
    """There is nothing to look for."""
    with pytest.raises(ValueError, match="does not fail"):
        shrink(draw(0, LEDGER), ledger())


def test_a_history_without_an_answer_is_told() -> None:
    """A call that nobody answered, and a stream that was left behind."""
    events = run(draw(0, LEDGER), ledger()).events
    without = [event for event in events if event["event"] not in ("return", "value")]
    kinds = {violation.kind for violation in check(without, LEDGER)}
    assert kinds == {"unanswered", "lost"}


def test_the_command_writes_histories_and_figures(tmp_path: Path) -> None:
    """One JSON object per event, under its seed; figures for programs."""
    file = tmp_path / "history.jsonl"
    command = [sys.executable, "-m", "trebuche_testing", "--schedules", "5", "--json", "--history", str(file)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    figures = json.loads(done.stdout)
    assert figures["schedules"] == 5
    assert figures["wrong"] == {"lost": 0, "doubled": 0, "out of order": 0, "unanswered": 0}
    events = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert {event["seed"] for event in events} == set(range(5))
    assert {"call", "return", "commit", "quiet"} <= {event["event"] for event in events}


def test_the_command_fails_on_a_mutant() -> None:
    """And says how to look at it."""
    command = [sys.executable, "-m", "trebuche_testing", "--schedules", "20", "--mutant", "unconditional-write"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert "--replay" in done.stdout
