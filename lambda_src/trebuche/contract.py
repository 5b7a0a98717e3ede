"""Names and limits that the program and the runtime share. Standard library only.

Tables, as ``design`` of the stored data:

    state           actorId | state (binary JSON), version, schema, shape, updatedAt (ms)
    connections     connectionId | connectedAt (ms), lastSequence, actorId, streamId, principal, credential, streams,
                    exp (s), ttl (s)
                    index ``actorId-index``: actorId, streamId (all attributes)
    subscriptions   actorId, streamId | connectionId, connectedAt, target, filter, delivery, principal, exp (s),
                    base, since, phase, pending, sent, opener, shape, askedAt (ms), ttl (s)
                    (detached: actorId is ``detached#<streamId>[#<whose>]``, ``actor`` the actor's own id)
                    (``audience#<actorId>``, ``audience`` | mark, ttl: another mark, another audience)
    journal         actorId, entry | ``v#<version, 20 digits>``: state, version, schema, first, ttl
                                     ``c#<callID>``: digest, result, version, ttl
                                     ``h#``: version (up to which they count as used)
    access          id | ttl (s): revocations and used tickets; with ``auth`` in trebuche.yaml only
"""

from typing import Final

# Environment of the functions.
ENV_STATE_TABLE: Final = "STATE_TABLE"
ENV_CONNECTION_TABLE: Final = "CONNECTION_TABLE"
ENV_WEBSOCKET_ENDPOINT: Final = "WEBSOCKET_ENDPOINT"
ENV_NAMESPACE: Final = "NAMESPACE"
"""Name of the Cloud Map namespace in which the websocket function finds the actor types' functions."""
ENV_SUBSCRIPTION_TABLE: Final = "TREBUCHE_SUBSCRIPTION_TABLE"
ENV_JOURNAL_TABLE: Final = "TREBUCHE_JOURNAL_TABLE"
ENV_STAGE: Final = "TREBUCHE_STAGE"
"""Name of the stage; a function without it writes no metrics."""
ENV_ACTOR: Final = "TREBUCHE_ACTOR"
"""Of an actor type's function: the class that it runs, such as ``actors.todo_list:TodoList``."""
ENV_STATEFUL: Final = "TREBUCHE_STATEFUL"
"""``true`` or ``false``, from ``actors.<Name>.stateful``."""
ENV_WINDOW_MS: Final = "TREBUCHE_WINDOW_MS"
"""Milliseconds per value for subscribers of an actor type with ``delivery: latest``; 0 when they get every one."""
ENV_RETENTION_HOURS: Final = "TREBUCHE_RETENTION_HOURS"
"""How long the journal, call records and detached subscriptions are kept; without it a day."""
ENV_CATCH_UP_QUEUES: Final = "TREBUCHE_CATCH_UP_QUEUES"
"""JSON object: exposed name to the URL of the queue whose messages remind its function of late subscribers."""

ENV_AUTH: Final = "TREBUCHE_AUTH"
"""JSON object: the ways in, for the authorizer."""
ENV_AUTH_SECRET: Final = "TREBUCHE_AUTH_SECRET"
"""ARN of the secret with the digests of API keys and the key of tickets."""
ENV_ACCESS_TABLE: Final = "TREBUCHE_ACCESS_TABLE"
ENV_ACCESS_RULES: Final = "TREBUCHE_ACCESS_RULES"
"""JSON list: who may do what. A function that has it serves nobody whom no authorizer let in."""

ENV_DEPARTURE_QUEUE: Final = "TREBUCHE_DEPARTURE_QUEUE"
"""URL of the queue whose messages look at connections that may have to go."""
ENV_IDLE_SECONDS: Final = "TREBUCHE_IDLE_SECONDS"
"""How long connections may be silent; without it as long as API Gateway lets them."""
ENV_LIMITS: Final = "TREBUCHE_LIMITS"
"""JSON object: how much one caller may ask for; without it as much as API Gateway lets in."""

