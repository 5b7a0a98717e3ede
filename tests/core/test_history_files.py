"""Histories that anybody may write: read line by line, held against a specification, refused where they are none."""

import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from trebuche_testing.draws import draw
from trebuche_testing.explore import ledger
from trebuche_testing.file_check import RIGHT, TOO_HARD, UNREADABLE, WRONG, check_file
from trebuche_testing.history import Event, lines
from trebuche_testing.history_file import read_histories
from trebuche_testing.history_lines import HistoryError
from trebuche_testing.ledger import LEDGER
from trebuche_testing.schedule import run

ROOT = Path(__file__).parents[2]


def event(kind: str, at: float, **members: Any) -> Event:
    """A line."""
    return {"event": kind, "at": at, **members}


def made(call: str, at: float, method: str = "append", *arguments: object) -> Event:
    """Somebody makes a call."""
    return event("call", at, call=call, actor="ledger/1", method=method, arguments=list(arguments))


def answered(call: str, at: float, result: object, outcome: str = "ok") -> Event:
    """It returns."""
    return event("return", at, call=call, outcome=outcome, result=json.dumps(result))


TWO = (made("a", 1, "append", "x"), made("b", 2, "append", "y"), answered("b", 3, 1), answered("a", 4, 2))
QUIET = event("quiet", 9, states={"ledger/1": '{"entries":["y","x"],"total":0}'})


def written(folder: Path, *events: Event | str) -> Path:
    """A file of these lines."""
    file = folder / "history.jsonl"
    texts = [one if isinstance(one, str) else json.dumps(one) for one in events]
    file.write_text("\n".join(texts) + "\n", encoding="utf-8")
    return file


