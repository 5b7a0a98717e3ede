"""The whole application."""

import ast
import inspect
import json
from pathlib import Path

import pytest

import trebuche.contract
from infra.plan import make_plan
from tests.infra.conftest import Deploy, deploy_plan
from tests.infra.project import CONFIG, make_project
from tests.infra.recording import Recording

WITHOUT_WEBSOCKET = CONFIG + "websocket: {enabled: false}\n"

TREE = """\
trebuche:aws:StreamingApp app
  trebuche:aws:LambdaFunction app-actor-game-room
    aws:lambda/alias:Alias app-actor-game-room-alias
    trebuche:aws:ExecutionRole app-actor-game-room-execution
      aws:iam/rolePolicy:RolePolicy app-actor-game-room-execution-policy
      aws:iam/role:Role app-actor-game-room-execution-role
    aws:lambda/function:Function app-actor-game-room-function
    aws:cloudwatch/logGroup:LogGroup app-actor-game-room-logs
  trebuche:aws:LambdaFunction app-actor-todo-list
    aws:lambda/alias:Alias app-actor-todo-list-alias
    trebuche:aws:ExecutionRole app-actor-todo-list-execution
      aws:iam/rolePolicy:RolePolicy app-actor-todo-list-execution-policy
      aws:iam/role:Role app-actor-todo-list-execution-role
    aws:lambda/function:Function app-actor-todo-list-function
    aws:cloudwatch/logGroup:LogGroup app-actor-todo-list-logs
  trebuche:aws:CatchUpQueue app-actor-todo-list-catch-ups
    aws:sqs/queue:Queue app-actor-todo-list-catch-ups-queue
  trebuche:aws:CatchUpWorker app-actor-todo-list-worker
    aws:lambda/eventSourceMapping:EventSourceMapping app-actor-todo-list-worker-mapping
  trebuche:aws:Alarms app-alarms
    aws:cloudwatch/metricAlarm:MetricAlarm app-alarms-actor-game-room-duration
    aws:cloudwatch/metricAlarm:MetricAlarm app-alarms-actor-game-room-errors
    aws:cloudwatch/metricAlarm:MetricAlarm app-alarms-actor-game-room-throttles
    aws:cloudwatch/metricAlarm:MetricAlarm app-alarms-actor-todo-list-age
    aws:cloudwatch/metricAlarm:MetricAlarm app-alarms-actor-todo-list-duration
    aws:cloudwatch/metricAlarm:MetricAlarm app-alarms-actor-todo-list-errors
    aws:cloudwatch/metricAlarm:MetricAlarm app-alarms-actor-todo-list-throttles
    aws:cloudwatch/metricAlarm:MetricAlarm app-alarms-api-execution-errors
    aws:cloudwatch/metricAlarm:MetricAlarm app-alarms-api-integration-errors
    aws:cloudwatch/metricAlarm:MetricAlarm app-alarms-connections-write-throttles
    aws:cloudwatch/metricAlarm:MetricAlarm app-alarms-failures-depth
    aws:cloudwatch/metricAlarm:MetricAlarm app-alarms-journal-write-throttles
    aws:cloudwatch/metricAlarm:MetricAlarm app-alarms-state-write-throttles
    aws:cloudwatch/metricAlarm:MetricAlarm app-alarms-stream-processor-delivery-lag
    aws:cloudwatch/metricAlarm:MetricAlarm app-alarms-stream-processor-duration
    aws:cloudwatch/metricAlarm:MetricAlarm app-alarms-stream-processor-errors
    aws:cloudwatch/metricAlarm:MetricAlarm app-alarms-stream-processor-iterator-age
    aws:cloudwatch/metricAlarm:MetricAlarm app-alarms-stream-processor-throttles
    aws:cloudwatch/metricAlarm:MetricAlarm app-alarms-subscriptions-write-throttles
    aws:cloudwatch/metricAlarm:MetricAlarm app-alarms-websocket-duration
    aws:cloudwatch/metricAlarm:MetricAlarm app-alarms-websocket-errors
    aws:cloudwatch/metricAlarm:MetricAlarm app-alarms-websocket-throttles
  trebuche:aws:WebSocketApi app-api
    aws:apigatewayv2/api:Api app-api-api
  trebuche:aws:ConnectionTable app-connections
    aws:dynamodb/table:Table app-connections-table
  trebuche:aws:Dashboard app-dashboard
    aws:cloudwatch/dashboard:Dashboard app-dashboard-dashboard
  trebuche:aws:ActorDirectory app-directory
    aws:servicediscovery/instance:Instance app-directory-actor-game
    aws:servicediscovery/instance:Instance app-directory-actor-todos
    aws:servicediscovery/httpNamespace:HttpNamespace app-directory-namespace
    aws:servicediscovery/service:Service app-directory-service
  trebuche:aws:FailureQueue app-failures
    aws:sqs/queue:Queue app-failures-queue
  trebuche:aws:JournalTable app-journal
    aws:dynamodb/table:Table app-journal-table
  trebuche:aws:WebSocketStage app-stage
    aws:apigatewayv2/integration:Integration app-stage-action-game-integration
    aws:lambda/permission:Permission app-stage-action-game-permission
    aws:apigatewayv2/routeResponse:RouteResponse app-stage-action-game-response
    aws:apigatewayv2/route:Route app-stage-action-game-route
    aws:apigatewayv2/integration:Integration app-stage-action-todos-integration
    aws:lambda/permission:Permission app-stage-action-todos-permission
    aws:apigatewayv2/routeResponse:RouteResponse app-stage-action-todos-response
    aws:apigatewayv2/route:Route app-stage-action-todos-route
    aws:apigatewayv2/integration:Integration app-stage-connect-integration
    aws:lambda/permission:Permission app-stage-connect-permission
    aws:apigatewayv2/route:Route app-stage-connect-route
    aws:apigatewayv2/integration:Integration app-stage-default-integration
    aws:lambda/permission:Permission app-stage-default-permission
    aws:apigatewayv2/routeResponse:RouteResponse app-stage-default-response
    aws:apigatewayv2/route:Route app-stage-default-route
    aws:apigatewayv2/deployment:Deployment app-stage-deployment
    aws:apigatewayv2/integration:Integration app-stage-disconnect-integration
    aws:lambda/permission:Permission app-stage-disconnect-permission
    aws:apigatewayv2/route:Route app-stage-disconnect-route
    aws:apigatewayv2/integrationResponse:IntegrationResponse app-stage-ping-answer
    aws:apigatewayv2/integration:Integration app-stage-ping-integration
    aws:apigatewayv2/routeResponse:RouteResponse app-stage-ping-response
    aws:apigatewayv2/route:Route app-stage-ping-route
    aws:apigatewayv2/stage:Stage app-stage-stage
  trebuche:aws:StateTable app-state
    aws:dynamodb/table:Table app-state-table
  trebuche:aws:StreamSubscription app-stream
    aws:lambda/eventSourceMapping:EventSourceMapping app-stream-mapping
  trebuche:aws:LambdaFunction app-stream-processor
    aws:lambda/alias:Alias app-stream-processor-alias
    trebuche:aws:ExecutionRole app-stream-processor-execution
      aws:iam/rolePolicy:RolePolicy app-stream-processor-execution-policy
      aws:iam/role:Role app-stream-processor-execution-role
    aws:lambda/function:Function app-stream-processor-function
    aws:cloudwatch/logGroup:LogGroup app-stream-processor-logs
  trebuche:aws:SubscriptionTable app-subscriptions
    aws:dynamodb/table:Table app-subscriptions-table
  trebuche:aws:LambdaFunction app-websocket
    aws:lambda/alias:Alias app-websocket-alias
    trebuche:aws:ExecutionRole app-websocket-execution
      aws:iam/rolePolicy:RolePolicy app-websocket-execution-policy
      aws:iam/role:Role app-websocket-execution-role
    aws:lambda/function:Function app-websocket-function
    aws:cloudwatch/logGroup:LogGroup app-websocket-logs
"""
COMMON = {
    "NAMESPACE",
    "STATE_TABLE",
    "CONNECTION_TABLE",
    "WEBSOCKET_ENDPOINT",
    "TREBUCHE_STAGE",
    "TREBUCHE_RETENTION_HOURS",
    "TREBUCHE_SUBSCRIPTION_TABLE",
}
ENVIRONMENTS = {
    "my-app-dev-websocket": COMMON,
    "my-app-dev-actor-todo-list": COMMON
    | {
        "TREBUCHE_JOURNAL_TABLE",
        "TREBUCHE_ACTOR",
        "TREBUCHE_STATEFUL",
        "TREBUCHE_WINDOW_MS",
        "TREBUCHE_CATCH_UP_QUEUES",
    },
    "my-app-dev-actor-game-room": COMMON
    | {"TREBUCHE_JOURNAL_TABLE", "TREBUCHE_ACTOR", "TREBUCHE_STATEFUL", "TREBUCHE_WINDOW_MS"},
    "my-app-dev-stream-processor": COMMON | {"TREBUCHE_JOURNAL_TABLE", "TREBUCHE_CATCH_UP_QUEUES"},
}
QUEUE = {
    (f"sqs:{action}", "arn:my-app-dev-catch-up-todos")
    for action in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes", "SendMessage")
}
POST = ("execute-api:ManageConnections", "execute:abc/dev/POST/@connections/*")


