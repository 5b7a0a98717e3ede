"""One run of all benchmarks: what breaks stops no other, what is promised is judged, what is printed is read."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

import bench.__main__ as entry
from bench import cold_start, turn
from bench.delivery.figures import Figures as Delivered
from bench.driver import dollars, speed
from bench.driver.benchmark import Benchmark, Document
from bench.driver.process import Outcome, run
from bench.driver.rows import GOOD, MISSED, UNJUDGED, Row, at_least, at_most
from bench.driver.suite import BENCHMARKS
from bench.driver.table import prices, table
from bench.fan_out import figures as fan_out
from bench.workloads import hot, steady
from cli.cost.prices import PRICES
from sandbox.meter.units import MESSAGES

ROOT = Path(__file__).resolve().parents[2]


def reads_ratio(document: Document) -> Iterator[Row]:
    """A row of what the small benchmarks here print."""
    yield Row(what="it", unit="ms", ours=document["ours"], times=document["ratio"], limit=at_most(2.0))


@pytest.fixture
def written(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Benchmark:
    """A benchmark of one line, in a package ``bench`` of its own; the driver is pointed at it."""
    package = tmp_path / "bench"
    package.mkdir()
    (package / "small.py").write_text(request.param)
    monkeypatch.setattr("bench.driver.process.ROOT", tmp_path)
    return Benchmark(name="small", about="something small", read=reads_ratio, seconds=120)


def outcome(benchmark: Benchmark, told: list[str] | None = None) -> Outcome:
    """What becomes of it."""
    return run(benchmark, (), full=False, tell=(told if told is not None else []).append)


@pytest.mark.parametrize("written", ['print(\'{"ours": 3, "ratio": 1.5}\')'], indirect=True)
def test_figures_of_a_benchmark_are_read_and_judged(written: Benchmark) -> None:
    """The last line that it prints."""
    one = outcome(written)
    assert one.good
    assert [row.verdict for row in one.rows] == [GOOD]
    assert one.document == {"ours": 3, "ratio": 1.5}


@pytest.mark.parametrize("written", ['print(\'{"ours": 3, "ratio": 2.5}\'); raise SystemExit(1)'], indirect=True)
def test_a_missed_promise_is_no_broken_benchmark(written: Benchmark) -> None:
    """Its figures are in the table, with the verdict."""
    one = outcome(written)
    assert (one.good, one.error) == (False, "")
    assert [row.verdict for row in one.rows] == [MISSED]


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("raise ValueError('no such thing')", "ValueError: no such thing"),
        ("print('hello')", "it printed no JSON"),
        ("print('{\"ratio\": 1.5}')", "cannot read what it printed: KeyError('ours')"),
    ],
    indirect=["written"],
)
def test_a_broken_benchmark_says_why(written: Benchmark, said: str) -> None:
    """In its place in the table."""
    one = outcome(written)
    assert not one.good
    assert said in one.error
    assert [line for line in table([one]) if said in line]


@pytest.mark.parametrize(
    "written",
    ["import pathlib, time\ntry:\n    time.sleep(600)\nfinally:\n    pathlib.Path('tidied').touch()"],
    indirect=True,
)
def test_a_benchmark_that_hangs_is_interrupted_so_that_it_can_tidy_up(written: Benchmark, tmp_path: Path) -> None:
    """And says so; what goes on meanwhile is told."""
    hanging = Benchmark(name="small", about="something small", read=written.read, seconds=8)
    told: list[str] = []
    one = outcome(hanging, told)
    assert one.error == "no end within 8 s"
    assert (tmp_path / "tidied").exists()
    assert told


def test_one_that_breaks_stops_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The table has the others, the record everything, and the exit code tells at the end."""
    package = tmp_path / "bench"
    package.mkdir()
    (package / "broken.py").write_text("import no_such_module")
    (package / "fine.py").write_text(f"print('{json.dumps({'ours': 3, 'ratio': 1.5, 'prices': [MESSAGES]})}')")
    both = tuple(Benchmark(name=name, about=name, read=reads_ratio, seconds=120) for name in ("broken", "fine"))
    monkeypatch.setattr("bench.driver.process.ROOT", tmp_path)
    monkeypatch.setattr(entry, "BENCHMARKS", both)
    answer = CliRunner().invoke(entry.main, ["--record", str(tmp_path / "record" / "bench.json")])
    assert answer.exit_code == 1
    assert "1/2 broken" in answer.stderr
    assert "2/2 fine" in answer.stderr
    assert "no_such_module" in answer.stdout
    assert "1.50  <= 2 times  good" in answer.stdout
    assert PRICES[MESSAGES].source in answer.stdout
    record = json.loads((tmp_path / "record" / "bench.json").read_text())
    assert [one["name"] for one in record["benchmarks"]] == ["broken", "fine"]
    assert record["prices"][MESSAGES]["usd"] == PRICES[MESSAGES].usd
    assert record["machine"]["python"] == sys.version.split()[0]
    assert record["machine"]["load"] >= 0
    assert record["good"] is False


