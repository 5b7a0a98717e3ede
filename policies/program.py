"""What this project's functions are: told from the resources alone, by handler and environment variables."""

from collections.abc import Iterable
from typing import Final

from policies.model import API, FUNCTION, MAPPING, TABLE, UNKNOWN, Node, Stack
from trebuche.contract import (
    ACTOR_HANDLER,
    ENV_ACTOR,
    ENV_CONNECTION_TABLE,
    ENV_JOURNAL_TABLE,
    ENV_NAMESPACE,
    ENV_STAGE,
    ENV_STATE_TABLE,
    ENV_STATEFUL,
    ENV_SUBSCRIPTION_TABLE,
    ENV_WEBSOCKET_ENDPOINT,
    STREAM_HANDLER,
    WEBSOCKET_HANDLER,
)

TABLE_VARIABLES: Final = (ENV_STATE_TABLE, ENV_CONNECTION_TABLE, ENV_SUBSCRIPTION_TABLE, ENV_JOURNAL_TABLE)
_REALTIME: Final = (ENV_CONNECTION_TABLE, ENV_SUBSCRIPTION_TABLE, ENV_WEBSOCKET_ENDPOINT)
_COMMON: Final = (ENV_STATE_TABLE, ENV_NAMESPACE, ENV_STAGE)
_ACTOR: Final = (*_COMMON, ENV_JOURNAL_TABLE, ENV_ACTOR, ENV_STATEFUL)

TABLE_ACTIONS: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    WEBSOCKET_HANDLER: {
        ENV_CONNECTION_TABLE: ("GetItem", "PutItem", "UpdateItem", "DeleteItem"),
        ENV_SUBSCRIPTION_TABLE: ("GetItem", "PutItem", "DeleteItem"),
    },
    ACTOR_HANDLER: {
        ENV_STATE_TABLE: ("GetItem", "PutItem"),
        ENV_JOURNAL_TABLE: ("GetItem", "PutItem", "Query"),
        ENV_CONNECTION_TABLE: ("GetItem", "UpdateItem"),
        ENV_SUBSCRIPTION_TABLE: ("GetItem", "PutItem", "UpdateItem", "DeleteItem"),
    },
    STREAM_HANDLER: {
        ENV_CONNECTION_TABLE: ("DeleteItem",),
        ENV_SUBSCRIPTION_TABLE: ("GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query"),
    },
}
"""Handler to what it does with the table that a variable names; ``tests/infra`` holds it against the grants."""


def variables(stack: Stack, function: Node) -> tuple[str, ...]:
    """The variables that a function cannot do without; none of a function that is not this project's."""
    realtime = _REALTIME if has_sockets(stack) else ()
    match function.text("handler"):
        case str(handler) if handler == ACTOR_HANDLER:
            return (*_ACTOR, *realtime)
        case str(handler) if handler == STREAM_HANDLER:
            return (*_COMMON, *_REALTIME, ENV_JOURNAL_TABLE)
        case str(handler) if handler == WEBSOCKET_HANDLER:
            return (*_COMMON, *_REALTIME)
    return ()


def has_sockets(stack: Stack) -> bool:
    """Whether the stack has an API that clients connect to."""
    return any(api.get("protocolType") == "WEBSOCKET" for api in stack.all(API))


def variable(function: Node, name: str) -> str:
    """The value of an environment variable; empty when there is none, or it is not known."""
    return function.text("environment", "variables", name)


def own_functions(stack: Stack) -> list[Node]:
    """The functions that work on this project's tables or sockets."""
    names = (*TABLE_VARIABLES, ENV_WEBSOCKET_ENDPOINT)
    return [one for one in stack.all(FUNCTION) if any(one.get("environment", "variables", name) for name in names)]


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
