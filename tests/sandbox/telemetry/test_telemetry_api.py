"""Metrics and alarms as an SDK sees them, on a clock that is turned."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from botocore.exceptions import ClientError

from sandbox.aws import AwsClient, AwsRefusedError
from sandbox.client import RunningSandbox
from sandbox.clock import Clock
from tests.support.metrics import invoke, run, values
from tests.support.sandbox import ANYTHING, Aws, Function, Json, eventually

WORKS = 'print("x")\nreturn 1'
FAILS = 'print("x")\nraise ValueError("no")'


def put_alarm(aws: Aws, name: str, dimensions: Json, **changes: Any) -> None:
    """An alarm on the errors of a function."""
    request: Json = {
        "AlarmName": name,
        "Namespace": "AWS/Lambda",
        "MetricName": "Errors",
        "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
        "Statistic": "Sum",
        "ComparisonOperator": "GreaterThanThreshold",
        "Threshold": 1.0,
        "Period": 300,
        "EvaluationPeriods": 2,
        "TreatMissingData": "notBreaching",
    }
    aws.client("cloudwatch").put_metric_alarm(**(request | changes))


def state(aws: Aws, name: str) -> str:
    """The state that DescribeAlarms tells."""
    [alarm] = aws.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
    return str(alarm["StateValue"])


def topic(aws: Aws, name: str) -> tuple[str, str]:
    """ARN of a topic, and URL of a queue that hears it."""
    arn = aws.client("sns").create_topic(Name=name)["TopicArn"]
    url = aws.sqs.create_queue(QueueName=name)["QueueUrl"]
    queue = aws.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    principal = {"Principal": {"Service": "sns.amazonaws.com"}, "Condition": {"ArnEquals": {"aws:SourceArn": arn}}}
    statement = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": queue, **principal}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    aws.sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    aws.client("sns").subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue)
    return arn, url


def told(aws: Aws, url: str) -> list[Json]:
    """What the topic's queue holds, subject included."""
    messages = aws.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    return [json.loads(message["Body"]) for message in messages]


def test_invocations_are_counted_once(sandbox: RunningSandbox, tmp_path: Path, aws: Aws) -> None:
    """Invocations and errors by function, and by the name it was called by; throttled calls are no invocations."""
    function = aws.function(FAILS)
    aws.functions.publish_version(FunctionName=function.name)

    async def play(turned: Aws, clock: Clock) -> None:
        def work() -> None:
            invoke(turned, function.name, 2)
            invoke(turned, f"{function.arn}:1")
            turned.functions.put_function_concurrency(FunctionName=function.name, ReservedConcurrentExecutions=0)
            invoke(turned, function.name)
            whole, one = (
                {"FunctionName": function.name},
                {"FunctionName": function.name, "Resource": f"{function.name}:1"},
            )
            assert values(turned, clock, "Invocations", "Sum", whole) == 3
            assert values(turned, clock, "Errors", "Sum", whole) == 3
            assert values(turned, clock, "Throttles", "Sum", whole) == 1
            assert values(turned, clock, "Invocations", "Sum", one) == 1
            assert values(turned, clock, "Duration", "SampleCount", whole) == 3
            assert values(turned, clock, "Duration", "Minimum", whole) > 0
            assert values(turned, clock, "ConcurrentExecutions", "Maximum", whole) == 1
            assert values(turned, clock, "Invocations", "Sum", {"FunctionName": "another"}) == 0

        await asyncio.to_thread(work)

    run(sandbox, tmp_path, play)


def test_put_metrics_are_read_back(sandbox: RunningSandbox, tmp_path: Path) -> None:
    """Values, values with counts and statistic sets, through both ways of reading and in both protocols."""

    async def play(turned: Aws, clock: Clock) -> None:
        def work() -> None:
            watch = turned.client("cloudwatch")
            data: list[Json] = [
                {"MetricName": "Size", "Value": 4.0},
                {"MetricName": "Size", "Values": [1.0, 2.0], "Counts": [3.0, 1.0]},
                {"MetricName": "Set", "StatisticValues": {"SampleCount": 2, "Sum": 8, "Minimum": 3, "Maximum": 5}},
                {"MetricName": "Size", "Value": 90.0, "Dimensions": [{"Name": "Stage", "Value": "a"}]},
            ]
            watch.put_metric_data(Namespace="Mine", MetricData=data)
            assert values(turned, clock, "Size", "Sum", {}, "Mine") == 9
            assert values(turned, clock, "Size", "Sum", {"Stage": "a"}, "Mine") == 90
            assert values(turned, clock, "Set", "Maximum", {}, "Mine") == 5
            stat = {"Metric": {"Namespace": "Mine", "MetricName": "Size"}, "Period": 86400, "Stat": "p50"}
            span = {"StartTime": 0, "EndTime": datetime.fromtimestamp(clock.now() + 60, UTC)}
            answer = watch.get_metric_data(MetricDataQueries=[{"Id": "m", "MetricStat": stat}], **span)
            assert answer["MetricDataResults"][0]["Values"] == [1.0]
            listed = watch.list_metrics(Namespace="Mine", MetricName="Size")["Metrics"]
            assert sorted(len(metric["Dimensions"]) for metric in listed) == [0, 1]

        await asyncio.to_thread(work)

    run(sandbox, tmp_path, play)