def tree(recording: Recording, parent: str = "", depth: int = 0) -> str:
    """The resources below a parent, sorted, without providers."""
    below = sorted((one.name, one.type) for one in recording.resources if one.parent == parent)
    return "".join(
        f"{'  ' * depth}{type_} {name}\n{tree(recording, name, depth + 1)}"
        for name, type_ in below
        if not type_.startswith("pulumi:")
    )


def environments(recording: Recording) -> dict[str, dict[str, str]]:
    """Environment of each function."""
    functions = recording.inputs("aws:lambda/function:Function")
    return {one["name"]: one["environment"]["variables"] for one in functions}


WITH_AUTH = {"TREBUCHE_AUTH", "TREBUCHE_AUTH_SECRET", "TREBUCHE_ACCESS_TABLE", "TREBUCHE_ACCESS_RULES"}
"""What functions are told with ``auth`` only; ``test_authorizer`` looks at it."""
WITH_LIMITS = {"TREBUCHE_LIMITS", "TREBUCHE_DEPARTURE_QUEUE", "TREBUCHE_IDLE_SECONDS"}
"""And with ``limits`` or ``delivery``."""


def permissions(recording: Recording, function: str) -> set[tuple[str, str]]:
    """What a function may do: action and resource."""
    [document] = [
        json.loads(one["policy"])
        for one in recording.inputs("aws:iam/rolePolicy:RolePolicy")
        if one["role"] == function
    ]
    statements = document["Statement"]
    assert len({one["Sid"] for one in statements}) == len(statements)
    return {(action, arn) for one in statements for action in one["Action"] for arn in one["Resource"]}


