"""The explorer finds nothing wrong with the runtime, and everything that is wrong with its mutants."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from trebuche_testing.campaign import SHARES, Tally, explore_seeds, first_failure
from trebuche_testing.checks import check, check_streams
from trebuche_testing.explore import ledger
from trebuche_testing.history import Event, lines
from trebuche_testing.ledger import LEDGER
from trebuche_testing.linearizability import UNKNOWN, Operation, explain
from trebuche_testing.mutants import MUTANTS
from trebuche_testing.plan import CALL, draw
from trebuche_testing.replay import replay
from trebuche_testing.schedule import run
from trebuche_testing.shrink import shrink
from trebuche_testing.specification import REFUSED

ROOT = Path(__file__).parents[2]
NOTHING = {"entries": [], "total": 0}


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
    for seed in range(60):
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


def call(method: str, outcome: object, *, at: tuple[float, float], arguments: tuple[str, ...] = ()) -> Operation:
    """An operation between two times."""
    return Operation(at[0], at[1], method, arguments, outcome)


def test_overlapping_calls_may_have_happened_in_either_order() -> None:
    """The first line that was sent is the second one in the list."""
    calls = [call("append", 2, at=(0, 9), arguments=("a",)), call("append", 1, at=(1, 8), arguments=("b",))]
    assert explain(LEDGER, calls, {"entries": ["b", "a"], "total": 0}) == [1, 0]
    assert explain(LEDGER, calls, {"entries": ["a", "b"], "total": 0}) is None


def test_a_call_cannot_happen_before_one_that_had_returned() -> None:
    """Real time counts, not only results."""
    calls = [call("size", 1, at=(0, 1)), call("append", 1, at=(2, 3), arguments=("a",))]
    assert explain(LEDGER, calls, {"entries": ["a"], "total": 0}) is None


def test_an_unanswered_call_happened_at_most_once() -> None:
    """Whether it did only the state can tell."""
    calls = [call("append", UNKNOWN, at=(0, float("inf")), arguments=("a",))]
    assert explain(LEDGER, calls, NOTHING) == []
    assert explain(LEDGER, calls, {"entries": ["a"], "total": 0}) == [0]
    assert explain(LEDGER, calls, {"entries": ["a", "a"], "total": 0}) is None


def test_a_refusal_needs_a_reason() -> None:
    """Nobody else had it."""
    assert explain(LEDGER, [call("claim", REFUSED, at=(0, 1), arguments=("a",))], NOTHING) is None


def test_a_history_without_an_answer_is_told() -> None:
    """A call that nobody answered, and a stream that was left behind."""
    events = run(draw(0, LEDGER), ledger()).events
    without = [event for event in events if event["event"] not in ("return", "value")]
    kinds = {violation.kind for violation in check(without, LEDGER)}
    assert kinds == {"unanswered", "lost"}


@pytest.mark.parametrize(("deleted", "wrong"), [(3, 0), (1, 1), (9, 1)])
def test_a_stream_ends_by_a_deletion_after_it_was_asked_for(deleted: int, wrong: int) -> None:
    """One from before, or none by then, is no reason."""
    events: list[Event] = [
        {
            "event": "observe",
            "at": 2,
            "stream": 1,
            "client": "c",
            "actor": "a",
            "target": "observeState",
            "swift": False,
        },
        {"event": "start", "at": 4, "stream": 1, "connection": "x", "recovered": None, "upTo": None, "asked": 2},
        {"event": "delete", "at": deleted, "actor": "a", "version": 1},
        {"event": "delete", "at": 3, "actor": "b", "version": 1},
        {"event": "end", "at": 6, "stream": 1, "reason": "actorTerminated"},
        {"event": "quiet", "at": 10, "states": {}, "initial": "{}", "streams": [], "waiting": [], "backlog": 0},
    ]
    assert len(list(check_streams(events))) == wrong


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
