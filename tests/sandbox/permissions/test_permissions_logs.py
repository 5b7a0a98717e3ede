"""A function's log is written in the function's execution role."""

import json

import pytest

from tests.support.sandbox import Aws, Function, Json

NEEDED = ("logs:CreateLogStream", "logs:PutLogEvents")
SPEAK = """
print('seen', event['n'])
definition = {'Namespace': context.function_name, 'Dimensions': [[]], 'Metrics': [{'Name': f"Seen{event['n']}"}]}
now = int(__import__('time').time() * 1000)
document = {'_aws': {'Timestamp': now, 'CloudWatchMetrics': [definition]}, f"Seen{event['n']}": 1}
print(__import__('json').dumps(document))
return event['n']
"""


def write_policy(aws: Aws, role: str, *actions: str, resource: str = "*") -> None:
    """Let the role do these actions, and nothing else."""
    allow: Json = {"Effect": "Allow", "Action": list(actions), "Resource": resource}
    document = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    aws.iam.put_role_policy(RoleName=role.rpartition("/")[2], PolicyName="p", PolicyDocument=document)


def invoke(aws: Aws, function: Function, number: int) -> None:
    """It answers, whatever becomes of its log."""
    answer = aws.functions.invoke(FunctionName=function.name, Payload=json.dumps({"n": number}))
    assert json.load(answer["Payload"]) == number


def seen(aws: Aws, function: Function) -> tuple[list[str], list[str]]:
    """The lines in its log, and the metrics that came of them."""
    events = aws.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{function.name}")["events"]
    metrics = aws.client("cloudwatch").list_metrics(Namespace=function.name)["Metrics"]
    lines = [event["message"] for event in events if event["message"].startswith("seen")]
    return lines, [metric["MetricName"] for metric in metrics]


@pytest.mark.parametrize("missing", NEEDED)
def test_function_without_permission_for_its_log_writes_none(aws: Aws, missing: str) -> None:
    """Neither its lines nor the metrics in them are there; those that it wrote while it was allowed to stay."""
    role = aws.role()
    function = aws.function(SPEAK, role=role)
    write_policy(aws, role, *(action for action in NEEDED if action != missing))
    invoke(aws, function, 1)
    assert seen(aws, function) == ([], [])
    write_policy(aws, role, *NEEDED)
    invoke(aws, function, 2)
    assert seen(aws, function) == (["seen 2"], ["Seen2"])
    write_policy(aws, role, missing)
    invoke(aws, function, 3)
    assert seen(aws, function) == (["seen 2"], ["Seen2"])


def test_log_permission_is_for_the_functions_own_group(aws: Aws) -> None:
    """Another function's group is not enough; the own one's is, also when an alias is invoked."""
    role = aws.role()
    function = aws.function(SPEAK, role=role)
    version = aws.functions.publish_version(FunctionName=function.name)["Version"]
    aws.functions.create_alias(FunctionName=function.name, Name="live", FunctionVersion=version)
    group = f"arn:aws:logs:us-east-1:{aws.account}:log-group:/aws/lambda/{function.name}"
    for number, resource, lines in ((1, f"{group}-elsewhere:*", []), (2, f"{group}:*", ["seen 2"])):
        write_policy(aws, role, *NEEDED, resource=resource)
        payload = json.dumps({"n": number})
        aws.functions.invoke(FunctionName=function.name, Qualifier="live", Payload=payload)
        assert seen(aws, function)[0] == lines
