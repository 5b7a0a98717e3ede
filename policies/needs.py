"""All that the functions do, as far as permissions are concerned."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from policies.model import FUNCTION, LOG_GROUP, MAPPING, QUEUE, SECRET, UNKNOWN, Node, Stack
from policies.program import TABLE_ACTIONS, is_guarded, queue_mappings, source, table, variable
from policies.stages import stages_of
from trebuche.contract import (
    ACTOR_HANDLER,
    AUTHORIZER_HANDLER,
    ENV_ACCESS_RULES,
    ENV_ACCESS_TABLE,
    ENV_AUTH_SECRET,
    ENV_CATCH_UP_QUEUES,
    ENV_CONNECTION_TABLE,
    ENV_DEPARTURE_QUEUE,
    ENV_IDLE_SECONDS,
    ENV_JOURNAL_TABLE,
    ENV_STATE_TABLE,
    ENV_SUBSCRIPTION_TABLE,
    ENV_WEBSOCKET_ENDPOINT,
    STREAM_HANDLER,
    WEBSOCKET_HANDLER,
)

STREAM_ACTIONS: Final = ("DescribeStream", "GetRecords", "GetShardIterator", "ListStreams")
QUEUE_ACTIONS: Final = ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")
FAILURES: Final = ("destinationConfig", QUEUE, "onFailure", "destinationArn")
_CONNECTION_TABLES: Final = (ENV_CONNECTION_TABLE, ENV_SUBSCRIPTION_TABLE)
_STATE_TABLES: Final = (ENV_STATE_TABLE, ENV_JOURNAL_TABLE)


@dataclass(frozen=True, slots=True)
class Need:
    """Something that a function does.

    Args:
        function: Whose role is meant.
        action: Such as ``dynamodb:GetItem``.
        on: The resource, where it is in the stack: before a deployment, a document is at least made from it.
        resource: Its ARN; empty when it is not known.
        method: Of an action that stands for several.
    """

    function: Node
    action: str
    on: Node | None
    resource: str
    method: str = ""

    @property
    def place(self) -> str:
        """The resource, for people."""
        return self.on.label if self.on else self.resource

    @property
    def said(self) -> str:
        """The action, for people."""
        return f"{self.action} ({self.method})" if self.method else self.action


Needs = Callable[[Stack], Iterator[Need]]


def _tables(stack: Stack, names: tuple[str, ...]) -> Iterator[Need]:
    for function in stack.all(FUNCTION):
        for name, actions in TABLE_ACTIONS.get(function.text("handler"), {}).items():
            found = table(stack, variable(function, name)) if name in names else None
            if found is not None:
                yield from (Need(function, f"dynamodb:{action}", found, found.text("arn")) for action in actions)


def connections(stack: Stack) -> Iterator[Need]:
    """Rows of connections and subscriptions."""
    yield from _tables(stack, _CONNECTION_TABLES)


def states(stack: Stack) -> Iterator[Need]:
    """States and journal."""
    yield from _tables(stack, _STATE_TABLES)


def access(stack: Stack) -> Iterator[Need]:
    """Revocations, used tickets, and the secret with which credentials are checked."""
    yield from _tables(stack, (ENV_ACCESS_TABLE,))
    for function in stack.all(FUNCTION):
        named = function.get("environment", "variables", ENV_AUTH_SECRET)
        arn = named if isinstance(named, str) else ""
        for secret in stack.all(SECRET) if named and function.text("handler") == AUTHORIZER_HANDLER else ():
            yield Need(function, "secretsmanager:GetSecretValue", secret, arn or secret.text("arn"))


def posts(stack: Stack) -> Iterator[Need]:
    """Posts to connections; deletes of those whose right has ended, questions about those that are silent."""
    for function in stack.all(FUNCTION):
        given = function.get("environment", "variables")
        if not function.get("environment", "variables", ENV_WEBSOCKET_ENDPOINT):
            continue
        methods = ["POST"]
        methods += ["DELETE"] if _closes(stack, function) else []
        methods += ["GET"] if isinstance(given, dict) and given.get(ENV_IDLE_SECONDS) else []
        for api, stage in stages_of(stack, function):
            for method in methods:
                arn = api.text("executionArn")
                resource = f"{arn}/{stage.text('name')}/{method}/@connections/abc=" if arn else ""
                yield Need(function, "execute-api:ManageConnections", api, resource, method)


def _closes(stack: Stack, function: Node) -> bool:
    """Whether a function takes connections down: by a right that has ended, or by silence."""
    variables = function.get("environment", "variables")
    told = isinstance(variables, dict) and bool(variables.get(ENV_ACCESS_RULES) or variables.get(ENV_DEPARTURE_QUEUE))
    return told or (
        is_guarded(stack) and function.text("handler") in (STREAM_HANDLER, ACTOR_HANDLER, WEBSOCKET_HANDLER)
    )


def streams(stack: Stack) -> Iterator[Need]:
    """Records of the state table's stream, which Lambda reads in the function's name."""
    for mapping in stack.all(MAPPING):
        function = stack.function(stack.function_ref(mapping, "functionName"))
        found = source(stack, mapping)
        if function is not None and found is not None:
            for action in STREAM_ACTIONS:
                # On whichever stream the table has: the mapping's own ARN changes when it is switched off and on.
                arn = found.text("streamArn") or mapping.text("eventSourceArn")
                yield Need(function, f"dynamodb:{action}", found, arn)


def failures(stack: Stack) -> Iterator[Need]:
    """What is given up, which Lambda sends in the function's name."""
    for mapping in stack.all(MAPPING):
        function = stack.function(stack.function_ref(mapping, "functionName"))
        for queue in stack.linked(mapping, *FAILURES):
            if function is not None:
                yield Need(function, "sqs:SendMessage", queue, queue.text("arn"))


