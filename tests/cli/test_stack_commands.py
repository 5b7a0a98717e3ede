"""``trebuche status``, ``trebuche logs`` and ``trebuche init`` with a fake Pulumi and moto's AWS."""

import json
import time
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient

from cli.deployment import Deployment
from cli.errors import CommandError
from cli.function_logs import choose_functions, parse_since, print_logs, readable
from cli.output import INTERRUPTED, Output
from cli.stack_status import print_stack_status
from cli.starter import starter_text, write_starter
from infra.actors import find_actors
from infra.config import load_config
from tests.cli.stack_workshop import ACCOUNT, REGION, StackWorkshop, functions, outputs, resource, state
from trebuche.errors import ConfigError

ALARM = "my-app-websocket-errors"


def _with_table_and_alarm(workshop: StackWorkshop) -> None:
    """A stack without functions: moto has none that answer."""
    boto3.client("dynamodb", region_name=REGION).create_table(
        TableName="my-app-actor-state",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "actorId", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "actorId", "KeyType": "HASH"}],
    )
    boto3.client("cloudwatch", region_name=REGION).put_metric_alarm(
        AlarmName=ALARM, ComparisonOperator="GreaterThanThreshold", EvaluationPeriods=2, MetricName="Errors",
        Namespace="AWS/Lambda", Period=300, Statistic="Sum", Threshold=10,
    )  # fmt: skip
    parts = [resource("aws:dynamodb/table:Table", "my-app-actor-state")]
    parts.append(resource("aws:cloudwatch/metricAlarm:MetricAlarm", ALARM))
    workshop.holds(state(*parts, exported={**outputs(), "functions": {}}))


def test_status_of_a_healthy_stack(workshop: StackWorkshop) -> None:
    """Endpoint, last update and parts, and exit code 0."""
    _with_table_and_alarm(workshop)
    assert print_stack_status(workshop.output(as_json=True), workshop.stack) == 0
    assert json.loads(workshop.printed) == {
        "stack": "production",
        "account": ACCOUNT,
        "region": REGION,
        "endpoint": outputs()["wss_endpoint"],
        "release": outputs()["release"],
        "update": {"kind": "update", "result": "succeeded", "at": "2026-03-04T09:15:00.000Z"},
        "functions": [],
        "tables": [{"name": "my-app-actor-state", "state": "ACTIVE"}],
        "streams": [],
        "alarms": [],
        "healthy": True,
    }


def test_alarm_that_goes_off_is_told_and_fails(workshop: StackWorkshop) -> None:
    """A script that asks for the status learns of it by the exit code."""
    _with_table_and_alarm(workshop)
    boto3.client("cloudwatch", region_name=REGION).set_alarm_state(
        AlarmName=ALARM, StateValue="ALARM", StateReason="test"
    )
    assert print_stack_status(workshop.output(), workshop.stack) == 1
    assert f"✗ {ALARM}" in workshop.printed


