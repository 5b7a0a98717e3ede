"""What this project's functions are: told from the resources alone, by handler and environment variables."""

import json
from collections.abc import Iterable
from typing import Any, Final

from policies.model import (
    API,
    AUTHORIZER,
    FUNCTION,
    INTEGRATION,
    MAPPING,
    QUEUE,
    TABLE,
    UNKNOWN,
    FunctionRef,
    Node,
    Stack,
)
from trebuche.contract import (
    ACTOR_HANDLER,
    AUTHORIZER_HANDLER,
    ENV_ACCESS_RULES,
    ENV_ACCESS_TABLE,
    ENV_ACTOR,
    ENV_AUTH,
    ENV_AUTH_SECRET,
    ENV_CATCH_UP_QUEUES,
    ENV_CONNECTION_TABLE,
    ENV_DEPARTURE_QUEUE,
    ENV_IDLE_SECONDS,
    ENV_JOURNAL_TABLE,
    ENV_NAMESPACE,
    ENV_RETENTION_HOURS,
    ENV_STAGE,
    ENV_STATE_TABLE,
    ENV_STATEFUL,
    ENV_SUBSCRIPTION_TABLE,
    ENV_WEBSOCKET_ENDPOINT,
    ENV_WINDOW_MS,
    STREAM_HANDLER,
    WEBSOCKET_HANDLER,
)

LATEST: Final = "$LATEST"
TABLE_VARIABLES: Final = (
    ENV_STATE_TABLE,
    ENV_CONNECTION_TABLE,
    ENV_SUBSCRIPTION_TABLE,
    ENV_JOURNAL_TABLE,
    ENV_ACCESS_TABLE,
)
HANDLERS: Final = (WEBSOCKET_HANDLER, ACTOR_HANDLER, STREAM_HANDLER, AUTHORIZER_HANDLER)
_CALLERS: Final = ((INTEGRATION, "integrationUri"), (AUTHORIZER, "authorizerUri"), (MAPPING, "functionName"))
_REALTIME: Final = (ENV_CONNECTION_TABLE, ENV_SUBSCRIPTION_TABLE, ENV_WEBSOCKET_ENDPOINT)
_COMMON: Final = (ENV_STATE_TABLE, ENV_NAMESPACE, ENV_STAGE, ENV_RETENTION_HOURS)
_ACTOR: Final = (*_COMMON, ENV_JOURNAL_TABLE, ENV_ACTOR, ENV_STATEFUL, ENV_WINDOW_MS)

TABLE_ACTIONS: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    WEBSOCKET_HANDLER: {
        ENV_CONNECTION_TABLE: ("GetItem", "PutItem", "UpdateItem", "DeleteItem"),
        ENV_SUBSCRIPTION_TABLE: ("GetItem", "PutItem", "DeleteItem"),
        ENV_ACCESS_TABLE: ("BatchGetItem",),
    },
    ACTOR_HANDLER: {
        ENV_STATE_TABLE: ("GetItem", "PutItem"),
        ENV_JOURNAL_TABLE: ("GetItem", "PutItem", "Query"),
        ENV_CONNECTION_TABLE: ("GetItem", "UpdateItem"),
        ENV_SUBSCRIPTION_TABLE: ("GetItem", "PutItem", "UpdateItem", "DeleteItem"),
    },
    STREAM_HANDLER: {
        ENV_CONNECTION_TABLE: ("UpdateItem", "DeleteItem"),
        ENV_SUBSCRIPTION_TABLE: ("GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query"),
    },
    AUTHORIZER_HANDLER: {ENV_ACCESS_TABLE: ("BatchGetItem", "PutItem")},
}
"""Handler to what it does with the table that a variable names; ``tests/infra`` holds it against the grants."""


def variables(stack: Stack, function: Node) -> tuple[str, ...]:
    """The variables that a function cannot do without; none of a function that is not this project's."""
    realtime = _REALTIME if has_sockets(stack) else ()
    match function.text("handler"):
        case str(handler) if handler == ACTOR_HANDLER:
            return (*_ACTOR, *realtime, *_of_actor(stack, function))
        case str(handler) if handler == STREAM_HANDLER:
            late = (ENV_CATCH_UP_QUEUES,) if any(map(is_stateful, stack.all(FUNCTION))) else ()
            return (*_COMMON, *_REALTIME, ENV_JOURNAL_TABLE, *late)
        case str(handler) if handler == WEBSOCKET_HANDLER:
            return (*_COMMON, *_REALTIME, *_of_websocket(stack, function))
        case str(handler) if handler == AUTHORIZER_HANDLER:
            kinds = document(function, ENV_AUTH)
            secret = isinstance(kinds, dict) and bool(kinds.get("apiKeys") or kinds.get("tickets"))
            return (ENV_AUTH, ENV_ACCESS_TABLE, *([ENV_AUTH_SECRET] if secret else ()))
    return ()