def on_table(table: str, *actions: str) -> set[tuple[str, str]]:
    """Actions on one table."""
    return {(f"dynamodb:{action}", f"arn:{table}") for action in actions}


def logs(function: str) -> set[tuple[str, str]]:
    """What every function may."""
    return {(action, f"arn:/aws/lambda/{function}:*") for action in ("logs:CreateLogStream", "logs:PutLogEvents")}


def test_tree(deployed: Deploy) -> None:
    """Every resource stands under its component; nothing but the provider stands beside the application."""
    recording, _outputs = deployed()

    assert tree(recording) == TREE
    assert [one.type for one in recording.resources if one.parent == "" and one.custom] == ["pulumi:providers:aws"]


def test_every_resource_uses_the_one_provider(deployed: Deploy) -> None:
    """Nothing falls back on Pulumi's default provider, whose region may be another one."""
    recording, _outputs = deployed()

    assert {one.provider.rsplit("::", 2)[1] for one in recording.custom()} == {"aws"}


def test_outputs(deployed: Deploy) -> None:
    """What other tools read from the stack."""
    _recording, outputs = deployed()

    release = str(outputs.pop("release"))
    assert len(release) == 64
    versions = "actor-game-room=7 actor-todo-list=7 stream-processor=7 websocket=7"
    assert outputs.pop("releases") == [f"{release} {versions}"]
    assert outputs.pop("interfaces") == {}
    assert outputs == {
        "wss_endpoint": "wss://abc.execute-api.eu-west-1.amazonaws.com/dev",
        "management_endpoint": "https://abc.execute-api.eu-west-1.amazonaws.com/dev",
        "state_table": "my-app-actor-state-dev",
        "connections_table": "my-app-connections-dev",
        "subscriptions_table": "my-app-dev-subscriptions",
        "journal_table": "my-app-dev-journal",
        "functions": {
            "websocket": "arn:my-app-dev-websocket:live",
            "stream-processor": "arn:my-app-dev-stream-processor:live",
            "actor-todo-list": "arn:my-app-dev-actor-todo-list:live",
            "actor-game-room": "arn:my-app-dev-actor-game-room:live",
        },
        "stream_enabled": True,
    }