def test_alarm_on_a_later_page_is_found(workshop: StackWorkshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """An application of thirty actors has more alarms than CloudWatch tells at once."""
    _with_table_and_alarm(workshop)
    pages = [
        {"MetricAlarms": [{"AlarmName": "quiet", "StateValue": "OK"}], "NextToken": "more"},
        {"MetricAlarms": [{"AlarmName": ALARM, "StateValue": "ALARM"}]},
    ]
    calls: Any = BaseClient
    real = calls._make_api_call

    def answer(client: BaseClient, operation: str, request: dict[str, object]) -> object:
        if operation == "DescribeAlarms":
            return pages[1 if request.get("NextToken") == "more" else 0]
        return real(client, operation, request)

    monkeypatch.setattr(BaseClient, "_make_api_call", answer)
    assert print_stack_status(workshop.output(), workshop.stack) == 1
    assert f"✗ {ALARM}" in workshop.printed


def test_parts_that_are_gone_are_told_by_name(workshop: StackWorkshop) -> None:
    """What Pulumi believes to be there is asked of AWS."""
    workshop.holds(state(resource("aws:dynamodb/table:Table", "my-app-actor-state")))
    assert print_stack_status(workshop.output(), workshop.stack) == 1
    for text in ("my-app-websocket: missing", "my-app-actor-state: missing", "to my-app-stream-processor: missing"):
        assert f"✗ {text}" in workshop.printed


def test_stack_that_is_not_deployed_says_how_to_deploy_it(workshop: StackWorkshop) -> None:
    """No traceback, no empty table."""
    with pytest.raises(CommandError, match="trebuche deploy --stack production"):
        print_stack_status(workshop.output(), workshop.stack)


def test_region_and_account_are_read_from_the_state() -> None:
    """What is deployed is where its provider put it, whatever the files say by now."""
    deployment = Deployment.of(state(resource("aws:dynamodb/table:Table", "t")))
    assert (deployment.region, deployment.account) == (REGION, ACCOUNT)
    nothing = Deployment.of(state())
    assert (nothing.region, nothing.account, nothing.is_empty) == (None, None, True)


def _log(workshop: StackWorkshop, role: str, *lines: tuple[int, str]) -> None:
    client = boto3.client("logs", region_name=REGION)
    group = f"/aws/lambda/my-app-{role}"
    client.create_log_group(logGroupName=group)
    client.create_log_stream(logGroupName=group, logStreamName="one")
    now = int(time.time() * 1000)
    events = [{"timestamp": now - age * 1000, "message": text} for age, text in lines]
    client.put_log_events(logGroupName=group, logStreamName="one", logEvents=events)  # type: ignore[arg-type]
    workshop.holds(state(resource("aws:dynamodb/table:Table", "my-app-actor-state")))


def test_logs_of_all_functions_in_the_order_of_time(workshop: StackWorkshop) -> None:
    """Lines older than --since stay out; a function whose log group is gone is passed over."""
    _log(workshop, "websocket", (300, "old"), (30, "first"), (10, "third"))
    _log(workshop, "stream-processor", (20, '{"level":"INFO","event":"fan-out","records":3}'))
    assert print_logs(workshop.output(), workshop.stack, None, since_seconds=60, follow=False) == 0
    lines = [line.split("  ", 1)[1] for line in workshop.printed.splitlines()]
    assert lines == ["websocket  first", "stream-processor  INFO fan-out records=3", "websocket  third"]


def test_followed_logs_show_each_line_once_until_interrupted(workshop: StackWorkshop) -> None:
    """What was shown is read again, because lines come late, and shown no second time."""
    _log(workshop, "websocket", (20, "one"))
    rounds = iter(range(3))

    def pause(_seconds: float) -> None:
        if next(rounds) == 2:
            raise KeyboardInterrupt
        boto3.client("logs", region_name=REGION).put_log_events(
            logGroupName="/aws/lambda/my-app-websocket",
            logStreamName="one",
            logEvents=[{"timestamp": int(time.time() * 1000), "message": "more"}],
        )

    output = workshop.output(as_json=True)
    code = print_logs(output, workshop.stack, "websocket", since_seconds=60, follow=True, pause=pause)
    assert code == INTERRUPTED
    assert [json.loads(line)["line"] for line in workshop.printed.splitlines()] == ["one", "more", "more"]


@pytest.mark.parametrize("wanted", ["actor-todo-list", "TodoList", "my-app-actor-todo-list"])
def test_function_is_found_by_role_class_or_name(wanted: str) -> None:
    """Whatever of the three comes to mind."""
    assert choose_functions(functions(), wanted) == {"actor-todo-list": "my-app-actor-todo-list"}


def test_unknown_function_is_answered_with_the_nearest() -> None:
    """A slip of the finger is named."""
    with pytest.raises(CommandError, match='did you mean "websocket"'):
        choose_functions(functions(), "websockt")


def test_periods() -> None:
    """Seconds, minutes, hours and days; nothing else."""
    assert [parse_since(text) for text in ("90s", "10m", "2h", "1d")] == [90, 600, 7_200, 86_400]
    with pytest.raises(ValueError, match="90s, 10m, 2h or 1d"):
        parse_since("10")


def test_traceback_of_a_structured_line_goes_below_it() -> None:
    """The line stays readable, and so does the traceback."""
    line = {"level": "ERROR", "event": "call-failed", "ref": "A1", "exception": "Traceback:\n  boom"}
    assert readable(line) == "ERROR call-failed ref=A1\n    Traceback:\n      boom"


def test_init_writes_what_deploys(workshop: StackWorkshop) -> None:
    """Each actor has its entry, and the file is one that the program takes."""
    (workshop.root / "trebuche.yaml").unlink()
    assert write_starter(workshop.output(), workshop.root, name="shop", force=False) == 0
    config = load_config(workshop.root / "trebuche.yaml")
    assert (config.name, config.state_table) == ("shop", "shop-actor-state")
    assert set(config.actors) == {"TodoList", "GameRoom"}
    assert "✓ Created trebuche.yaml" in workshop.printed


def test_init_keeps_a_file_that_is_there(workshop: StackWorkshop) -> None:
    """Only --force overwrites."""
    before = (workshop.root / "trebuche.yaml").read_text()
    with pytest.raises(CommandError, match=r"already exists. Use --force to overwrite"):
        write_starter(workshop.output(), workshop.root, name="shop", force=False)
    assert (workshop.root / "trebuche.yaml").read_text() == before
    assert write_starter(workshop.output(), workshop.root, name="shop", force=True) == 0
    assert "name: shop" in (workshop.root / "trebuche.yaml").read_text()


def test_init_with_a_wrong_name_writes_nothing(workshop: StackWorkshop) -> None:
    """The name is checked as trebuche.yaml's is."""
    (workshop.root / "trebuche.yaml").unlink()
    with pytest.raises(ConfigError, match="name"):
        write_starter(workshop.output(), workshop.root, name="9 lives", force=False)
    assert list(workshop.root.glob("*trebuche.yaml*")) == []


def test_init_for_no_actors_is_a_file_that_deploys(tmp_path: Path) -> None:
    """Without a name the folder's is taken, as far as it can name resources."""
    root = tmp_path / "My Shop 2!"
    root.mkdir()
    assert write_starter(Output(), root, name=None, force=False) == 0
    assert load_config(root / "trebuche.yaml").name == "my-shop"
    assert starter_text("x", find_actors(root)).count("actors: {}") == 1