def _of_actor(stack: Stack, function: Node) -> Iterable[str]:
    if has_sockets(stack) and is_stateful(function):
        yield ENV_CATCH_UP_QUEUES
    if is_guarded(stack):
        yield ENV_ACCESS_RULES


def _of_websocket(stack: Stack, function: Node) -> Iterable[str]:
    if is_guarded(stack):
        yield from (ENV_ACCESS_TABLE, ENV_DEPARTURE_QUEUE)
    elif queues_of(stack, function):
        # Without credentials nobody has to leave but those who are silent.
        yield from (ENV_DEPARTURE_QUEUE, ENV_IDLE_SECONDS)


def has_sockets(stack: Stack) -> bool:
    """Whether the stack has an API that clients connect to."""
    return any(api.get("protocolType") == "WEBSOCKET" for api in stack.all(API))


def is_guarded(stack: Stack) -> bool:
    """Whether an authorizer of ours decides who may come in."""
    return any(one.text("handler") == AUTHORIZER_HANDLER for one in stack.all(FUNCTION))


def is_stateful(function: Node) -> bool:
    """Whether a function runs actors that keep state between calls, and can be observed."""
    return function.text("handler") == ACTOR_HANDLER and variable(function, ENV_STATEFUL) == "true"


def variable(function: Node, name: str) -> str:
    """The value of an environment variable; empty when there is none, or it is not known."""
    return function.text("environment", "variables", name)


def document(function: Node, name: str) -> Any:
    """The JSON document of an environment variable; None when there is none, or it is not known."""
    try:
        return json.loads(variable(function, name) or "null")
    except ValueError:
        return None


def own_functions(stack: Stack) -> list[Node]:
    """The functions that work on this project's tables or sockets."""
    names = (*TABLE_VARIABLES, ENV_WEBSOCKET_ENDPOINT)
    return [
        one
        for one in stack.all(FUNCTION)
        if one.text("handler") in HANDLERS or any(one.get("environment", "variables", name) for name in names)
    ]


def astray(stack: Stack, ref: FunctionRef) -> str:
    """Why a reference leads to none of this stack's aliases, as the end of a sentence; empty when it does."""
    function = stack.function(ref)
    if function is None:
        return f"{ref}, which is not in this stack"
    if ref.qualifier in ("", LATEST):
        return f"{ref.name} without its alias: unpublished code"
    if ref.qualifier not in {alias.text("name") for alias in stack.aliases(function)}:
        return f"{ref}, which is no alias of it: it stays there whatever is deployed"
    return ""


def table(stack: Stack, name: str) -> Node | None:
    """The table of a name or an ARN."""
    wanted = name.rsplit("/", 1)[-1]
    return next((one for one in stack.all(TABLE) if wanted and one.get("name") == wanted), None)


def tables(stack: Stack, *names: str) -> list[Node]:
    """The tables that any function's variables of these names mean."""
    values = {variable(function, name) for function in stack.all(FUNCTION) for name in names}
    found = [table(stack, value) for value in sorted(values)]
    return [one for one in found if one is not None]


def state_mappings(stack: Stack) -> list[Node]:
    """The mappings that follow the state table's stream, or lead to the stream processor."""
    states = tables(stack, ENV_STATE_TABLE)
    return [one for one in stack.all(MAPPING) if _concerns(stack, one, states)]


def _concerns(stack: Stack, mapping: Node, states: Iterable[Node]) -> bool:
    function = stack.function(stack.function_ref(mapping, "functionName"))
    if function is not None and function.text("handler") == STREAM_HANDLER:
        return True
    return any(source(stack, mapping) is state for state in states)


def source(stack: Stack, mapping: Node) -> Node | None:
    """The table whose stream a mapping follows."""
    arn = mapping.get("eventSourceArn")
    if isinstance(arn, str) and ":table/" in arn:
        return table(stack, arn.split(":table/", 1)[1].split("/", 1)[0])
    return next(iter(stack.made_from(mapping, "eventSourceArn", TABLE)), None) if arn is UNKNOWN else None


def queue_mappings(stack: Stack) -> list[tuple[Node, Node]]:
    """The mappings that take messages from queues of this stack, with these."""
    found = ((one, stack.linked(one, "eventSourceArn", QUEUE)) for one in stack.all(MAPPING))
    return [(mapping, queues[0]) for mapping, queues in found if queues]


def queues_of(stack: Stack, function: Node) -> list[Node]:
    """The queues whose messages a function gets."""
    return [
        queue
        for mapping, queue in queue_mappings(stack)
        if stack.function(stack.function_ref(mapping, "functionName")) is function
    ]


def called(stack: Stack) -> set[FunctionRef]:
    """What API Gateway, streams and queues call."""
    found = [stack.function_ref(one, prop) for type_, prop in _CALLERS for one in stack.all(type_)]
    return {ref for ref in found if ref is not None}
