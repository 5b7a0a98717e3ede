"""How environments begin: a few at a time, beside others that are at work."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from itertools import accumulate

from tests.support.sandbox import Aws, Function, Json, eventually

SLOW_START = """
import os, time
record({"change": 1})
time.sleep(0.4)
record({"change": -1})
"""
MEETING = """
import time
record({"here": True})
ends = time.time() + 20
while time.time() < ends and sum('"here"' in line for line in open(event["file"])) < event["all"]:
    time.sleep(0.02)
return time.time() < ends
"""
COUNTED = """
import os, time
if "wait" in event:
    record(event)
    while not os.path.exists(event["wait"]):
        time.sleep(0.02)
return os.getpid()
"""


def invoke(aws: Aws, function: Function, event: Json | None = None) -> Json:
    """What a function answers."""
    answer = aws.functions.invoke(FunctionName=function.name, Payload=json.dumps(event or {}))
    found: Json = {"failed": "FunctionError" in answer, "answer": json.load(answer["Payload"])}
    return found


def test_few_environments_begin_at_once(aws: Aws) -> None:
    """As many as there are cores; whoever waits is given one that has become free."""
    function = aws.function("return os.getpid()", prelude=SLOW_START)
    with ThreadPoolExecutor(12) as pool:
        answers = [*pool.map(lambda _: invoke(aws, function)["answer"], range(12))]
    beginning = [*accumulate(event["change"] for event in function.events())]
    assert 1 <= max(beginning) <= max(2, os.cpu_count() or 1)
    assert len(set(answers)) < 12


def test_invocations_that_overlap_have_an_environment_each(aws: Aws) -> None:
    """However few begin at once: each of these waits for all others."""
    function = aws.function(MEETING)
    event = {"file": str(function.recorded), "all": 7}
    with ThreadPoolExecutor(7) as pool:
        assert [one["answer"] for one in pool.map(lambda _: invoke(aws, function, event), range(7))] == [True] * 7


def test_a_failed_start_ends_no_other_environment(aws: Aws) -> None:
    """One that is at work goes on, and serves again."""
    broken, go = (aws.folder / f"{name}-{os.urandom(4).hex()}" for name in ("broken", "go"))
    function = aws.function(COUNTED, prelude=f"import os\nif os.path.exists({str(broken)!r}):\n    raise KeyError('x')")
    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(invoke, aws, function, {"wait": str(go)})
        eventually(function.events, lambda events: len(events) == 1)
        broken.touch()
        assert invoke(aws, function)["failed"]
        broken.unlink()
        go.touch()
        assert not working.result()["failed"]
    assert working.result() == invoke(aws, function)