def test_limits_are_of_ratios_or_of_our_own_figure() -> None:
    """From above or from below; what nobody promised has no verdict."""
    row = {"what": "", "unit": "USD", "ours": 0.8, "rival": 2.0, "times": 0.4}
    verdicts = [
        Row(**row, limit=limit).verdict  # type: ignore[arg-type]
        for limit in (at_most(0.5), at_least(0.5), at_most(0.7, of_ratio=False), at_most(0.9, of_ratio=False), None)
    ]
    assert verdicts == [GOOD, MISSED, MISSED, GOOD, UNJUDGED]
    assert str(at_most(0.9, of_ratio=False)) == "<= 0.9"
    assert str(at_least(8)) == ">= 8 times"


def test_every_benchmark_is_there_to_be_run() -> None:
    """Each is a module that takes ``--json``; the short run's patience is bounded, too."""
    for one in BENCHMARKS:
        places = [ROOT / "bench" / f"{one.name}.py", ROOT / "bench" / one.name / "__main__.py"]
        [module] = [place for place in places if place.exists()]
        assert '"--json"' in module.read_text()
    named = {one.name for one in BENCHMARKS}
    assert {"cold_start", "turn", "fan_out", "delivery", "workloads", "cost_gate"} <= named


def test_what_benchmarks_print_is_what_is_read() -> None:
    """Each reader takes its benchmark's own figures, and finds what is promised of them."""
    starts = dict.fromkeys(cold_start.HANDLERS, 20.0)
    rounds = {
        name: [fan_out.Round(1, taken, 1.0, {}, [])] for name, taken in ((fan_out.OURS, 1), (fan_out.THREADED, 9))
    }
    first = steady.Hour({"deliveries": 0.6}, {"table writes": 0.01}, {"table writes": 0.02}, {}, 0.0)
    latest = hot.Hour({"deliveries": 1.4}, 5.0).document()
    documents = {
        speed.cold_starts: cold_start.Figures(starts, starts, 100.0).to_json(),
        speed.turns: turn.Figures(20.0, 10.0, 1024).to_json(),
        speed.posts: fan_out.Figures(rounds).to_json(),
        speed.deliveries: Delivered({1: 0.1, 100: 0.2}, {1: 0.2, 100: 2.0}).to_json(),
        dollars.workloads: json.dumps(
            {
                "w1": first.document(),
                "w2": latest,
                "w2every": hot.Hour({"deliveries": 7.2}, 1.0).document(),
            }
        ),
    }
    for read, document in documents.items():
        rows = list(read(json.loads(document)))
        assert GOOD in {row.verdict for row in rows}
        assert MISSED not in {row.verdict for row in rows}


def test_each_dollar_has_its_price() -> None:
    """With source and date."""
    [head, line] = prices([MESSAGES])
    assert "us-east-1" in head
    assert PRICES[MESSAGES].per in line
    assert PRICES[MESSAGES].read in line
