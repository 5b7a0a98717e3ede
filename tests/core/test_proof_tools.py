"""The tool that runs the whole loop again and again; ``make proof`` gives it the loop itself."""

import json
from pathlib import Path

import pytest

from tests.proof import loop_under_load

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
