"""The doctor on a real engine and a running stack: a sound one has no findings, a broken one is named part by part."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.loop.conftest import Aws, Local
from tests.loop.workshop import eventually

STACK = "ward"
NAME = f"my-streaming-app-{STACK}"
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
TRANSFORM = """

def _break(args):
    props = dict(args.props)
    match args.type_:
        case "aws:apigatewayv2/stage:Stage":
            props["defaultRouteSettings"] = {"detailedMetricsEnabled": True}
        case "aws:lambda/eventSourceMapping:EventSourceMapping" if "stream" in args.name:
            props |= {"startingPosition": "LATEST", "maximumRetryAttempts": -1, "maximumBatchingWindowInSeconds": 5}
            props.pop("destinationConfig")
        case "aws:dynamodb/table:Table" if args.name == "app-connections-table":
            props["globalSecondaryIndexes"] = []
            props["attributes"] = [{"name": "connectionId", "type": "S"}]
            props.pop("ttl")
        case "aws:dynamodb/table:Table" if args.name == "app-state-table":
            props["streamViewType"] = "KEYS_ONLY"
        case "aws:lambda/function:Function" if args.name == "app-websocket-function":
            variables = dict(props["environment"]["variables"])
            props["environment"] = {"variables": {**variables, "CONNECTION_TABLE": "elsewhere"}}
            props["timeout"] = 60
        case "aws:apigatewayv2/route:Route" if props["routeKey"] == "$default":
            props.pop("routeResponseSelectionExpression")
        case "aws:lambda/permission:Permission" if "connect" in args.name:
            props.pop("qualifier")
        case "aws:cloudwatch/logGroup:LogGroup" if "websocket" in args.name:
            props.pop("retentionInDays")
        case "aws:apigatewayv2/deployment:Deployment":
            props.pop("triggers")
    return pulumi.ResourceTransformResult(props, args.opts)


pulumi.runtime.register_resource_transform(_break)
"""
NAMED = {
    *("throttle", "deployment", "route-reply", "invoke-permission"),
    *("mapping-start", "mapping-retries", "mapping-pace", "mapping-failures"),
    *("connection-index", "time-to-live", "state-stream"),
    *("table-variables", "function-timeout", "log-retention"),
}
BESIDES = {"as-configured", "as-programmed"}
"""What only the command knows, which has the checkout besides."""


@pytest.fixture
def ward(local: Local) -> Iterator[str]:
    """A stack of its own for each test: what others left behind would be found, too."""
    local.pulumi("stack", "init", STACK, "--no-select")
    local.pulumi("up", "--yes", "--skip-preview", "--non-interactive", "--stack", STACK)
    yield STACK
    local.pulumi("destroy", "--yes", "--skip-preview", "--non-interactive", "--stack", STACK)
    local.pulumi("stack", "rm", "--yes", "--stack", STACK)


def examine(local: Local, stack: str, *words: str, token: str = "") -> tuple[int, dict[str, Any]]:
    """Exit code and document of the command."""
    variables = {**local.environment, **({"TREBUCHE_TOKEN": token} if token else {})}
    done = local.workshop.trebuche("doctor", "--json", "--stack", stack, *words, check=False, variables=variables)
    assert done.stdout, done.stderr
    return done.returncode, dict(json.loads(done.stdout))


def rules(document: dict[str, Any]) -> set[str]:
    """The rules that speak."""
    return {one["rule"] for one in document["findings"]}


def test_sound_stack_has_no_findings(local: Local, ward: str) -> None:
    """Program and running stack, with a canary connection; nothing is said, and the stack is as it was."""
    code, document = examine(local, ward)

    assert document["looked_at"] == ["program", "running stack"]
    assert document["findings"] == []
    assert code == 0
    assert '"same"' in local.pulumi("preview", "--json", "--stack", ward).stdout


def test_guarded_and_warm_stack_has_no_findings(local: Local, ward: str) -> None:
    """With auth and functions that are kept warm: the door refuses, and the canary is let in with a key."""
    local.workshop.replace("trebuche.yaml", "actors:\n", "auth: {api_keys: true}\nactors:\n")
    try:
        local.pulumi("config", "set", "trebuche:provisionedConcurrency", "1", "--stack", ward)
        local.pulumi("up", "--yes", "--skip-preview", "--non-interactive", "--stack", ward)
        words = ("keys", "add", "doctor", "--stack", ward, "--json")
        key = json.loads(local.workshop.trebuche(*words, variables=local.environment).stdout)["key"]
        code, document = examine(local, ward, token=key)
    finally:
        local.workshop.replace("trebuche.yaml", "auth: {api_keys: true}\nactors:\n", "actors:\n")

    assert (code, document["findings"]) == (0, [])


def test_broken_program_is_named_before_it_is_deployed(local: Local) -> None:
    """Defects that a transform plants are named in a stack that does not exist, and that does not exist afterwards."""
    local.workshop.replace("__main__.py", "import pulumi\n", f"import pulumi\n{TRANSFORM}")
    try:
        code, document = examine(local, "unborn", "--program")
        local.pulumi("stack", "init", "pack", "--no-select")
        literal = local.pulumi(
            "preview", "--policy-pack", "policies", "--non-interactive", "--stack", "pack", check=False
        )
    finally:
        local.workshop.replace("__main__.py", TRANSFORM, "")
        local.pulumi("stack", "rm", "--yes", "--stack", "pack")

    assert code == 1
    assert rules(document) == NAMED | BESIDES
    assert all(one["where"] and one["mend"] and one["sources"] for one in document["findings"])
    assert literal.returncode != 0
    assert all(rule in literal.stdout for rule in NAMED)
    assert "unborn" not in local.pulumi("stack", "ls", "--json").stdout


def break_functions(aws: Aws) -> None:
    """Take variables, versions and permissions away, behind Pulumi's back."""
    processor = aws.functions.get_function_configuration(FunctionName=f"{NAME}-stream-processor")
    variables = processor["Environment"]["Variables"] | {"WEBSOCKET_ENDPOINT": "wss://elsewhere.example.com/ward"}
    aws.functions.update_function_configuration(
        FunctionName=f"{NAME}-stream-processor", Environment={"Variables": variables}, Timeout=3
    )
    version = aws.functions.publish_version(FunctionName=f"{NAME}-stream-processor")["Version"]
    aws.functions.update_alias(FunctionName=f"{NAME}-stream-processor", Name="live", FunctionVersion=version)
    # Nobody is served this before somebody publishes it.
    aws.functions.update_function_configuration(FunctionName=f"{NAME}-actor-game-room", Timeout=1)
    aws.functions.update_alias(FunctionName=f"{NAME}-actor-todo-list", Name="live", FunctionVersion="$LATEST")
    [mapping] = aws.functions.list_event_source_mappings(FunctionName=f"{NAME}-stream-processor:live")[
        "EventSourceMappings"
    ]
    aws.functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False, MaximumRetryAttempts=-1)
    aws.roles.put_role_policy(
        RoleName=f"{NAME}-websocket",
        PolicyName="execution",
        PolicyDocument=json.dumps(
            {
                "Statement": [
                    {"Effect": "Allow", "Action": ["logs:CreateLogStream", "logs:PutLogEvents"], "Resource": "*"}
                ]
            }
        ),
    )
    aws.roles.attach_role_policy(RoleName=f"{NAME}-actor-game-room", PolicyArn=ADMINISTRATOR)
    aws.logs.delete_log_group(logGroupName=f"/aws/lambda/{NAME}-actor-game-room")


