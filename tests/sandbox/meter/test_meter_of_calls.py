"""What functions, queues, discovery and metrics are billed."""

import json
import uuid
from typing import Any

import pytest

from sandbox.handle import MeterHandle
from sandbox.meter.units import (
    ALARM_METRICS,
    CUSTOM_METRICS,
    DISCOVERIES,
    INVOCATIONS,
    LOG_BYTES,
    PLATFORM_LOG_BYTES,
    QUEUE_REQUESTS,
    gb_seconds,
)
from tests.support.sandbox import Aws, eventually

KIB = 1024


def test_an_invocation_is_billed_by_its_memory_and_time(aws: Aws, meter: MeterHandle) -> None:
    """Requests are counted, and seconds by the configured memory, apart for each architecture; a throttle is free."""
    function = aws.function("import time\ntime.sleep(0.2)\nprint('x')")
    aws.functions.update_function_configuration(FunctionName=function.name, MemorySize=2048)
    aws.functions.invoke(FunctionName=function.name)
    aws.functions.invoke(FunctionName=function.name)
    assert meter.total(INVOCATIONS, resource=function.name) == 2
    assert meter.total("lambda-arm64-gb-seconds", resource=function.name) >= 2 * 2 * 0.2
    assert meter.total("lambda-x86-gb-seconds", resource=function.name) == 0
    aws.functions.put_function_concurrency(FunctionName=function.name, ReservedConcurrentExecutions=0)
    with pytest.raises(aws.functions.exceptions.TooManyRequestsException):
        aws.functions.invoke(FunctionName=function.name)
    assert meter.total(INVOCATIONS, resource=function.name) == 2


def test_run_time_is_rounded_up_to_the_millisecond() -> None:
    """And multiplied by the memory in GB of 1,024 MB."""
    assert gb_seconds(512, 0.1) == 0.0005
    assert gb_seconds(1536, 1000.0) == 1.5


def test_logs_are_billed_by_the_byte(aws: Aws, meter: MeterHandle) -> None:
    """All of it, however long, and what Lambda writes around each invocation."""
    function = aws.function("print('é' * 10)\nprint('x' * 9000)")
    aws.functions.invoke(FunctionName=function.name)
    eventually(lambda: meter.total(LOG_BYTES, resource=function.name, cause="log") == 20 + 9000)
    assert meter.total(LOG_BYTES, resource=function.name, cause="platform") == PLATFORM_LOG_BYTES


def test_queues_are_billed_by_64_kb(aws: Aws, meter: MeterHandle) -> None:
    """Each call is a request, a large one several; an empty answer costs, too."""
    name = f"queue-{uuid.uuid4().hex[:8]}"
    url = aws.sqs.create_queue(QueueName=name)["QueueUrl"]
    before = meter.total(QUEUE_REQUESTS, resource=name)
    aws.sqs.receive_message(QueueUrl=url)
    aws.sqs.send_message(QueueUrl=url, MessageBody="x" * 100 * KIB)
    aws.sqs.receive_message(QueueUrl=url)
    assert meter.total(QUEUE_REQUESTS, resource=name) - before == 1 + 2 + 2


def test_the_payload_of_a_queues_call_is_its_messages(aws: Aws, meter: MeterHandle) -> None:
    """Texts and attributes, together in a batch; what is around them costs nothing."""
    name = f"queue-{uuid.uuid4().hex[:8]}"
    url = aws.sqs.create_queue(QueueName=name)["QueueUrl"]
    kind: Any = {"kind": {"DataType": "String", "StringValue": "x" * 990}}
    third: Any = [{"Id": str(one), "MessageBody": "x" * 30 * KIB} for one in range(3)]
    calls: list[tuple[str, Any, int]] = [
        ("SendMessage", {"MessageBody": "é" * 32 * KIB}, 1),
        ("SendMessage", {"MessageBody": "é" * 32 * KIB + "x"}, 2),
        ("SendMessage", {"MessageBody": "x" * 63 * KIB, "MessageAttributes": kind}, 1),
        ("SendMessage", {"MessageBody": "x" * (63 * KIB + 50), "MessageAttributes": kind}, 2),
        ("SendMessageBatch", {"Entries": third[:2]}, 1),
        ("SendMessageBatch", {"Entries": third}, 2),
    ]
    for operation, request, pieces in calls:
        before = meter.total(QUEUE_REQUESTS, resource=name, cause=operation)
        send: Any = {"SendMessage": aws.sqs.send_message, "SendMessageBatch": aws.sqs.send_message_batch}[operation]
        send(QueueUrl=url, **request)
        assert meter.total(QUEUE_REQUESTS, resource=name, cause=operation) - before == pieces