# Attributes.
ACTOR_ID: Final = "actorId"
STREAM_ID: Final = "streamId"
CONNECTION_ID: Final = "connectionId"
ENTRY: Final = "entry"
STATE: Final = "state"
VERSION: Final = "version"
SCHEMA: Final = "schema"
SHAPE: Final = "shape"
UPDATED_AT: Final = "updatedAt"
CONNECTED_AT: Final = "connectedAt"
EXP: Final = "exp"
"""When a connection's right to be there ends, in seconds; not when the item may be deleted."""
ACCESS_ID: Final = "id"
LAST_SEQUENCE: Final = "lastSequence"
TTL: Final = "ttl"

ACTOR_INDEX: Final = "actorId-index"
STREAM_VIEW: Final = "NEW_AND_OLD_IMAGES"

# Discovery: an HTTP namespace (its name in NAMESPACE) with one service, and in it one instance per exposed name.
DISCOVERY_SERVICE: Final = "trebuche-actors"
DISCOVERY_ENDPOINT: Final = "ENDPOINT"
"""Attribute of an instance: ARN of the alias of the actor type's function."""
DISCOVERY_REGION: Final = "REGION"
DISCOVERY_PROVIDER: Final = "PROVIDER"
DISCOVERY_SCHEME: Final = "SCHEME"

# Metrics, written as log lines in CloudWatch's Embedded Metric Format.
METRIC_NAMESPACE: Final = "Trebuche"
DIMENSION_STAGE: Final = "Stage"
DIMENSION_FUNCTION: Final = "Function"
"""The function's name."""
DIMENSION_ACTOR_TYPE: Final = "ActorType"
"""The exposed name."""
METRIC_TURNS: Final = "Turns"
"""Calls that changed their actor (Count; Stage, Function)."""
METRIC_CONFLICTS: Final = "Conflicts"
"""Writes that lost to another call's and were tried again (Count; Stage, Function)."""
METRIC_DELIVERY_LAG: Final = "DeliveryLag"
"""From a state's ``updatedAt`` until a frame is posted (Milliseconds; Stage, Function and Stage, ActorType)."""
METRIC_BAD_FRAMES: Final = "BadFrames"
"""Frames that are no envelope, or one that only servers send (Count; Stage, Function)."""
METRIC_PUSH_LATENCY: Final = "PushLatency"
"""Of one post that reached its connection (Milliseconds; Stage, Function)."""
METRIC_PUSH_GONE: Final = "PushGone"
"""Posts that found no open connection (Count; Stage, Function)."""
METRIC_PUSH_THROTTLED: Final = "PushThrottled"
"""Posts that API Gateway put off (Count; Stage, Function)."""

REHEARSAL: Final = "rehearsal"
"""Member of an event that asks an actor's function what it would make of states and calls; see ``rehearsal``."""

# Limits.
MESSAGE_LIMIT_BYTES: Final = 131_072
"""One WebSocket message, either way (API Gateway quota, not adjustable)."""
ITEM_LIMIT_BYTES: Final = 409_600
"""One item of a table, names of its attributes included (DynamoDB quota, not adjustable)."""
INTEGRATION_TIMEOUT_SECONDS: Final = 29
"""API Gateway waits this long for a function (quota, not adjustable for WebSocket APIs)."""
CONNECTION_LIFE_SECONDS: Final = 7_200
"""API Gateway ends a connection after this time (quota, not adjustable)."""
CONNECTION_TTL_SECONDS: Final = 86_400
"""Longer than that, for rows whose ``$disconnect`` never came."""
DEFAULT_RETENTION_HOURS: Final = 24
"""Of the journal, of call records and of detached subscriptions, where trebuche.yaml says nothing else."""
RETENTION_HOURS_LIMIT: Final = 168

# Deployed entry points: module.function below lambda_src/.
WEBSOCKET_HANDLER: Final = "websocket_handler.handle"
ACTOR_HANDLER: Final = "actor_handler.handle"
STREAM_HANDLER: Final = "stream_processor.handle"
AUTHORIZER_HANDLER: Final = "authorizer_handler.handle"
