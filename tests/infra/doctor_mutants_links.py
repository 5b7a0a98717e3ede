"""Ways to break what refers to what. A preview still says what a value was made from before it was replaced."""

import json

from policies.model import (
    ALIAS,
    ANSWER,
    API,
    API_MAPPING,
    DEPLOYMENT,
    FUNCTION,
    INSTANCE,
    INTEGRATION,
    MAPPING,
    PERMISSION,
    QUEUE_POLICY,
    RESPONSE,
    ROLE_POLICY,
    ROUTE,
    SERVICE,
    STAGE,
    WARM,
)
from tests.infra.doctor_mutants import ACTOR, EXECUTE, LAMBDA, PROCESSOR, TABLES, WEBSOCKET, filtered, variables
from tests.infra.doctored import ACCOUNT as NUMBER
from tests.infra.doctored import REGION, REMOVED, Change, add, both, change, drop, rewire

ROLES = f"arn:aws:iam::{NUMBER}:role/"
ABROAD = "999999999999"
TODOS = LAMBDA + "my-app-dev-actor-todo-list:"
_DEFAULT, _CONNECT = "app-stage-default-permission", "app-stage-connect-permission"
_TODOS = "app-stage-action-todos-permission"


def _failing_to(arn: str) -> Change:
    return change(MAPPING, "app-stream", destinationConfig__onFailure__destinationArn=arn)


def _warm(qualifier: str) -> Change:
    name = "my-app-dev-websocket"
    return add(WARM, "warm", functionName=name, qualifier=qualifier, provisionedConcurrentExecutions=1)


def _queue_policy(effect: str, who: str) -> Change:
    statement = {"Effect": effect, "Principal": {"AWS": who}, "Action": "sqs:SendMessage", "Resource": "*"}
    return add(QUEUE_POLICY, "policy", policy=json.dumps({"Statement": [statement]}))


def _source(api: str) -> str:
    return f"arn:aws:execute-api:{REGION}:{NUMBER}:{api}/dev/todos"


def _told(address: str) -> Change:
    return variables(PROCESSOR, WEBSOCKET_ENDPOINT=address)