def break_api(aws: Aws) -> None:
    """Throttle everything, drop what answers, and leave a deployment that nobody serves."""
    [api] = [one["ApiId"] for one in aws.apis.get_apis()["Items"] if one["Name"] == f"{NAME}-websocket"]
    aws.apis.update_stage(
        ApiId=api, StageName=STACK, DefaultRouteSettings={"ThrottlingBurstLimit": 0, "ThrottlingRateLimit": 0}
    )
    [route] = [one for one in aws.apis.get_routes(ApiId=api)["Items"] if one["RouteKey"] == "$default"]
    [response] = aws.apis.get_route_responses(ApiId=api, RouteId=route["RouteId"])["Items"]
    aws.apis.delete_route_response(ApiId=api, RouteId=route["RouteId"], RouteResponseId=response["RouteResponseId"])
    served = max(one["CreatedDate"] for one in aws.apis.get_deployments(ApiId=api)["Items"])
    # Deployments tell the second in which they were made, and the stack's own may be of this one.
    eventually(lambda: aws.apis.create_deployment(ApiId=api)["CreatedDate"] > served, what="a newer deployment")
    queue = aws.queues.get_queue_url(QueueName=f"{NAME}-stream-processor-failures")["QueueUrl"]
    aws.queues.send_message(QueueUrl=queue, MessageBody="{}")


def test_stack_that_was_changed_by_hand_is_named_part_by_part(local: Local, ward: str) -> None:
    """Each thing that somebody broke is found with AWS's own answers."""
    break_functions(local.aws)
    break_api(local.aws)
    try:
        code, document = examine(local, ward, "--running")
        drift = local.workshop.trebuche(
            "status", "--drift", "--json", "--stack", ward, check=False, variables=local.environment
        )
    finally:
        local.aws.roles.detach_role_policy(RoleName=f"{NAME}-actor-game-room", PolicyArn=ADMINISTRATOR)

    assert code == 1
    assert rules(document) >= {
        *("management-endpoint", "function-timeout", "published-versions", "mapping-enabled", "mapping-retries"),
        *("connection-permission", "post-permission", "actor-permission", "wide-permission"),
        *("throttle", "route-reply", "newest-deployment", "log-group", "missing-resource", "mapping-running"),
        *("waiting-failures", "canary", "served-version", "unpublished-change"),
    }
    timeouts = {one["where"] for one in document["findings"] if one["rule"] == "function-timeout"}
    assert timeouts == {f"Function {NAME}-stream-processor"}
    assert {one["part"] for one in document["findings"]} == {"running stack"}
    drifted = {(one["type"], one["gone"]) for one in json.loads(drift.stdout)["drift"]}
    assert drift.returncode == 1
    assert drifted >= {
        ("Stage", False),
        ("Function", False),
        ("Alias", False),
        ("RouteResponse", True),
        ("LogGroup", True),
    }