def test_environments_hold_what_the_contract_names(deployed: Deploy) -> None:
    """A function is told what its side of the contract reads, and nothing else."""
    recording, _outputs = deployed()

    assert {name: set(variables) for name, variables in environments(recording).items()} == ENVIRONMENTS


def test_contract_has_no_other_variables() -> None:
    """A variable that the contract gains must be given to somebody."""
    tree = ast.parse(inspect.getsource(trebuche.contract))
    named = {
        node.value.value
        for node in ast.walk(tree)
        if isinstance(node, ast.AnnAssign)
        and isinstance(node.target, ast.Name)
        and node.target.id.startswith("ENV_")
        and isinstance(node.value, ast.Constant)
    }

    assert named == set().union(*ENVIRONMENTS.values()) | WITH_AUTH | WITH_LIMITS


def test_values_of_the_environments(deployed: Deploy) -> None:
    """Tables by name, the address that functions post to, and each actor's own class."""
    recording, _outputs = deployed()
    found = environments(recording)

    assert found["my-app-dev-actor-todo-list"] == {
        "NAMESPACE": "my-app-dev",
        "STATE_TABLE": "my-app-actor-state-dev",
        "CONNECTION_TABLE": "my-app-connections-dev",
        "WEBSOCKET_ENDPOINT": "https://abc.execute-api.eu-west-1.amazonaws.com/dev",
        "TREBUCHE_STAGE": "dev",
        "TREBUCHE_RETENTION_HOURS": "24",
        "TREBUCHE_SUBSCRIPTION_TABLE": "my-app-dev-subscriptions",
        "TREBUCHE_JOURNAL_TABLE": "my-app-dev-journal",
        "TREBUCHE_ACTOR": "actors.todo_list:TodoList",
        "TREBUCHE_STATEFUL": "true",
        "TREBUCHE_WINDOW_MS": "0",
        "TREBUCHE_CATCH_UP_QUEUES": '{"todos": "https://sqs/my-app-dev-catch-up-todos"}',
    }
    assert found["my-app-dev-actor-game-room"]["TREBUCHE_STATEFUL"] == "false"


def test_memory_and_timeout_reach_their_function(deployed: Deploy) -> None:
    """An actor's settings are its function's; the rest has the defaults."""
    recording, _outputs = deployed()

    functions = recording.inputs("aws:lambda/function:Function")

    assert {one["name"]: (one["memorySize"], one["timeout"]) for one in functions} == {
        "my-app-dev-websocket": (512, 29),
        "my-app-dev-actor-todo-list": (1024, 20),
        "my-app-dev-actor-game-room": (512, 10),
        "my-app-dev-stream-processor": (512, 60),
    }


