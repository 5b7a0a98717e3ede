"""Execution environments: what outlives an invocation, what a function finds in it, and what it logs."""

import base64
import json
import re
import subprocess
from pathlib import Path
from typing import Any, cast

import pytest

from tests.support.sandbox import Aws, Function, Json, eventually

ROOT = Path(__file__).resolve().parents[3]
COUNTS = """
import builtins, os
builtins.count = getattr(builtins, "count", 0) + 1
print("call", builtins.count)
if event.get("do"):
    exec(event["do"])
return {"count": builtins.count, "stream": context.log_stream_name, "group": context.log_group_name}
"""
REQUEST = "[0-9a-f-]{36}"
LATE = """
import subprocess, sys, types
sys.path.append(sys.argv[1])
from sandbox.inside import failures, invocations
invocations.INIT_SECONDS = 0.0
worker = types.SimpleNamespace(config={"Timeout": 0}, _proc=subprocess.Popen(["sleep", "infinity"]))
with invocations.bounded(worker):
    worker._proc.wait()
worker.sandbox_process = worker._proc
print(failures.unready(worker, RuntimeError("Worker process exited immediately"), "r"))
"""


def invoke(aws: Aws, function: Function, do: str = "", **options: Any) -> Json:
    """What an invocation answers, with the end of its log and the error's kind."""
    payload = json.dumps({"do": do})
    answer = cast("Json", aws.functions.invoke(FunctionName=function.name, LogType="Tail", Payload=payload, **options))
    log = base64.b64decode(answer["LogResult"]).decode()
    return {"answer": json.load(answer["Payload"]), "log": log, "failed": "FunctionError" in answer}


def streams(aws: Aws, function: Function) -> dict[str, list[str]]:
    """What the function's log streams hold."""
    group = f"/aws/lambda/{function.name}"
    logs = aws.client("logs")
    names = [one["logStreamName"] for one in logs.describe_log_streams(logGroupName=group)["logStreams"]]
    read = logs.get_log_events
    return {
        name: [one["message"] for one in read(logGroupName=group, logStreamName=name, startFromHead=True)["events"]]
        for name in names
    }


def test_an_environment_outlives_what_its_handler_raises(aws: Aws) -> None:
    """What it remembers stays there: Lambda's runtime reports the error and takes the next event."""
    function = aws.function(COUNTS)
    assert invoke(aws, function)["answer"]["count"] == 1
    failed = invoke(aws, function, "raise ValueError('no')")
    assert (failed["failed"], failed["answer"]["errorType"]) == (True, "ValueError")
    assert invoke(aws, function)["answer"]["count"] == 3


@pytest.mark.parametrize("ends", ["os._exit(0)", "raise SystemExit(3)", "import time; time.sleep(60)"])
def test_a_crash_and_a_timeout_end_the_environment(aws: Aws, ends: str) -> None:
    """The next invocation begins with nothing, in another log stream."""
    function = aws.function(COUNTS, timeout=2)
    before = invoke(aws, function)["answer"]
    assert invoke(aws, function, ends)["failed"]
    after = invoke(aws, function)["answer"]
    assert (before["count"], after["count"]) == (1, 1)
    assert before["stream"] != after["stream"]


def test_an_environment_writes_one_log_stream(aws: Aws) -> None:
    """The context names the stream and the group that its lines are in."""
    function = aws.function(COUNTS)
    answers = [invoke(aws, function)["answer"] for _ in range(3)]
    [(name, lines)] = streams(aws, function).items()
    assert {(answer["stream"], answer["group"]) for answer in answers} == {(name, f"/aws/lambda/{function.name}")}
    assert re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", name)
    assert [line for line in lines if line.startswith("call")] == ["call 1", "call 2", "call 3"]


def test_an_invocation_is_logged_from_start_to_report(aws: Aws) -> None:
    """The end of the log, which callers can ask for, says what was billed and how much memory was used."""
    function = aws.function(COUNTS)
    first, second = (invoke(aws, function)["log"] for _ in range(2))
    start, call, end, report = first.splitlines()
    request = start.removeprefix("START RequestId: ").removesuffix(" Version: $LATEST")
    assert re.fullmatch(REQUEST, request)
    assert (call, end) == ("call 1", f"END RequestId: {request}")
    fields = dict(field.split(": ") for field in report.removeprefix("REPORT ").split("\t"))
    assert fields["RequestId"] == request
    assert fields["Memory Size"] == "128 MB"
    assert 5 < int(fields["Max Memory Used"].removesuffix(" MB")) < 128
    spent = float(fields["Duration"].removesuffix(" ms")) + float(fields["Init Duration"].removesuffix(" ms"))
    assert -0.02 < int(fields["Billed Duration"].removesuffix(" ms")) - spent < 1.1
    assert "Init Duration" not in second
    assert [*streams(aws, function).values()] == [[*first.splitlines(), *second.splitlines()]]


def test_memory_that_was_used_is_told(aws: Aws) -> None:
    """It is the most that the environment has ever taken."""
    function = aws.function(COUNTS, MemorySize=256)
    used = [
        int(cast("Any", re.search(r"Max Memory Used: (\d+) MB", invoke(aws, function, do)["log"]))[1])
        for do in ("", "taken = bytearray(100 << 20)", "")
    ]
    assert used[0] + 90 < used[1] <= used[2] < 256


