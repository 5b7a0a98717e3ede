"""How environments begin: a few at a time, beside others that are at work."""

import json
import os
from concurrent.futures import ThreadPoolExecutor

from tests.support.sandbox import Aws, Function, Json, eventually, zipped

CORES = max(2, os.cpu_count() or 1)
CALLERS = 3 * max(4, CORES)
SLOW_START = """
import os, time
ticks = int(open("/proc/self/stat").read().rpartition(")")[2].split()[19])
born = ticks / os.sysconf("SC_CLK_TCK")
record({"pid": os.getpid(), "born": born, "at": time.clock_gettime(time.CLOCK_BOOTTIME)})
time.sleep(0.4)
record({"pid": os.getpid()})
"""
SLOW_SECONDS = 3.0
"""A start that takes longer keeps no other one waiting."""
MEETING = """
import time
record({"here": True})
ends = time.time() + 20
while time.time() < ends and sum('"here"' in line for line in open(event["file"])) < event["all"]:
    time.sleep(0.02)
return time.time() < ends
"""
INNER = """
import boto3
boto3.client("lambda").invoke(FunctionName="{name}")
"""
NEW = """
def handle(event, context):
    return "new"
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
    with ThreadPoolExecutor(CALLERS) as pool:
        answers = [*pool.map(lambda _: invoke(aws, function)["answer"], range(CALLERS))]
    assert most_at_once(function.events()) <= CORES
    assert function.events()
    assert len(set(answers)) < CALLERS


def most_at_once(events: list[Json]) -> int:
    """How many began beside one another, of those that did not take long by then on a busy machine."""
    most, beginning = 0, dict[int, float]()
    for event in events:
        if "born" not in event:
            del beginning[event["pid"]]
            continue
        beginning[event["pid"]] = event["born"]
        most = max(most, sum(event["at"] - born < SLOW_SECONDS - 0.5 for born in beginning.values()))
    return most


def test_invocations_that_overlap_have_an_environment_each(aws: Aws) -> None:
    """However few begin at once: each of these waits for all others."""
    function = aws.function(MEETING)
    event = {"file": str(function.recorded), "all": 10}
    with ThreadPoolExecutor(10) as pool:
        assert [one["answer"] for one in pool.map(lambda _: invoke(aws, function, event), range(10))] == [True] * 10


def test_a_start_may_wait_for_another_function(aws: Aws) -> None:
    """Whose environment begins beside all those that wait for it."""
    inner = aws.function("return 'inner'")
    outer = aws.function("return 'outer'", prelude=INNER.format(name=inner.name), timeout=10)
    with ThreadPoolExecutor(CORES + 1) as pool:
        answers = [*pool.map(lambda _: invoke(aws, outer), range(CORES + 1))]
    assert answers == [{"failed": False, "answer": "outer"}] * (CORES + 1)


def test_what_begins_during_an_update_serves_no_later_invocation(aws: Aws) -> None:
    """Nor does what was waiting to begin with the code of before."""
    function = aws.function("return 'old'", prelude=SLOW_START)
    with ThreadPoolExecutor(2 * CALLERS) as pool:
        for _ in range(CALLERS):
            pool.submit(invoke, aws, function)
        eventually(function.events, lambda events: len(events) >= 1)
        aws.functions.update_function_code(FunctionName=function.name, ZipFile=zipped(NEW))
        after = [pool.submit(invoke, aws, function) for _ in range(CALLERS)]
        assert {one.result()["answer"] for one in after} == {"new"}
    with ThreadPoolExecutor(CALLERS) as pool:
        assert {one["answer"] for one in pool.map(lambda _: invoke(aws, function), range(CALLERS))} == {"new"}


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