def test_functions_run_their_own_archive(deployed: Deploy) -> None:
    """Handler and archive belong together."""
    recording, _outputs = deployed()

    functions = recording.inputs("aws:lambda/function:Function")

    assert {
        one["name"].removeprefix("my-app-dev-"): (one["handler"], Path(one["code"].path).stem) for one in functions
    } == {
        "websocket": ("websocket_handler.handle", "websocket"),
        "actor-todo-list": ("actor_handler.handle", "actor-todo-list"),
        "actor-game-room": ("actor_handler.handle", "actor-game-room"),
        "stream-processor": ("stream_processor.handle", "stream-processor"),
    }


@pytest.mark.parametrize(
    ("actor", "queue"), [("my-app-dev-actor-todo-list", QUEUE), ("my-app-dev-actor-game-room", set[tuple[str, str]]())]
)
def test_permissions_of_an_actor(deployed: Deploy, actor: str, queue: set[tuple[str, str]]) -> None:
    """Its turn, its subscribers, its answers; and whoever falls behind, if it can be observed at all."""
    recording, _outputs = deployed()

    assert permissions(recording, actor) == (
        logs(actor)
        | on_table("my-app-actor-state-dev", "GetItem", "PutItem")
        | on_table("my-app-dev-journal", "GetItem", "PutItem", "Query")
        | on_table("my-app-connections-dev", "GetItem", "UpdateItem")
        | on_table("my-app-dev-subscriptions", "GetItem", "PutItem", "UpdateItem", "DeleteItem")
        | {POST}
        | queue
    )


def test_permissions_of_the_websocket_function(deployed: Deploy) -> None:
    """Connections come and go; messages go to the actors, and refused streams back. It touches no state."""
    recording, _outputs = deployed()

    assert permissions(recording, "my-app-dev-websocket") == (
        logs("my-app-dev-websocket")
        | on_table("my-app-connections-dev", "GetItem", "PutItem", "UpdateItem", "DeleteItem")
        | on_table("my-app-dev-subscriptions", "GetItem", "PutItem", "DeleteItem")
        | {
            ("lambda:InvokeFunction", "arn:my-app-dev-actor-todo-list:live"),
            ("lambda:InvokeFunction", "arn:my-app-dev-actor-game-room:live"),
            ("servicediscovery:DiscoverInstances", "*"),
            POST,
        }
    )


def test_permissions_of_the_stream_processor(deployed: Deploy) -> None:
    """It reads the stream, pushes, clears away dead connections and streams that are over, and reports failures."""
    recording, _outputs = deployed()
    stream = ("DescribeStream", "GetRecords", "GetShardIterator", "ListStreams")

    assert permissions(recording, "my-app-dev-stream-processor") == (
        logs("my-app-dev-stream-processor")
        | on_table("my-app-actor-state-dev/stream/*", *stream)
        | on_table("my-app-connections-dev", "UpdateItem", "DeleteItem")
        | on_table("my-app-dev-subscriptions", "GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query")
        | {POST, ("sqs:SendMessage", "arn:my-app-dev-stream-processor-failures")}
        | {("sqs:SendMessage", "arn:my-app-dev-catch-up-todos")}
    )


def test_production_has_the_names_of_the_file(deployed: Deploy) -> None:
    """No suffix, the configured stage, tables that refuse to be deleted."""
    config = CONFIG + "websocket: {stage: live}\nstate: {table: my-state}\nconnections: {table: my-connections}\n"

    recording, outputs = deployed("production", config)

    tables = {one.inputs["name"]: one for one in recording.resources if one.type == "aws:dynamodb/table:Table"}
    assert set(tables) == {"my-state", "my-connections", "my-app-subscriptions", "my-app-journal"}
    assert all(one.protect and one.inputs["deletionProtectionEnabled"] for one in tables.values())
    restorable = {name for name, one in tables.items() if one.inputs["pointInTimeRecovery"]["enabled"]}
    assert restorable == {"my-state", "my-app-journal"}
    assert str(outputs["wss_endpoint"]).endswith("/live")
    assert "my-app-websocket" in environments(recording)


def test_protection_can_be_lifted(deployed: Deploy) -> None:
    """The step before production is destroyed."""
    recording, _outputs = deployed("production", protect="never")

    assert not any(one.protect for one in recording.resources)