def test_the_log_of_a_weighted_alias_is_told(aws: Aws) -> None:
    """Whichever version runs."""
    function = aws.function(COUNTS)
    for _ in range(2):
        aws.functions.update_function_configuration(FunctionName=function.name, Description=aws.endpoint)
        aws.functions.publish_version(FunctionName=function.name)
        aws.functions.update_function_configuration(FunctionName=function.name, Description="other")
    aws.functions.create_alias(
        FunctionName=function.name,
        Name="live",
        FunctionVersion="1",
        RoutingConfig={"AdditionalVersionWeights": {"2": 1.0}},
    )
    assert invoke(aws, function, Qualifier="live")["log"].startswith("START RequestId")


def test_failures_are_in_the_log(aws: Aws) -> None:
    """An exception with its stack, the end of a process and a timeout, as Lambda writes them."""
    function = aws.function(COUNTS, timeout=2)
    raised = invoke(aws, function, "raise ValueError('no')")["log"]
    assert '\n[ERROR] ValueError: no\nTraceback (most recent call last):\n  File "/var/task/main.py"' in raised
    ended = invoke(aws, function, "os._exit(4)")["log"]
    assert re.search(
        f"\nRequestId: {REQUEST} Error: Runtime exited with error: exit status 4\nRuntime.ExitError\n", ended
    )
    late = invoke(aws, function, "import time; time.sleep(60)")["log"]
    assert re.search(f"\n20[^ ]*Z {REQUEST} Task timed out after 2.00 seconds\nEND", late)
    assert late.endswith("\tStatus: timeout")


@pytest.mark.parametrize(
    "change",
    [
        "open('made', 'w')",
        "open(os.path.join(os.environ['LAMBDA_TASK_ROOT'], 'main.py'), 'a')",
        "os.mkdir('made')",
        "os.rename('main.py', '/tmp/main.py')",
        "os.remove(b'main.py')",
        "os.symlink('/tmp', 'made')",
    ],
)
def test_code_cannot_be_written_to(aws: Aws, change: str) -> None:
    """Where a function begins is where its code is, and that is a read-only file system."""
    function = aws.function(COUNTS)
    failed = invoke(aws, function, change)["answer"]
    assert (failed["errorType"], failed["errorMessage"][:32]) == ("OSError", "[Errno 30] Read-only file system")
    assert not invoke(aws, function, "open('main.py').read(); open(os.devnull, 'w')")["failed"]


@pytest.mark.parametrize(
    ("source", "handler", "kind", "text"),
    [
        ("import nowhere", "main.handle", "Runtime.ImportModuleError", "Unable to import module 'main': No module"),
        ("def handle(", "main.handle", "Runtime.UserCodeSyntaxError", "Syntax error in module 'main': '(' was never"),
        ("", "main.other", "Runtime.HandlerNotFound", "Handler 'other' missing on module 'main'"),
        ("raise KeyError('x')", "main.handle", "KeyError", "'x'"),
        ("import os; os._exit(7)", "main.handle", "Runtime.ExitError", "RequestId: "),
    ],
)
def test_a_function_that_cannot_begin_says_why(aws: Aws, source: str, handler: str, kind: str, text: str) -> None:
    """By the names of Lambda's runtime, in answer and log alike, each time that it is invoked."""
    function = aws.function("pass", prelude=source, Handler=handler)
    for _ in range(2):
        failed = invoke(aws, function)
        assert failed["answer"]["errorType"] == kind
        assert failed["answer"]["errorMessage"].startswith(text)
        assert kind in failed["log"]


def test_a_function_that_does_not_begin_is_ended() -> None:
    """A start that takes longer than Lambda's ten seconds and the function's timeout is a timeout."""
    python = ROOT / ".venv-emulator" / "bin" / "python"
    done = subprocess.run([str(python), "-c", LATE, str(ROOT)], capture_output=True, text=True, check=True, timeout=120)
    assert "RequestId: r Error: Task timed out after 0.00 seconds" in done.stdout


def test_numbers_are_answered_and_other_objects_are_not(aws: Aws) -> None:
    """Decimal numbers, as boto3 reads them of tables, become JSON; what cannot be JSON is a Runtime.MarshalError."""
    number = aws.function("import decimal\nreturn {'n': decimal.Decimal('1.5')}")
    assert invoke(aws, number)["answer"] == {"n": 1.5}
    other = invoke(aws, aws.function("return {1, 2}"))["answer"]
    text = "Unable to marshal response: Object of type set is not JSON serializable"
    assert (other["errorType"], other["errorMessage"]) == ("Runtime.MarshalError", text)


def test_a_function_finds_lambdas_variables(aws: Aws) -> None:
    """Its runtime, its handler and its log; it lives in UTC unless it says otherwise."""
    asks = "import os\nreturn {name: os.environ.get(name) for name in event['do'].split()}"
    names = "AWS_EXECUTION_ENV AWS_LAMBDA_INITIALIZATION_TYPE AWS_LAMBDA_LOG_GROUP_NAME _HANDLER TZ"
    function = aws.function(asks)
    expected = ["AWS_Lambda_python3.13", "on-demand", f"/aws/lambda/{function.name}", "main.handle", ":UTC"]
    assert invoke(aws, function, names)["answer"] == dict(zip(names.split(), expected, strict=True))
    own = {"Variables": {"TZ": "Europe/Berlin"}}
    aws.functions.update_function_configuration(FunctionName=function.name, Environment=cast("Any", own))
    eventually(lambda: invoke(aws, function, "TZ")["answer"], lambda found: found == {"TZ": "Europe/Berlin"})
