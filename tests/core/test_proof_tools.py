"""The tools of ``make proof``: the whole loop again and again, and the runtime with a sentence broken."""

import json
from pathlib import Path

import pytest

from tests.mutants.rules import ROOT, Mutant
from tests.proof import loop_under_load, runtime_mutants

FLAKY = """
from pathlib import Path

def test_flaky():
    seen = Path(__file__).with_suffix(".seen")
    first = not seen.exists()
    seen.touch()
    assert not first, "the first time is bad"
"""


@pytest.mark.parametrize(("words", "seeds", "green"), [((), [7], 0), (("--keep-going",), [7, 8], 1)])
def test_run_that_fails_is_named(
    words: tuple[str, ...], seeds: list[int], green: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It ends the proof, unless it is to go on; each run has an order of its own, and nothing is tried twice."""
    tests = tmp_path / "test_flaky.py"
    tests.write_text(FLAKY)

    code = loop_under_load.main([str(tests), "--runs", "2", "--seed", "7", "--burners", "1", "--json", *words])

    record = json.loads(capsys.readouterr().out)
    assert (code, record["runs"], record["green"]) == (1, 2, green)
    assert [run["seed"] for run in record["each"]] == seeds
    assert [run["tests"] for run in record["each"]] == [1] * len(seeds)
    assert [name.rpartition("::")[2] for name in record["each"][0]["failed"]] == ["test_flaky"]
    assert [run["failed"] for run in record["each"][1:]] == [[]] * (len(seeds) - 1)


def test_runs_beside_each_other_are_all_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With ``--jobs`` each run still counts for itself."""
    tests = tmp_path / "test_steady.py"
    tests.write_text("def test_steady():\n    pass\n")

    code = loop_under_load.main([str(tests), "--runs", "3", "--seed", "7", "--jobs", "3", "--json"])

    record = json.loads(capsys.readouterr().out)
    assert (code, record["runs"], record["green"]) == (0, 3, 3)
    assert sorted(run["seed"] for run in record["each"]) == [7, 8, 9]


@pytest.mark.parametrize("mutant", runtime_mutants.read_mutants(), ids=lambda mutant: mutant.rule)
def test_a_broken_runtime_is_still_a_program(mutant: Mutant) -> None:
    """What is to be replaced is there once, and the rest can be imported: else everything would notice."""
    text = mutant.apply((ROOT / mutant.file).read_text(encoding="utf-8"))
    compile(text, mutant.file, "exec")
    if mutant.test != runtime_mutants.EXPLORER:
        assert mutant.test.partition("::")[2].partition("[")[0] in (ROOT / mutant.test.partition("::")[0]).read_text()


def test_what_notices_a_broken_runtime_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """The seed of a schedule, or the test; an unknown name is refused."""
    assert runtime_mutants.main(["reminder-before-pending", "lowest-failure-counts"]) == 0
    told = capsys.readouterr().out
    assert "✓ seed " in told
    assert "✓ tests/core/test_handed_on.py::test_a_batch_comes_again_from_the_first_change_that_failed" in told
    with pytest.raises(SystemExit):
        runtime_mutants.main(["nothing"])
    assert "no such mutant: nothing" in capsys.readouterr().err