def test_long_requests_come_compressed(aws: Aws) -> None:
    """SDKs compress values from 10 KB on; none is lost, and a list of them comes page by page."""
    watch = aws.client("cloudwatch")
    name = f"Long-{aws.folder.name}"
    dimensions = [[{"Name": "Number", "Value": f"{number:040}"}] for number in range(600)]
    data = [{"MetricName": "Size", "Value": 1.0, "Dimensions": one} for one in dimensions]
    watch.put_metric_data(Namespace=name, MetricData=data)
    first = watch.list_metrics(Namespace=name)
    second = watch.list_metrics(Namespace=name, NextToken=first["NextToken"])
    assert (len(first["Metrics"]), len(second["Metrics"]), "NextToken" in second) == (500, 100, False)
    with pytest.raises(ClientError, match="NextToken is invalid"):
        watch.list_metrics(Namespace=name, NextToken="x")


def alarm_story(
    sandbox: RunningSandbox, folder: Path, failing: Function, other: Function
) -> tuple[list[str], list[Json]]:
    """States of two functions' alarms while one of them fails and then recovers; and what the topic was told."""
    states: list[str] = []
    heard: list[Json] = []
    name = f"errors-{failing.name}"

    async def play(turned: Aws, clock: Clock) -> None:
        arn, url = await asyncio.to_thread(topic, turned, name)

        def both() -> None:
            states.append(f"{state(turned, name)} {state(turned, other.name)}")

        actions = {"AlarmActions": [arn], "OKActions": [arn], "AlarmDescription": "It fails."}
        await asyncio.to_thread(put_alarm, turned, name, {"FunctionName": failing.name}, **actions)
        await asyncio.to_thread(put_alarm, turned, other.name, {"FunctionName": other.name})
        await asyncio.to_thread(both)
        for seconds in (300, 120):  # in between both rounds are in sight, also when a slow round takes a minute
            await asyncio.to_thread(invoke, turned, failing.name, 2)
            await asyncio.to_thread(invoke, turned, other.name)
            await clock.pass_time(seconds)
            await asyncio.to_thread(both)
        await clock.pass_time(1200)  # until the errors are out of sight, further back than what is evaluated
        await asyncio.to_thread(both)
        while len(heard) < 3:
            heard.extend(await asyncio.to_thread(eventually, lambda: told(turned, url)))

    run(sandbox, folder, play)
    return states, heard


def test_an_alarm_follows_its_own_metric_on_the_clock(sandbox: RunningSandbox, tmp_path: Path, aws: Aws) -> None:
    """Two periods of errors raise the alarm, silence ends it; the other function's alarm does not move."""
    failing = aws.function(FAILS)
    states, heard = alarm_story(sandbox, tmp_path, failing, aws.function(WORKS))
    assert states == ["OK OK", "OK OK", "ALARM OK", "OK OK"]
    messages = [json.loads(one["Message"]) for one in heard]
    changes = [(message["OldStateValue"], message["NewStateValue"]) for message in messages]
    assert changes == [("INSUFFICIENT_DATA", "OK"), ("OK", "ALARM"), ("ALARM", "OK")]
    assert heard[1]["Subject"] == f'ALARM: "errors-{failing.name}" in US East (N. Virginia)'
    trigger = messages[1]["Trigger"]
    assert (trigger["MetricName"], trigger["Statistic"], trigger["Period"]) == ("Errors", "SUM", 300)
    assert trigger["Dimensions"] == [{"value": failing.name, "name": "FunctionName"}]
    assert messages[1]["NewStateReason"].startswith("Threshold Crossed: 2 out of the last 2 datapoints [2.0, 2.0]")
    assert messages[1]["AlarmDescription"] == "It fails."


def test_the_depth_of_a_queue_raises_an_alarm(sandbox: RunningSandbox, tmp_path: Path) -> None:
    """CloudWatch counts the messages that wait, and the alarm ends when they are gone."""
    name = f"queue-{tmp_path.name}"

    async def play(turned: Aws, clock: Clock) -> None:
        def prepare() -> str:
            url = turned.sqs.create_queue(QueueName=name)["QueueUrl"]
            depth: Json = {
                "Namespace": "AWS/SQS",
                "MetricName": "ApproximateNumberOfMessagesVisible",
                "Statistic": "Maximum",
            }
            put_alarm(turned, name, {"QueueName": name}, **depth, Threshold=0.0, EvaluationPeriods=1)
            assert state(turned, name) == "OK"
            turned.sqs.send_message(QueueUrl=url, MessageBody="lost")
            return str(url)

        url = await asyncio.to_thread(prepare)
        await clock.pass_time(61)
        assert await asyncio.to_thread(state, turned, name) == "ALARM"
        await asyncio.to_thread(lambda: turned.sqs.purge_queue(QueueUrl=url))
        await clock.pass_time(400)
        assert await asyncio.to_thread(state, turned, name) == "OK"

    run(sandbox, tmp_path, play)


