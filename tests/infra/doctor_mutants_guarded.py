"""Ways to break a stack that asks who comes."""

import json

from policies.model import AUTHORIZER, FUNCTION, PERMISSION, ROUTE, SECRET, TABLE
from tests.infra.doctor_mutants import ACTOR, LAMBDA, PROCESSOR, WEBSOCKET, variables, without
from tests.infra.doctored import REMOVED, Change, change, drop, later

_GATE, _DOOR, _AUTHORIZER = "app-gate-permission", "app-stage-connect-route", "app-authorizer-function"

GUARDED: list[tuple[str, str, Change]] = [
    ("authorizer", "an open door", change(ROUTE, _DOOR, authorizationType=REMOVED, authorizerId=REMOVED)),
    ("authorizer", "a door for all", change(ROUTE, _DOOR, authorizationType="NONE", authorizerId=REMOVED)),
    ("authorizer", "nobody is named", change(ROUTE, _DOOR, authorizerId=REMOVED)),
    ("authorizer", "a literal", change(ROUTE, _DOOR, authorizerId="abc")),
    ("authorizer", "no authorizer", drop(AUTHORIZER, "app")),
    ("authorizer", "another function", change(AUTHORIZER, "app", authorizerUri=LAMBDA + "my-app-dev-websocket:live")),
    ("authorizer", "a fixed version", change(AUTHORIZER, "app", authorizerUri=LAMBDA + "my-app-dev-authorizer:1")),
    ("authorizer", "no function", change(AUTHORIZER, "app", authorizerUri=REMOVED)),
    ("authorizer", "another service's permission", change(PERMISSION, _GATE, principal="s3.amazonaws.com")),
    ("authorizer", "a permission for something else", change(PERMISSION, _GATE, action="lambda:GetFunction")),
    ("authorizer", "no permission", drop(PERMISSION, _GATE)),
    ("authorizer", "a permission on the function", change(PERMISSION, _GATE, qualifier=REMOVED)),
    (
        "authorizer-sources",
        "one of several places",
        change(AUTHORIZER, "app", identitySources=["route.request.header.Authorization"]),
    ),
    ("environment", "no ways in", variables(_AUTHORIZER, TREBUCHE_AUTH=REMOVED)),
    ("environment", "no book of revocations", variables(_AUTHORIZER, TREBUCHE_ACCESS_TABLE=REMOVED)),
    ("environment", "no look into it", variables(WEBSOCKET, TREBUCHE_ACCESS_TABLE=REMOVED)),
    ("environment", "no secret", variables(_AUTHORIZER, TREBUCHE_AUTH_SECRET=REMOVED)),
    ("environment", "no rules", variables(ACTOR, TREBUCHE_ACCESS_RULES=REMOVED)),
    ("environment", "nobody sees anybody off", variables(WEBSOCKET, TREBUCHE_DEPARTURE_QUEUE=REMOVED)),
    ("variable-values", "no way in", variables(_AUTHORIZER, TREBUCHE_AUTH=json.dumps({"places": ["header"]}))),
    ("variable-values", "another secret", variables(_AUTHORIZER, TREBUCHE_AUTH_SECRET="arn:aws:secretsmanager:x:1:y")),
    ("variable-values", "other rules", variables(ACTOR, TREBUCHE_ACCESS_RULES='[{"actors":"*"}]')),
    ("variable-values", "no list of rules", variables(ACTOR, TREBUCHE_ACCESS_RULES="all")),
    ("variable-values", "another queue", variables(WEBSOCKET, TREBUCHE_DEPARTURE_QUEUE="https://sqs.x/1/other")),
    ("table-variables", "another book", variables(WEBSOCKET, TREBUCHE_ACCESS_TABLE="elsewhere")),
    ("table-keys", "of the book", change(TABLE, "app-access", hashKey="jti")),
    ("time-to-live", "of used tickets", change(TABLE, "app-access", ttl=REMOVED)),
    ("access-permission", "no book", without("Access", "app-authorizer")),
    ("access-permission", "no look into it", without("Access", "app-websocket")),
    ("access-permission", "no secret", without("Secret", "app-authorizer")),
    (
        "key-permission",
        "a key for the secret that nobody may use",
        later(change(SECRET, "app-auth", kmsKeyId="arn:aws:kms:eu-west-1:123456789012:key/0a1b2c3d")),
    ),
    ("post-permission", "an actor cannot close", without("Close", "app-actor-todo-list")),
    ("post-permission", "the fan-out cannot close", without("Close", "app-stream-processor")),
    ("post-permission", "nobody is seen off", without("Close", "app-websocket")),
    ("reminder-permission", "departures are not put off", without("PutOffs", "app-websocket")),
    ("function-timeout", "AWS's default", change(FUNCTION, _AUTHORIZER, timeout=REMOVED)),
    (
        "mapping-target",
        "of departures",
        change(
            "aws:lambda/eventSourceMapping:EventSourceMapping",
            "departures",
            functionName=LAMBDA + "my-app-dev-websocket",
        ),
    ),
    ("table-variables", "of the fan-out", variables(PROCESSOR, CONNECTION_TABLE="my-app-dev-access")),
]