def test_stack_settings_reach_their_resources(deployed: Deploy) -> None:
    """Retention of every log group, limits of the stage."""
    recording, _outputs = deployed(logRetentionDays="3", messagesPerSecond="7", messageBurst="8")

    assert {one["retentionInDays"] for one in recording.inputs("aws:cloudwatch/logGroup:LogGroup")} == {3}
    [stage] = recording.inputs("aws:apigatewayv2/stage:Stage")
    assert stage["defaultRouteSettings"] == {"throttlingRateLimit": 7, "throttlingBurstLimit": 8}


def test_actions_lead_straight_to_their_actors(deployed: Deploy) -> None:
    """Three routes of the page, one for each exposed name, and the ping, which leads to no function."""
    recording, _outputs = deployed()

    routes = {one["routeKey"]: one["target"] for one in recording.inputs("aws:apigatewayv2/route:Route")}
    integrations = {
        f"integrations/{one.name}-id": one.inputs.get("integrationUri")
        for one in recording.resources
        if one.type == "aws:apigatewayv2/integration:Integration"
    }
    assert {key: integrations[target] for key, target in routes.items()} == {
        **dict.fromkeys(("$connect", "$disconnect", "$default"), "invoke:my-app-dev-websocket:live"),
        "todos": "invoke:my-app-dev-actor-todo-list:live",
        "game": "invoke:my-app-dev-actor-game-room:live",
        "ping": None,
    }


def test_operation_reaches_every_function(deployed: Deploy) -> None:
    """Tracing and warm environments are the stack's; reserved concurrency is each function's own."""
    recording, _outputs = deployed(tracing="true", provisionedConcurrency="2", reservedConcurrency='{"websocket": 50}')

    functions = {one["name"]: one for one in recording.inputs("aws:lambda/function:Function")}
    assert {one["tracingConfig"]["mode"] for one in functions.values()} == {"Active"}
    assert {name: one.get("reservedConcurrentExecutions") for name, one in functions.items()} == {
        **dict.fromkeys(functions),
        "my-app-dev-websocket": 50,
    }
    warm = recording.inputs("aws:lambda/provisionedConcurrencyConfig:ProvisionedConcurrencyConfig")
    assert {(one["functionName"], one["provisionedConcurrentExecutions"]) for one in warm} == {
        (name, 2) for name in functions
    }


def test_capacity_and_key_reach_every_table(deployed: Deploy) -> None:
    """All four tables are billed and encrypted alike, and every function may use the key."""
    key = "arn:aws:kms:eu-west-1:111122223333:key/0a"

    recording, _outputs = deployed(capacity='{"minimum": 5, "maximum": 50}', encryptionKeyArn=key)

    tables = recording.inputs("aws:dynamodb/table:Table")
    assert len(tables) == 4
    assert {(one["billingMode"], one["serverSideEncryption"]["kmsKeyArn"]) for one in tables} == {("PROVISIONED", key)}
    assert len(recording.inputs("aws:appautoscaling/target:Target")) == 10
    assert all(("kms:Decrypt", key) in permissions(recording, function) for function in ENVIRONMENTS)


def test_pace_of_the_stream_is_the_stacks(deployed: Deploy) -> None:
    """Every setting reaches the mapping."""
    recording, _outputs = deployed(
        streamBatchSize="20",
        streamBatchWindowSeconds="1",
        streamParallelizationFactor="3",
        streamRetries="4",
        streamMaximumAgeSeconds="120",
    )
    mapping = recording.one("app-stream-mapping").inputs

    assert mapping["batchSize"] == 20
    assert mapping["maximumBatchingWindowInSeconds"] == 1
    assert mapping["parallelizationFactor"] == 3
    assert mapping["maximumRetryAttempts"] == 4
    assert mapping["maximumRecordAgeInSeconds"] == 120