def test_mappings_of_queues_are_billed(aws: Aws, meter: MeterHandle) -> None:
    """Lambda receives and deletes on the account's bill."""
    name = f"queue-{uuid.uuid4().hex[:8]}"
    url = aws.sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = aws.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    function = aws.function("record(event)")
    aws.functions.create_event_source_mapping(EventSourceArn=arn, FunctionName=function.arn)
    aws.sqs.send_message(QueueUrl=url, MessageBody="x")
    eventually(function.events)
    eventually(lambda: meter.total(QUEUE_REQUESTS, resource=name, cause="mapping's DeleteMessageBatch") == 1)
    assert meter.total(QUEUE_REQUESTS, resource=name, cause="mapping's ReceiveMessage") == 1


def test_discoveries_are_billed_by_the_call(aws: Aws, meter: MeterHandle) -> None:
    """Asking Cloud Map for instances costs, registering them does not."""
    discovery: Any = aws.client("servicediscovery")
    name = f"space-{uuid.uuid4().hex[:8]}"
    operation = discovery.create_http_namespace(Name=name)["OperationId"]
    targets = eventually(lambda: discovery.get_operation(OperationId=operation)["Operation"].get("Targets"))
    discovery.create_service(Name=f"{name}-todos", NamespaceId=targets["NAMESPACE"])
    body = (
        "import boto3\nfrom botocore.config import Config\n"
        "cloud = boto3.client('servicediscovery', config=Config(inject_host_prefix=False))\n"
        f"cloud.discover_instances(NamespaceName='{name}', ServiceName='{name}-todos')\nprint('x')"
    )
    aws.functions.invoke(FunctionName=aws.function(body).name)
    assert meter.total(DISCOVERIES, resource=f"{name}-todos") == 1


def test_metrics_and_alarms_are_billed_by_the_month(aws: Aws, meter: MeterHandle) -> None:
    """Each combination of dimensions is a metric of its own; AWS's own metrics cost nothing, alarms on them do."""
    aws.functions.invoke(FunctionName=aws.function("record(event)").name)  # whose metrics are AWS's own
    metrics: Any = aws.client("cloudwatch")
    space = f"Shop-{uuid.uuid4().hex[:8]}"
    for till in ("1", "2", "2"):
        data = {"MetricName": "Sold", "Dimensions": [{"Name": "Till", "Value": till}], "Value": 1}
        metrics.put_metric_data(Namespace=space, MetricData=[data])
    metrics.put_metric_alarm(
        AlarmName=space,
        Namespace="AWS/Lambda",
        MetricName="Errors",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )
    standing = {(one["unit"], one["resource"]): one["amount"] for one in meter.read()["standing"]}
    assert standing[CUSTOM_METRICS, space] == 2
    assert standing[ALARM_METRICS, space] == 1
    assert not [resource for _, resource in standing if resource.startswith("AWS/")]


def test_lines_that_somebody_puts_are_billed(aws: Aws, meter: MeterHandle) -> None:
    """By their bytes, in their group."""
    logs: Any = aws.client("logs")
    group = f"group-{uuid.uuid4().hex[:8]}"
    logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName="s")
    events = [{"timestamp": 1_767_225_600_000 + at, "message": json.dumps({"at": at})} for at in range(2)]
    logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=events)
    assert meter.total(LOG_BYTES, resource=group) == 2 * len('{"at": 0}')
