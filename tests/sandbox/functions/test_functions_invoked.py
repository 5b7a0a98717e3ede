"""Invocations as Lambda's API answers them, whoever asks."""

import json
import re
from typing import Any

import pytest
from botocore.exceptions import ClientError
from websockets.sync.client import connect

from sandbox.client import RunningSandbox
from sandbox.functions.functions import SHORT_WAY
from tests.support.sandbox import ANYTHING, Aws, Function, eventually

MIB = 1024 * 1024
NOTHING = {**ANYTHING, "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
ECHO = 'record({})\nreturn {"statusCode": 200, "body": context.function_version}'
INVOKES = """
import boto3
kind, target = event["kind"], event["target"]
try:
    answer = boto3.client("lambda").invoke(FunctionName=target, InvocationType=kind, Payload=b'{}')
    return answer["StatusCode"]
except Exception as error:
    return str(error)
"""

MARKS = """
import boto3
client = boto3.client("lambda", endpoint_url="{endpoint}")
client.meta.events.register("before-sign", lambda request, **_: request.headers.add_header("{mark}", "1"))
try:
    return client.invoke(FunctionName=event["target"], Payload=b'{{}}')["StatusCode"]
except Exception as error:
    return str(error)
""".replace("{mark}", SHORT_WAY)


def invoke(aws: Aws, function: str, payload: object = None, **options: str) -> dict[str, Any]:
    """An invocation by the account's root; ``Payload`` is read."""
    answer: Any = aws.client("lambda").invoke(FunctionName=function, Payload=json.dumps(payload).encode(), **options)
    text = answer["Payload"].read()
    return {**answer, "Payload": json.loads(text) if text else None}


def refusal(aws: Aws, function: str, payload: bytes, **options: str) -> tuple[int, str, str]:
    """Status, name and text of the error that an invocation meets."""
    with pytest.raises(ClientError) as caught:
        aws.client("lambda").invoke(FunctionName=function, Payload=payload, **options)
    response: Any = caught.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"], response["Error"]["Message"]


@pytest.fixture
def canary(aws: Aws) -> Function:
    """A function with versions 1 and 2 and an alias ``live`` that gives version 2 a quarter."""
    function = aws.function(ECHO)
    aws.functions.publish_version(FunctionName=function.name)
    aws.functions.update_function_configuration(FunctionName=function.name, Description="second")
    aws.functions.publish_version(FunctionName=function.name)
    aws.functions.create_alias(
        FunctionName=function.name,
        Name="live",
        FunctionVersion="1",
        RoutingConfig={"AdditionalVersionWeights": {"2": 0.25}},
    )
    aws.permit(f"{function.arn}:live")
    return Function(f"{function.arn}:live", function.name, function.recorded)


def test_a_weighted_alias_runs_both_versions(aws: Aws, canary: Function) -> None:
    """About a quarter of the calls runs the second version, and the answer says which one ran."""
    answers = [invoke(aws, canary.arn) for _ in range(60)]
    ran = [answer["ExecutedVersion"] for answer in answers]
    assert [answer["Payload"]["body"] for answer in answers] == ran
    assert 1 <= ran.count("2") <= 28


def test_a_weighted_alias_behind_a_socket_runs_both_versions(aws: Aws, canary: Function) -> None:
    """API Gateway invokes the alias, and gets what its weights say."""
    socket = aws.web_socket({"$default": canary})
    with connect(socket.url) as client:
        ran = []
        for _ in range(40):
            client.send("{}")
            ran.append(client.recv(timeout=20))
    assert 1 <= ran.count("2") <= 20
    assert set(ran) == {"1", "2"}


def test_an_alias_without_weights_runs_its_version(aws: Aws, canary: Function) -> None:
    """Taking the weights away takes effect at once."""
    aws.functions.update_alias(FunctionName=canary.name, Name="live", RoutingConfig={"AdditionalVersionWeights": {}})
    assert {invoke(aws, canary.arn)["ExecutedVersion"] for _ in range(12)} == {"1"}


def test_a_request_above_6_mb_is_refused(aws: Aws) -> None:
    """The function never sees it."""
    function = aws.function(ECHO)
    payload = json.dumps("x" * (6 * MIB - 2)).encode()
    assert invoke(aws, function.name, "x" * (6 * MIB - 2))["StatusCode"] == 200
    status, code, text = refusal(aws, function.name, payload + b" ")
    assert (status, code) == (413, "RequestTooLargeException")
    assert "payload is too large for the RequestResponse invocation type (limit 6291456 bytes)" in text
    assert len(function.events()) == 1


def test_an_answer_above_6_mb_is_an_error_of_the_function(aws: Aws) -> None:
    """The caller gets the error instead of the answer."""
    function = aws.function('print("x")\nreturn "x" * event["size"]')
    assert len(invoke(aws, function.name, {"size": 6 * MIB})["Payload"]) == 6 * MIB
    answer = invoke(aws, function.name, {"size": 6 * MIB + 100})
    assert answer["FunctionError"] == "Unhandled"
    assert answer["Payload"]["errorType"] == "Function.ResponseSizeTooLarge"


def test_an_event_above_1_mb_is_refused(aws: Aws) -> None:
    """Asynchronous invocations have a smaller limit."""
    function = aws.function(ECHO)
    status, code, text = refusal(aws, function.name, b" " * MIB + b"1", InvocationType="Event")
    assert (status, code) == (413, "RequestTooLargeException")
    assert "Event invocation type (limit 1048576 bytes)" in text


@pytest.mark.parametrize("kind", ["RequestResponse", "Event"])
@pytest.mark.parametrize("payload", [b"{", b"plain", b"NaN", b"\xff", b"{} {}"])
def test_an_event_that_is_no_json_is_refused(aws: Aws, kind: str, payload: bytes) -> None:
    """Whoever waits for the answer or not; no event at all is an empty object."""
    function = aws.function("record(event)")
    status, code, text = refusal(aws, function.name, payload, InvocationType=kind)
    assert (status, code) == (400, "InvalidRequestContentException")
    assert text.startswith("Could not parse request body into json: Could not parse payload into json: ")
    aws.functions.invoke(FunctionName=function.name)
    assert function.events() == [{}]


def test_an_error_names_its_class_and_its_stack(aws: Aws) -> None:
    """What a handler raises is reported as Lambda's Python runtime reports it."""
    answer = invoke(aws, aws.function('record({})\nraise KeyError("lost")').name)
    assert answer["FunctionError"] == "Unhandled"
    assert (answer["Payload"]["errorType"], answer["Payload"]["errorMessage"]) == ("KeyError", "'lost'")
    [frame] = answer["Payload"]["stackTrace"]
    assert frame.startswith('  File "/var/task/main.py", line ')
    assert 'raise KeyError("lost")' in frame


@pytest.mark.parametrize(
    ("ends", "reason"),
    [
        ("os._exit(1)", "exited with error: exit status 1"),
        ("os._exit(0)", "exited without providing a reason"),
        ("os.kill(os.getpid(), 15)", "exited with error: signal: terminated"),
    ],
)
def test_a_process_that_ends_is_an_exit_error(aws: Aws, ends: str, reason: str) -> None:
    """A function that leaves its process is told apart from one that raises, and how it left is said."""
    error = invoke(aws, aws.function(f"import os\n{ends}").name)["Payload"]
    assert error["errorType"] == "Runtime.ExitError"
    assert re.fullmatch(f"RequestId: [0-9a-f-]{{36}} Error: Runtime {reason}", error["errorMessage"])


def test_a_function_that_is_too_slow_times_out(aws: Aws) -> None:
    """The function's own timeout ends it."""
    answer = invoke(aws, aws.function("import time\ntime.sleep(30)", timeout=1).name)
    assert answer["Payload"]["errorType"] == "Sandbox.Timedout"
    late = "RequestId: [0-9a-f-]{36} Error: Task timed out after 1.00 seconds"
    assert re.fullmatch(late, answer["Payload"]["errorMessage"])


def test_reserved_concurrency_covers_every_version(aws: Aws, canary: Function) -> None:
    """An alias draws on the same concurrency as the function itself; without any left the call is refused."""
    aws.functions.put_function_concurrency(FunctionName=canary.name, ReservedConcurrentExecutions=0)
    assert refusal(aws, canary.arn, b"{}") == (429, "TooManyRequestsException", "Rate Exceeded.")
    aws.functions.delete_function_concurrency(FunctionName=canary.name)
    assert invoke(aws, canary.arn)["StatusCode"] == 200


def test_a_socket_whose_function_is_throttled_hears_an_error(aws: Aws, canary: Function) -> None:
    """Reserved concurrency counts for API Gateway, too."""
    socket = aws.web_socket({"$default": canary})
    aws.functions.put_function_concurrency(FunctionName=canary.name, ReservedConcurrentExecutions=0)
    with connect(socket.url) as client:
        client.send("{}")
        assert json.loads(client.recv(timeout=20))["message"] == "Internal server error"
    assert canary.events() == []


def test_a_stream_waits_for_a_throttled_function(aws: Aws, canary: Function) -> None:
    """A mapping keeps its records while there is no concurrency for its function."""
    table, stream = aws.table()
    aws.functions.put_function_concurrency(FunctionName=canary.name, ReservedConcurrentExecutions=0)
    mapping = aws.functions.create_event_source_mapping(
        EventSourceArn=stream, FunctionName=canary.arn, StartingPosition="TRIM_HORIZON", MaximumRetryAttempts=0
    )
    aws.put(table, "a", "1")
    found = aws.functions.get_event_source_mapping
    eventually(lambda: found(UUID=mapping["UUID"])["LastProcessingResult"], lambda text: "PROBLEM" in text)
    assert canary.events() == []
    aws.functions.delete_function_concurrency(FunctionName=canary.name)
    eventually(canary.events)


def test_functions_call_the_sandbox_itself(aws: Aws) -> None:
    """What a function calls goes to the same address as everybody's calls."""
    function = aws.function('import os\nprint("x")\nreturn os.environ["AWS_ENDPOINT_URL"]')
    assert invoke(aws, function.name)["Payload"] == aws.endpoint


@pytest.mark.parametrize("kind", ["RequestResponse", "Event"])
def test_a_role_without_permission_invokes_nothing(aws: Aws, kind: str) -> None:
    """The caller's role is asked, whoever answers in the end."""
    target = aws.function(ECHO)
    caller = aws.function(INVOKES, role=aws.role(NOTHING))
    answer = invoke(aws, caller.name, {"kind": kind, "target": target.name})
    assert "not authorized to perform: lambda:InvokeFunction" in answer["Payload"]
    assert target.events() == []


def test_the_sandboxs_own_way_to_functions_is_for_root_only(sandbox: RunningSandbox, aws: Aws) -> None:
    """Who marks a request as the sandbox marks its own is judged all the same."""
    target = aws.function(ECHO)
    stranger = aws.function(MARKS.format(endpoint=sandbox.record.emulator_endpoint), role=aws.role(NOTHING))
    answer = invoke(aws, stranger.name, {"target": target.name})
    assert "not authorized to perform: lambda:InvokeFunction" in answer["Payload"]
    assert target.events() == []


@pytest.mark.parametrize(("kind", "status"), [("RequestResponse", 200), ("Event", 202)])
def test_a_role_with_permission_invokes(aws: Aws, kind: str, status: int) -> None:
    """A function that may, does."""
    target = aws.function(ECHO)
    caller = aws.function(INVOKES)
    assert invoke(aws, caller.name, {"kind": kind, "target": target.name})["Payload"] == status
    eventually(target.events)


def test_a_throttled_function_is_not_shown_to_strangers(aws: Aws, canary: Function) -> None:
    """Where the sandbox answers in Lambda's place, the caller's permission has been checked."""
    aws.functions.put_function_concurrency(FunctionName=canary.name, ReservedConcurrentExecutions=0)
    stranger = aws.function(INVOKES, role=aws.role(NOTHING))
    answer = invoke(aws, stranger.name, {"kind": "RequestResponse", "target": canary.arn})
    assert "not authorized to perform: lambda:InvokeFunction" in answer["Payload"]


def test_a_function_that_takes_too_much_memory_is_ended(aws: Aws) -> None:
    """More than its memory ends the process; with more memory the same code is fine."""
    function = aws.function('import time\nprint("x")\nheld = b"x" * (300 << 20)\ntime.sleep(1)\nreturn len(held)')
    answer = invoke(aws, function.name)
    assert (answer["FunctionError"], answer["Payload"]["errorType"]) == ("Unhandled", "Runtime.ExitError")
    aws.functions.update_function_configuration(FunctionName=function.name, MemorySize=512)
    assert invoke(aws, function.name)["Payload"] == 300 << 20


@pytest.mark.parametrize(("wish", "place"), [("InvocationType", "invocationType"), ("LogType", "logType")])
def test_a_kind_of_invocation_that_there_is_not_is_refused(aws: Aws, wish: str, place: str) -> None:
    """And runs nothing; a dry run runs nothing either."""
    function = aws.function("record(event)")
    status, code, text = refusal(aws, function.name, b"{}", **{wish: "Foo"})
    assert (status, code) == (400, "ValidationException")
    assert f"Value 'Foo' at '{place}' failed to satisfy constraint: Member must satisfy enum value set: [" in text
    assert aws.functions.invoke(FunctionName=function.name, InvocationType="DryRun")["StatusCode"] == 204
    assert function.events() == []