def queues(stack: Stack) -> Iterator[Need]:
    """Messages, which Lambda takes in the function's name."""
    for mapping, queue in queue_mappings(stack):
        function = stack.function(stack.function_ref(mapping, "functionName"))
        if function is not None:
            yield from (Need(function, f"sqs:{action}", queue, queue.text("arn")) for action in QUEUE_ACTIONS)


def reminders(stack: Stack) -> Iterator[Need]:
    """Reminders of late subscribers, and of connections whose time will be over."""
    for function in stack.all(FUNCTION):
        for name in (ENV_CATCH_UP_QUEUES, ENV_DEPARTURE_QUEUE):
            for queue in told_queues(stack, function, name):
                yield Need(function, "sqs:SendMessage", queue, queue.text("arn"))


def told_queues(stack: Stack, function: Node, name: str) -> list[Node]:
    """The queues of this stack that a variable of a function names; before a deployment, all that it may name."""
    given = function.get("environment", "variables", name)
    if given is UNKNOWN:
        return stack.made_from(function, "environment", QUEUE)
    return [one for one in stack.all(QUEUE) if _holds(given, one.text("url"))]


def _holds(text: Any, url: str) -> bool:
    """Whether a text is a URL, or a JSON document that has it as a value."""
    return bool(url) and isinstance(text, str) and (text == url or json.dumps(url) in text)


def logs(stack: Stack) -> Iterator[Need]:
    """Lines of the functions' logs."""
    for function in stack.all(FUNCTION):
        name = function.text("loggingConfig", "logGroup") or f"/aws/lambda/{function.text('name')}"
        for group in (one for one in stack.all(LOG_GROUP) if one.text("name") == name):
            arn = group.text("arn").removesuffix(":*")
            for action in ("logs:CreateLogStream", "logs:PutLogEvents"):
                # The ARN of a group has no stream in it; what is written to comes after a colon.
                stream = f"{arn}:log-stream:2026/11/23/[1]abc" if arn else ""
                yield Need(function, action, group, stream)


def traces(stack: Stack) -> Iterator[Need]:
    """Traces, of functions that make them."""
    for function in stack.all(FUNCTION):
        if function.get("tracingConfig", "mode") == "Active":
            for action in ("xray:PutTraceSegments", "xray:PutTelemetryRecords"):
                # X-Ray's actions know no resources (service authorization reference).
                yield Need(function, action, None, "*")


def keys(stack: Stack) -> Iterator[Need]:
    """Keys of one's own: of tables, queues and variables."""
    for function in stack.all(FUNCTION):
        wanted = {(function.text("kmsKeyArn"), "kms:Decrypt")}
        for name in TABLE_ACTIONS.get(function.text("handler"), {}):
            if (used := table(stack, variable(function, name))) is not None:
                wanted.add((used.text("serverSideEncryption", "kmsKeyArn"), "kms:Decrypt"))
        for need in access(stack):
            if need.function is function and need.on is not None:
                wanted.add((need.on.text("kmsKeyId"), "kms:Decrypt"))
        for need in (one for kind in (reminders, failures) for one in kind(stack) if one.function is function):
            assert need.on is not None
            # Whoever sends to an encrypted queue makes the message's key (SQS developer guide, key management).
            wanted |= {(need.on.text("kmsMasterKeyId"), action) for action in ("kms:Decrypt", "kms:GenerateDataKey")}
        yield from (Need(function, action, None, key) for key, action in sorted(wanted) if key)


def actors(stack: Stack) -> Iterator[Need]:
    """The actors' functions, which the websocket function finds and calls."""
    found = [one for one in stack.all(FUNCTION) if one.text("handler") == ACTOR_HANDLER]
    for function in (one for one in stack.all(FUNCTION) if one.text("handler") == WEBSOCKET_HANDLER):
        yield Need(function, "servicediscovery:DiscoverInstances", None, "*")
        for actor in found:
            arn = actor.text("arn")
            # The arn of a function is known after the deployment, and so is what may be called: its alias.
            for alias in stack.aliases(actor):
                target = alias.text("arn") or (f"{arn}:{alias.text('name')}" if arn else "")
                yield Need(function, "lambda:InvokeFunction", alias, target)


NEEDS: Final[tuple[Needs, ...]] = (
    connections,
    states,
    access,
    posts,
    streams,
    failures,
    queues,
    reminders,
    logs,
    traces,
    actors,
)
