"""A function with its role and log group."""

import json
from pathlib import Path
from typing import Any

import pulumi

from infra.archives import Archive
from infra.function import ExecutionRole, ExecutionRoleArgs, LambdaFunction, LambdaFunctionArgs, Operation, grant_invoke
from infra.grants import Grant, policy
from tests.infra.recording import Recording, deploy, resolve

PLAIN = Operation(log_retention_days=3)


def function(name: str = "f", operation: Operation = PLAIN) -> LambdaFunction:
    """A function with one grant."""
    args = LambdaFunctionArgs(
        function_name=f"my-{name}",
        handler="m.handle",
        archive=Archive(Path(".trebuche/build/f.zip"), "0"),
        memory_mb=256,
        timeout_seconds=9,
        operation=operation,
        environment={"A": "b"},
        grants=[Grant("Read", ("dynamodb:GetItem",), ("arn:table",))],
    )
    return LambdaFunction(name, args)


def test_function() -> None:
    """Runs python3.13 on arm64 from the archive, published."""
    made = deploy(function).one("f-function")

    code = made.inputs.pop("code")
    assert isinstance(code, pulumi.FileArchive)
    assert code.path == ".trebuche/build/f.zip"
    assert made.inputs == {
        "name": "my-f",
        "role": "arn:my-f",
        "handler": "m.handle",
        "runtime": "python3.13",
        "architectures": ["arm64"],
        "memorySize": 256,
        "timeout": 9,
        "environment": {"variables": {"A": "b"}},
        "publish": True,
        "loggingConfig": {
            "logFormat": "JSON",
            "applicationLogLevel": "INFO",
            "systemLogLevel": "INFO",
            "logGroup": "/aws/lambda/my-f",
        },
        "tracingConfig": {"mode": "PassThrough"},
    }


def test_function_waits_for_its_log_group_and_permissions() -> None:
    """Else Lambda makes the log group itself, without retention, and first calls are denied."""
    assert deploy(function).one("f-function").depends_on >= {"f-logs", "f-execution-policy"}


def test_alias_follows_the_published_version() -> None:
    """Alias ``live`` names the version that was just published."""
    assert deploy(function).one("f-alias").inputs == {
        "name": "live",
        "functionName": "my-f",
        "functionVersion": "7",
    }


def test_logs_are_kept_for_a_while() -> None:
    """The log group has the name that Lambda writes to, and ends."""
    assert deploy(function).one("f-logs").inputs == {"name": "/aws/lambda/my-f", "retentionInDays": 3}


def test_role_may_write_its_logs_and_what_is_granted() -> None:
    """The policy is the grants, after the function's own log group."""
    recording = deploy(function)

    assert recording.one("f-execution-role").inputs["name"] == "my-f"
    made = recording.one("f-execution-policy").inputs
    assert (made["name"], made["role"]) == ("execution", "my-f")
    assert json.loads(made["policy"])["Statement"] == [
        {
            "Sid": "Logs",
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": ["arn:/aws/lambda/my-f:*"],
        },
        {"Sid": "Read", "Effect": "Allow", "Action": ["dynamodb:GetItem"], "Resource": ["arn:table"]},
    ]


def test_role_is_taken_by_lambda_only() -> None:
    """No other service may assume an execution role."""
    made = deploy(lambda: ExecutionRole("r", ExecutionRoleArgs(role_name="r", grants=()))).one("r-role")

    assert json.loads(made.inputs["assumeRolePolicy"]) == {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }


def test_invocation_is_granted_on_the_alias() -> None:
    """Not on the function, which would be another resource to IAM."""

    def document() -> pulumi.Output[Any]:
        return policy([grant_invoke([function("f"), function("g")])])

    assert json.loads(resolve(document))["Statement"] == [
        {
            "Sid": "Invoke",
            "Effect": "Allow",
            "Action": ["lambda:InvokeFunction"],
            "Resource": ["arn:my-f:live", "arn:my-g:live"],
        }
    ]


def operated(**operation: Any) -> Recording:
    """A function that is run in some way."""
    return deploy(lambda: function(operation=Operation(log_retention_days=3, **operation)))


def test_tracing_comes_with_its_permission() -> None:
    """Without it X-Ray drops the traces; X-Ray knows no resources."""
    made = operated(tracing=True)

    assert made.one("f-function").inputs["tracingConfig"] == {"mode": "Active"}
    assert json.loads(made.one("f-execution-policy").inputs["policy"])["Statement"][1] == {
        "Sid": "Trace",
        "Effect": "Allow",
        "Action": ["xray:PutTraceSegments", "xray:PutTelemetryRecords"],
        "Resource": ["*"],
    }


def test_snapshot_is_taken_of_published_versions() -> None:
    """The alias leads to a published version, never to $LATEST, which has no snapshot."""
    made = operated(snap_start=True)

    assert made.one("f-function").inputs["snapStart"] == {"applyOn": "PublishedVersions"}
    assert [one.name for one in made.resources if one.name == "f-warm"] == []


def test_environments_are_kept_warm_on_the_alias() -> None:
    """Provisioned concurrency follows the alias to the next version."""
    made = operated(provisioned_concurrency=2)

    assert made.one("f-warm").inputs == {
        "functionName": "my-f",
        "qualifier": "live",
        "provisionedConcurrentExecutions": 2,
    }
    assert "f-alias" in made.one("f-warm").depends_on
    assert "snapStart" not in made.one("f-function").inputs


def test_concurrency_is_reserved() -> None:
    """Only where it is asked for: it is taken from what all other functions share."""
    assert operated(reserved_concurrency=20).one("f-function").inputs["reservedConcurrentExecutions"] == 20
    assert "reservedConcurrentExecutions" not in operated().one("f-function").inputs