def check(file: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the command on a file."""
    command = [sys.executable, "-m", "trebuche_testing", "--check", str(file), *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)


def test_calls_and_returns_are_enough(tmp_path: Path) -> None:
    """Whoever knows neither writes nor streams can have calls checked; without its end a history may go on."""
    assert check_file(written(tmp_path, *TWO), LEDGER).exit_code == RIGHT
    assert check_file(written(tmp_path, *TWO, made("c", 5, "size")), LEDGER).exit_code == RIGHT
    assert check_file(written(tmp_path, *TWO, QUIET), LEDGER).exit_code == RIGHT
    swapped = (*TWO[:2], answered("a", 3, 1), answered("b", 4, 2))
    assert check_file(written(tmp_path, *swapped, QUIET), LEDGER).exit_code == WRONG


def test_what_the_end_does_not_explain_is_told(tmp_path: Path) -> None:
    """An unanswered call is, when the history is over; and an answer that no order gives."""
    verdicts = check_file(written(tmp_path, *TWO, made("c", 5, "size"), QUIET), LEDGER)
    assert verdicts.wrong == {"unanswered": 1}
    assert verdicts.unordered == 0
    verdicts = check_file(written(tmp_path, *TWO, made("c", 5, "size"), answered("c", 6, 3)), LEDGER)
    assert verdicts.unordered == 1
    assert verdicts.failed == [
        (0, ["lost: ledger/1: no order of its calls explains the answer to size of somebody on ledger/1 (call c)"])
    ]


def test_writes_say_which_unanswered_calls_were_carried_out(tmp_path: Path) -> None:
    """Twenty of them without an answer are then no riddle."""
    lost = [made(f"lost-{number}", number, "append", str(number)) for number in range(20)]
    commit = event("commit", 30, actor="ledger/1", version=1, call="lost-7", state='{"entries":["7"],"total":0}')
    seen = (made("look", 31, "size"), answered("look", 32, 1))
    assert check_file(written(tmp_path, *lost, commit, *seen), LEDGER).exit_code == RIGHT
    assert check_file(written(tmp_path, *lost, commit, seen[0], answered("look", 32, 2)), LEDGER).exit_code == WRONG


def test_what_cannot_be_decided_is_said(tmp_path: Path) -> None:
    """With an exit code of its own."""
    lost = [made(f"lost-{bit}", bit, "add", 1 << bit) for bit in range(30)]
    verdicts = check_file(written(tmp_path, *lost, made("look", 31, "size"), answered("look", 32, 1)), LEDGER)
    assert verdicts.exit_code == TOO_HARD
    assert (verdicts.undecided, verdicts.unordered) == (1, 0)


def test_the_explorers_own_histories_are_found_right(tmp_path: Path) -> None:
    """From a packed file alone, by the command: the same verdict as when they were made."""
    file = tmp_path / "history.jsonl.gz"
    with gzip.open(file, "wt", encoding="utf-8") as out:
        for seed in range(5):
            out.write(lines(seed, run(draw(seed, LEDGER), ledger()).events))
    done = check(file, "--json")
    figures = json.loads(done.stdout)
    assert done.returncode == RIGHT
    assert figures["histories"] == 5
    assert figures["linearizable"] == figures["actors"] == 10
    assert figures["wrong"] == {"lost": 0, "doubled": 0, "out of order": 0, "unanswered": 0}


def test_a_spoilt_answer_is_found(tmp_path: Path) -> None:
    """Named by its seed and call, with exit code 1."""
    events = run(draw(3, LEDGER), ledger()).events
    spoilt = next(one for one in events if one["event"] == "return" and one["outcome"] == "ok" and one["result"])
    spoilt["result"] = b"77"
    file = tmp_path / "history.jsonl"
    file.write_text(lines(3, events), encoding="utf-8")
    done = check(file)
    assert done.returncode == WRONG
    assert "1 not" in done.stdout
    assert f"seed 3: lost: {next(one['actor'] for one in events if one.get('call') == spoilt['call'])}" in done.stdout
    assert spoilt["call"] in done.stdout


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{", "not JSON"),
        ("[]", "expected an object such as"),
        ({"event": "calls", "at": 1}, "expected 'event' to be one of call, send, return"),
        ({"event": "send", "call": "a"}, "'send' has to have 'at', a number that never falls; got nothing"),
        (event("send", 5, call="nobody"), "'send' of call \"nobody\"; expected its 'call' in an earlier line"),
        (event("call", 5, call="c", actor="ledger/1", method="size"), "'arguments', an array; got nothing"),
        (made("a", 5), "a second 'call' of call \"a\"; expected one"),
        (answered("a", 5, 1), "a second 'return'"),
        (event("return", 5, call="a", outcome="fine"), "'outcome', one of ok, refused, failed; got \"fine\""),
        (event("return", 5, call="a", outcome="ok", result=3), "'result', a text that is a JSON document"),
        (event("commit", 5, actor="a", version=-1, call="a", state="{}"), "'version', a whole number from 0 on"),
        (event("quiet", 5, states={"ledger/1": {}}), "'states', an object of actors' states"),
        (event("value", 5, stream=1, number=1, value="3"), "expected its 'observe' in an earlier line"),
        (event("delete", 3, actor="a", version=1), "'at' is 3 after 4; expected lines in the order of events"),
        ('{"event":"send","at":NaN,"call":"a"}', "NaN is no JSON number"),
    ],
)
def test_a_line_that_does_not_fit_is_named(tmp_path: Path, line: Event | str, told: str) -> None:
    """With its file, its number, and what was expected."""
    file = written(tmp_path, *TWO, line)
    with pytest.raises(HistoryError) as refused:
        list(read_histories(file))
    assert str(refused.value).startswith(f"{file}:5: ")
    assert told in str(refused.value)


def test_lines_of_seeds_must_not_mix(tmp_path: Path) -> None:
    """A history is over when another one begins, and nothing follows its end."""
    seeds = [one | {"seed": seed} for seed in (1, 2) for one in TWO]
    assert [seed for seed, _ in read_histories(written(tmp_path, *seeds))] == [1, 2]
    with pytest.raises(HistoryError, match=":9: seed 1 again"):
        list(read_histories(written(tmp_path, *seeds, made("c", 5) | {"seed": 1})))
    with pytest.raises(HistoryError, match=":6: 'call' after 'quiet'"):
        list(read_histories(written(tmp_path, *TWO, QUIET, made("c", 10))))


@pytest.mark.parametrize("content", [b"", b"\xff\n", b"\x1f\x8b not packed"], ids=["empty", "no-text", "not-packed"])
def test_a_file_without_a_history_is_refused(tmp_path: Path, content: bytes) -> None:
    """In one line on stderr, with exit code 2."""
    file = tmp_path / "history.jsonl.gz"
    file.write_bytes(gzip.compress(content) if content != b"\x1f\x8b not packed" else content)
    done = check(file)
    assert done.returncode == UNREADABLE
    assert done.stderr.startswith(f"{file}: ")
    assert done.stderr.count("\n") == 1


def test_calls_that_the_specification_does_not_know_are_refused(tmp_path: Path) -> None:
    """Nobody could say what they do."""
    with pytest.raises(HistoryError, match="cannot follow the history of seed 0: ValueError: a ledger has no 'sing'"):
        check_file(written(tmp_path, made("a", 1, "sing"), answered("a", 2, None)), LEDGER)


@pytest.mark.parametrize(
    ("name", "told"),
    [("nowhere:X", "No module named 'nowhere'"), ("json", "module:NAME"), ("json:loads", "expected a Specification")],
)
def test_a_specification_that_is_none_is_refused(tmp_path: Path, name: str, told: str) -> None:
    """In one line, with an example."""
    done = check(written(tmp_path, *TWO), "--specification", name)
    assert done.returncode == UNREADABLE
    assert told in done.stderr