@pytest.mark.parametrize(
    ("settings", "groups", "roles"),
    [
        ({}, 0, 0),
        ({"accessLogs": "true"}, 1, 0),
        ({"ownAccountLogRole": "true"}, 0, 1),
        ({"accessLogs": "true", "ownAccountLogRole": "true"}, 1, 1),
    ],
)
def test_accounts_log_role_is_made_by_its_owner_only(
    deployed: Deploy, settings: dict[str, str], groups: int, roles: int
) -> None:
    """Access logs and the account's role are two decisions; the role may serve other stacks."""
    recording, _outputs = deployed(**settings)

    made = [one.type for one in recording.resources]
    logs = [one["name"] for one in recording.inputs("aws:cloudwatch/logGroup:LogGroup")]
    assert made.count("aws:apigateway/account:Account") == roles
    assert logs.count("/aws/apigateway/my-app-dev-websocket") == groups
    [stage] = recording.inputs("aws:apigatewayv2/stage:Stage")
    assert ("accessLogSettings" in stage) == bool(groups)


def test_domain_changes_no_other_output(deployed: Deploy) -> None:
    """Functions go on posting to the API's own address; the domain's owner learns what to point at."""
    certificate = "arn:aws:acm:eu-west-1:111122223333:certificate/0a"
    before = deployed()[1]

    _recording, outputs = deployed(domain=f'{{"name": "live.example.com", "certificateArn": "{certificate}"}}')

    assert outputs == before | {"domain_endpoint": "wss://live.example.com", "domain_target": "d-1.example.net"}


def test_namespace_of_trebuche_yaml(deployed: Deploy) -> None:
    """Actors are registered in the namespace that is named there, with the stack's suffix, and looked up in it."""
    recording, _ = deployed(config=CONFIG + "discovery: {type: cloudmap, namespace: our.actors}\n")

    assert recording.one("app-directory-namespace").inputs["name"] == "our.actors-dev"
    assert {one["NAMESPACE"] for one in environments(recording).values()} == {"our.actors-dev"}


def test_retention_reaches_every_function(deployed: Deploy) -> None:
    """Each of them writes or reads what expires; another time is another environment, not another table."""
    recording, _ = deployed(config=CONFIG + "retention: {hours: 168}\n")

    assert {one["TREBUCHE_RETENTION_HOURS"] for one in environments(recording).values()} == {"168"}


def test_without_websocket(deployed: Deploy) -> None:
    """No API, no connection tables, nobody to push to; actors with their state remain."""
    recording, outputs = deployed(config=WITHOUT_WEBSOCKET)

    assert not [one.type for one in recording.resources if "apigatewayv2" in one.type or "sqs" in one.type]
    tables = {one["name"] for one in recording.inputs("aws:dynamodb/table:Table")}
    assert tables == {"my-app-actor-state-dev", "my-app-dev-journal"}
    assert set(environments(recording)) == {"my-app-dev-actor-todo-list", "my-app-dev-actor-game-room"}
    assert set(environments(recording)["my-app-dev-actor-todo-list"]) == {
        "NAMESPACE",
        "STATE_TABLE",
        "TREBUCHE_JOURNAL_TABLE",
        "TREBUCHE_ACTOR",
        "TREBUCHE_RETENTION_HOURS",
        "TREBUCHE_STAGE",
        "TREBUCHE_STATEFUL",
        "TREBUCHE_WINDOW_MS",
    }
    history = {"release", "releases", "interfaces"}
    assert set(outputs) == {"state_table", "journal_table", "functions", "stream_enabled"} | history


def test_an_application_without_actors(tmp_path: Path) -> None:
    """The WebSocket function then has nobody to call, and no statement that says so."""
    root = make_project(tmp_path, 'name: my-app\nversion: "1"\nactors: {}\n')
    for name in ("todo_list", "game_room"):
        (root / f"lambda_src/actors/{name}.py").unlink()

    recording, outputs = deploy_plan(make_plan(root, "dev", {}))

    assert "lambda:InvokeFunction" not in {action for action, _arn in permissions(recording, "my-app-dev-websocket")}
    assert outputs["functions"] == {
        "websocket": "arn:my-app-dev-websocket:live",
        "stream-processor": "arn:my-app-dev-stream-processor:live",
    }
