"""AWS/SQS: ages and counts of queues, as alarms and readers see them."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sandbox.client import RunningSandbox
from tests.support.front import Turn, on_turnable, queue_clock_of
from tests.support.sandbox import Aws


def total(aws: Aws, name: str, queue: str) -> float:
    """Everything that a metric of a queue counted in the last hour."""
    now = datetime.now(UTC)
    found = aws.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/SQS",
        MetricName=name,
        Dimensions=[{"Name": "QueueName", "Value": queue}],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(hours=1),
        Period=60,
        Statistics=["Sum"],
    )
    return float(sum(point["Sum"] for point in found["Datapoints"]))


def test_an_old_message_raises_an_alarm(sandbox: RunningSandbox, tmp_path: Path) -> None:
    """The age of the oldest message grows with the sandbox's clock, and is 0 when the queue is empty."""
    name = f"aging-{tmp_path.name}"[:80]

    def steps(endpoint: str, turn: Turn) -> None:
        aws = Aws(endpoint, tmp_path)
        metrics: Any = aws.client("cloudwatch")

        def state() -> str:
            [alarm] = metrics.describe_alarms(AlarmNames=[name])["MetricAlarms"]
            return str(alarm["StateValue"])

        url = aws.sqs.create_queue(QueueName=name)["QueueUrl"]
        metrics.put_metric_alarm(
            AlarmName=name,
            Namespace="AWS/SQS",
            MetricName="ApproximateAgeOfOldestMessage",
            Dimensions=[{"Name": "QueueName", "Value": name}],
            Statistic="Maximum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=600,
            ComparisonOperator="GreaterThanThreshold",
        )
        aws.sqs.send_message(QueueUrl=url, MessageBody="forgotten")
        turn(540)
        assert state() == "OK"
        turn(240)
        assert state() == "ALARM"
        aws.sqs.purge_queue(QueueUrl=url)
        turn(400)
        assert state() == "OK"

    on_turnable(sandbox.record.emulator_endpoint, steps, queue_clock=queue_clock_of(sandbox))


def test_what_is_sent_received_and_deleted_is_counted(aws: Aws) -> None:
    """Batches count message by message, and what a topic sends counts like any other."""
    name = f"counted-{aws.folder.name}"[:80]
    url = aws.sqs.create_queue(QueueName=name)["QueueUrl"]
    topics = aws.client("sns")
    topic = topics.create_topic(Name=name)["TopicArn"]
    statement = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}
    aws.sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps({"Statement": [statement]})})
    topics.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:us-east-1:{aws.account}:{name}")
    topics.publish(TopicArn=topic, Message="from a topic")
    aws.sqs.send_message_batch(
        QueueUrl=url, Entries=[{"Id": str(number), "MessageBody": "one of three"} for number in range(3)]
    )
    got = aws.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    aws.sqs.delete_message(QueueUrl=url, ReceiptHandle=got[0]["ReceiptHandle"])
    aws.sqs.delete_message_batch(QueueUrl=url, Entries=[{"Id": "a", "ReceiptHandle": got[1]["ReceiptHandle"]}])
    aws.sqs.receive_message(QueueUrl=url)
    counted = {
        what: total(aws, what, name)
        for what in (
            "NumberOfMessagesSent",
            "NumberOfMessagesReceived",
            "NumberOfMessagesDeleted",
            "NumberOfEmptyReceives",
            "ApproximateNumberOfMessagesNotVisible",
        )
    }
    assert counted == {
        "NumberOfMessagesSent": 4,
        "NumberOfMessagesReceived": 4,
        "NumberOfMessagesDeleted": 2,
        "NumberOfEmptyReceives": 1,
        "ApproximateNumberOfMessagesNotVisible": 2,
    }