def test_an_alarm_without_actions_tells_nobody(sandbox: RunningSandbox, tmp_path: Path) -> None:
    """Actions can be switched off and on; a state set by hand acts like any other."""
    name = f"quiet-{tmp_path.name}"

    async def play(turned: Aws, _clock: Clock) -> None:
        def work() -> None:
            arn, url = topic(turned, name)
            watch = turned.client("cloudwatch")
            put_alarm(turned, name, {"FunctionName": name}, AlarmActions=[arn], ActionsEnabled=False)
            watch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="by hand")
            assert (state(turned, name), told(turned, url)) == ("ALARM", [])
            assert watch.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]["ActionsEnabled"] is False
            watch.enable_alarm_actions(AlarmNames=[name])
            watch.set_alarm_state(AlarmName=name, StateValue="OK", StateReason="by hand")
            watch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="by hand again")
            [message] = eventually(lambda: told(turned, url))
            assert json.loads(message["Message"])["NewStateReason"] == "by hand again"
            watch.delete_alarms(AlarmNames=[name])
            assert watch.describe_alarms(AlarmNames=[name])["MetricAlarms"] == []

        await asyncio.to_thread(work)

    run(sandbox, tmp_path, play)


def test_only_who_may_reads_and_puts_metrics(aws: Aws) -> None:
    """The caller's permission is checked for every call that the sandbox answers itself."""
    user = f"user-{aws.folder.name[-30:]}"
    aws.iam.create_user(UserName=user)
    key = aws.iam.create_access_key(UserName=user)["AccessKey"]
    keys = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    watch = aws.client("cloudwatch", **keys)
    calls: list[Callable[[], object]] = [
        lambda: watch.put_metric_data(Namespace="Mine", MetricData=[{"MetricName": "Stolen", "Value": 1.0}]),
        lambda: watch.list_metrics(),
        lambda: watch.describe_alarms(),
    ]
    for call in calls:
        with pytest.raises(ClientError, match="not authorized to perform"):
            call()
    assert aws.client("cloudwatch").list_metrics(Namespace="Mine", MetricName="Stolen")["Metrics"] == []
    aws.iam.put_user_policy(UserName=user, PolicyName="p", PolicyDocument=json.dumps(ANYTHING))
    for call in calls:
        call()
    assert len(aws.client("cloudwatch").list_metrics(Namespace="Mine", MetricName="Stolen")["Metrics"]) == 1


def test_json_is_understood_as_well(sandbox: RunningSandbox, tmp_path: Path) -> None:
    """An SDK that speaks JSON to CloudWatch gets the same answers."""
    name = f"json-{tmp_path.name}"

    async def play(turned: Aws, clock: Clock) -> None:
        async with aiohttp.ClientSession(auto_decompress=False) as session:
            client = AwsClient(session, turned.endpoint)

            async def call(operation: str, request: Any) -> Json:
                target = f"GraniteServiceVersion20100801.{operation}"
                return await client.call(target, request, service="monitoring", region="us-east-1")

            await call("PutMetricData", {"Namespace": name, "MetricData": [{"MetricName": "Size", "Value": 3}]})
            span = {"StartTime": clock.now() - 3600, "EndTime": clock.now() + 60, "Period": 86400}
            wanted = {"Namespace": name, "MetricName": "Size", "Statistics": ["Sum"]}
            answer = await call("GetMetricStatistics", span | wanted)
            assert [point["Sum"] for point in answer["Datapoints"]] == [3]
            with pytest.raises(AwsRefusedError) as refused:
                await call("ListMetrics", [1])
            assert (refused.value.status, refused.value.code) == (400, "SerializationException")

    run(sandbox, tmp_path, play)


def test_a_waiting_stream_grows_old(sandbox: RunningSandbox, tmp_path: Path, aws: Aws) -> None:
    """The age of what a mapping hands over, in milliseconds of the sandbox's clock."""
    function = aws.function(FAILS)
    table, stream = aws.table()

    async def play(turned: Aws, clock: Clock) -> None:
        def prepare() -> None:
            turned.functions.create_event_source_mapping(
                EventSourceArn=stream, FunctionName=function.arn, StartingPosition="TRIM_HORIZON"
            )
            turned.put(table, "a", "1")

        def oldest() -> float:
            return values(turned, clock, "IteratorAge", "Maximum", {"FunctionName": function.name})

        def failed() -> float:
            return values(turned, clock, "Errors", "Sum", {"FunctionName": function.name})

        await asyncio.to_thread(prepare)
        await asyncio.to_thread(eventually, failed)
        assert await asyncio.to_thread(oldest) < 60_000
        await clock.pass_time(90)
        await asyncio.to_thread(eventually, oldest, lambda age: age > 80_000)

    run(sandbox, tmp_path, play)