LINKS: list[tuple[str, str, Change]] = [
    ("deployment", "a literal", change(STAGE, "app", deploymentId="abc123")),
    ("deployment", "constant triggers", change(DEPLOYMENT, "app", triggers={"routes": "1"})),
    ("deployment", "triggers by hand", change(DEPLOYMENT, "app", triggers={"redeployment": "after the new route"})),
    ("deployment", "deleted before its successor is there", rewire(DEPLOYMENT, "app", delete_first=True)),
    ("stage", "of another API", change(STAGE, "app", apiId="a1b2c3")),
    ("stage-leak", "a renamed stage", change(STAGE, "app", name="v2")),
    ("routes", "of another API", change(ROUTE, "app-stage-default-route", apiId="a1b2c3")),
    ("routes", "no ping", change(ROUTE, "app-stage-ping-route", routeKey="pong")),
    ("route-selection", "a constant", change(API, "app", routeSelectionExpression="$default")),
    ("route-models", "checked messages", change(ROUTE, "todos-route", requestModels={"$default": "Todo"})),
    ("route-target", "a literal", change(ROUTE, "app-stage-default-route", target="integrations/abc")),
    ("route-target", "no address", change(INTEGRATION, "default-integration", integrationUri=REMOVED)),
    ("route-target", "a fixed version", change(INTEGRATION, "todos-integration", integrationUri=TODOS + "1")),
    ("route-target", "$LATEST", change(INTEGRATION, "todos-integration", integrationUri=TODOS + "$LATEST")),
    ("route-target", "HTTP's payload", change(INTEGRATION, "connect-integration", payloadFormatVersion="2.0")),
    ("route-reply", "a literal", change(RESPONSE, "app-stage-default-response", routeId="abc")),
    ("route-reply", "no answer to a ping", drop(ANSWER, "ping")),
    ("route-reply", "an answer for another integration", change(ANSWER, "ping", integrationId="abc")),
    ("route-reply", "an empty answer to a ping", change(ANSWER, "ping", responseTemplates=REMOVED)),
    ("route-reply", "an answer to some pings", change(ANSWER, "ping", integrationResponseKey="/4\\d\\d/")),
    ("route-reply", "a ping without a template", change(INTEGRATION, "ping", requestTemplates=REMOVED)),
    ("route-reply", "a ping that selects none", change(INTEGRATION, "ping", templateSelectionExpression=REMOVED)),
    ("route-reply", "a ping without a way back", drop(RESPONSE, "ping")),
    (
        "route-reply",
        "a ping that asks for no answer",
        change(ROUTE, "app-stage-ping-route", routeResponseSelectionExpression=REMOVED),
    ),
    ("integration-timeout", "less than its function", change(INTEGRATION, "todos", timeoutMilliseconds=15_000)),
    ("integration-credentials", "a literal", change(INTEGRATION, "todos", credentialsArn=ROLES + "x")),
    ("mapping-target", "a fixed version", change(MAPPING, "app-stream", functionName="my-app-dev-stream-processor:1")),
    ("mapping-target", "a worker's fixed version", change(MAPPING, "todo-list-worker", functionName=TODOS + "3")),
    ("mapping-failures", "a worker's queue", _failing_to(f"arn:aws:sqs:{REGION}:{NUMBER}:my-app-dev-catch-up-todos")),
    ("mapping-failures", "a topic", _failing_to(f"arn:aws:sns:{REGION}:{NUMBER}:failures")),
    ("mapping-source", "a table of nobody", change(MAPPING, "app-stream", eventSourceArn=TABLES + "x/stream/1")),
    ("mapping-filter", "removals only", filtered({"eventName": ["REMOVE"]})),
    ("custom-domain", "another stage", add(API_MAPPING, "domain", apiId="app-api-api-id", stage="v2")),
    ("custom-domain", "another API", add(API_MAPPING, "domain", apiId="a1b2c3", stage="dev")),
    (
        "custom-domain",
        "an edge",
        add(
            "aws:apigatewayv2/domainName:DomainName",
            "host",
            domainNameConfiguration={"endpointType": "EDGE", "securityPolicy": "TLS_1_2"},
        ),
    ),
    ("warm-starts", "a version that nothing calls", _warm("3")),
    ("function-role", "another's", change(FUNCTION, WEBSOCKET, role=ROLES + "my-app-dev-stream-processor")),
    ("function-role", "one that is not there", change(FUNCTION, WEBSOCKET, role=ROLES + "gone")),
    ("function-role", "a policy of nobody", change(ROLE_POLICY, "app-websocket", role="gone")),
    (
        "connection-permission",
        "a policy of another role",
        change(ROLE_POLICY, "app-websocket", role="my-app-dev-other"),
    ),
    ("actor-directory", "another name", change(INSTANCE, "todos", instanceId="todo-list")),
    ("actor-directory", "no address", change(INSTANCE, "todos", attributes__ENDPOINT=REMOVED)),
    ("actor-directory", "for nobody", change(INSTANCE, "todos", attributes__actorId="todo")),
    ("actor-directory", "a fixed version", change(INSTANCE, "todos", attributes__ENDPOINT=TODOS + "1")),
    ("actor-directory", "another service", change(INSTANCE, "todos", serviceId="srv-abc")),
    ("actor-directory", "a service of another name", change(SERVICE, "app", name="actors")),
    ("actor-directory", "a service elsewhere", change(SERVICE, "app", namespaceId="ns-abc")),
    ("actor-directory", "not registered", drop(INSTANCE, "todos")),
    ("direct-routes", "no route", change(ROUTE, "todos-route", routeKey="todo")),
    ("invoke-permission", "another action", change(PERMISSION, _CONNECT, action="lambda:GetFunction")),
    ("invoke-permission", "another function", change(PERMISSION, _CONNECT, function="other")),
    ("invoke-permission", "another alias", change(PERMISSION, _TODOS, qualifier="old")),
    ("invoke-permission", "things, not sockets", change(PERMISSION, _TODOS, principal="iot.amazonaws.com")),
    ("invoke-permission", "another API's", change(PERMISSION, _TODOS, sourceArn=_source("zzz"))),
    ("invoke-permission", "the same route twice", change(PERMISSION, _CONNECT, sourceArn=EXECUTE + "dev/$default")),
    ("open-permission", "any API's", change(PERMISSION, _TODOS, sourceArn=_source("*"))),
    ("open-permission", "another account", change(PERMISSION, _TODOS, principal=ABROAD)),
    ("open-door", "a denial for all", _queue_policy("Deny", "*")),
    ("open-door", "another account", _queue_policy("Allow", f"arn:aws:iam::{ABROAD}:root")),
    ("management-endpoint", "another API's", _told(f"https://zzz.execute-api.{REGION}.amazonaws.com/dev")),
    ("management-endpoint", "a custom domain with a stage", _told("https://ws.example.com/dev")),
]
ABROAD_LINKS: list[tuple[str, str, Change]] = [
    (
        "route-target",
        "another account's",
        change(
            INTEGRATION,
            "connect-integration",
            integrationUri=LAMBDA.replace(NUMBER, ABROAD) + "my-app-dev-websocket:live",
        ),
    ),
    (
        "function-role",
        "another account's",
        change(FUNCTION, ACTOR, role=ROLES.replace(NUMBER, ABROAD) + "my-app-dev-actor-todo-list"),
    ),
    (
        "management-endpoint",
        "another stage's",
        _told(f"https://abc123.execute-api.{REGION}.amazonaws.com/prod"),
    ),
]
"""Of the right name in another place, which is known after the first deployment only."""
FORETOLD: list[tuple[str, str, Change]] = [
    (
        "alias-version",
        "a literal",
        both(change(FUNCTION, ACTOR, description="new", version=REMOVED), change(ALIAS, "todo", functionVersion="1")),
    ),
]
"""Of previews only: what runs has its versions."""
