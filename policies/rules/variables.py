"""Rules about what functions are told by their environment: all that they need, what the stack is, and nothing else."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from infra.naming import FUNCTION_LIMIT, actor_role
from policies.model import FUNCTION, NAMESPACE, QUEUE, ROUTE, SECRET, UNKNOWN, Node, Problem, Rule, Stack, is_named
from policies.program import (
    TABLE_VARIABLES,
    document,
    has_sockets,
    own_functions,
    queue_mappings,
    queues_of,
    table,
    variable,
    variables,
)
from policies.rules.routes import called_by
from policies.sources import LAMBDA_GUIDE, PERSISTING, page
from trebuche.contract import (
    ACTOR_HANDLER,
    ENV_ACCESS_RULES,
    ENV_ACTOR,
    ENV_AUTH,
    ENV_AUTH_SECRET,
    ENV_CATCH_UP_QUEUES,
    ENV_DEPARTURE_QUEUE,
    ENV_IDLE_SECONDS,
    ENV_LIMITS,
    ENV_NAMESPACE,
    ENV_RETENTION_HOURS,
    ENV_STAGE,
    ENV_STATEFUL,
    ENV_WINDOW_MS,
    RETENTION_HOURS_LIMIT,
    STREAM_HANDLER,
    WEBSOCKET_HANDLER,
)

_DIVERTING: Final = "AWS_ENDPOINT_URL"
"""With or without a service behind it, the SDK takes it for AWS."""
_PROXIES: Final = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
_ELSEWHERE: Final = ("AWS_PROFILE", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_ROLE_ARN", "AWS_CA_BUNDLE")
"""With these the SDK calls as somebody else, or trusts other certificates."""
_HIJACKING: Final = ("LD_LIBRARY_PATH", "LD_PRELOAD", "PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP")
"""Lambda sets some of them itself; other values change which modules and libraries are loaded."""
_WRAPPER: Final = "AWS_LAMBDA_EXEC_WRAPPER"
_RESERVED: Final = re.compile(
    r"AWS_(REGION|DEFAULT_REGION|ACCESS_KEY|ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN|EXECUTION_ENV|LAMBDA_(?!EXEC).*)"
    r"|_HANDLER|_X_AMZN_TRACE_ID|LAMBDA_TASK_ROOT|LAMBDA_RUNTIME_DIR"
)
_LIMIT_BYTES: Final = 4_096
_SHARED: Final = (ENV_NAMESPACE, ENV_STAGE, ENV_RETENTION_HOURS, ENV_ACCESS_RULES, ENV_LIMITS)
"""What every function is told alike."""


def _environment(stack: Stack) -> Iterator[Problem]:
    for function in stack.all(FUNCTION):
        given = function.get("environment", "variables")
        if given is UNKNOWN:
            continue
        for name in variables(stack, function):
            if not (given or {}).get(name):
                yield Problem(function, f"environment variable {name} is not set", f"set {name} to what the stack has")
        yield from _diverted(function, given or {})


def _diverted(function: Node, given: Mapping[str, object]) -> Iterator[Problem]:
    for name, value in sorted(given.items()):
        if value and (name.startswith(_DIVERTING) or name in _PROXIES):
            what = f"{name} leads its calls to {value} instead of AWS"
            yield Problem(function, what, f"remove {name}: it belongs to a shell, not to a function")
        elif value and name in _ELSEWHERE:
            what = f"{name} is {value}: it calls AWS as somebody else than its role, or trusts others"
            yield Problem(function, what, f"remove {name}: Lambda gives a function the credentials of its role")
        elif _RESERVED.fullmatch(name):
            yield Problem(function, f"{name} is Lambda's own: AWS refuses the function", f"remove {name}")
    for name in _HIJACKING:
        if given.get(name):
            what = f"{name} is {given[name]}: it loads other modules and libraries than those of its archive"
            yield Problem(function, what, f"remove {name}; what the function needs is in its archive")
    if given.get(_WRAPPER) and not function.get("layers"):
        what = f"{_WRAPPER} names {given[_WRAPPER]}, and no layer brings it: the function does not start"
        yield Problem(function, what, f"remove {_WRAPPER}, or add its layer")
    if (size := sum(len(f"{name}{value}".encode()) for name, value in given.items())) > _LIMIT_BYTES:
        yield Problem(function, f"its environment takes {size} bytes: Lambda takes {_LIMIT_BYTES}", "shorten it")


def _table_variables(stack: Stack) -> Iterator[Problem]:
    for name in TABLE_VARIABLES:
        usual = _usual(stack, name)
        for function in own_functions(stack):
            value = variable(function, name)
            if value and table(stack, value) is None:
                what = f"{name} is {value!r}, and this stack has no such table"
                yield Problem(function, what, f"set it to {usual if table(stack, usual) else 'a table of this stack'}")
            elif value and value != usual:
                what = f"{name} is {value!r}, and other functions of this stack say {usual!r}"
                yield Problem(function, what, "let all of them name one table")


def _usual(stack: Stack, name: str) -> str:
    """What most functions are told is taken for what is meant."""
    meant = [variable(function, name) for function in own_functions(stack)]
    return max(sorted(set(meant) - {""}), key=meant.count, default="")


def _values(stack: Stack) -> Iterator[Problem]:
    for function in own_functions(stack):
        for name, is_right in _FORMS.items():
            value = variable(function, name)
            if value and not is_right(function, name):
                yield Problem(function, f"{name} is {value!r}, which the function cannot read", f"deploy {name} anew")
        for name in _SHARED:
            value, usual = variable(function, name), _usual(stack, name)
            if value and value != usual:
                what = f"{name} is {value!r}, and other functions of this stack say {usual!r}"
                yield Problem(function, what, "tell all of them the same")
        yield from _namespace(stack, function)
        yield from _secret(stack, function)


def _namespace(stack: Stack, function: Node) -> Iterator[Problem]:
    names, value = [one.get("name") for one in stack.all(NAMESPACE)], variable(function, ENV_NAMESPACE)
    # Where only some are told so, it has been said already.
    if value == _usual(stack, ENV_NAMESPACE) and names and value not in names and UNKNOWN not in names:
        what = f"{ENV_NAMESPACE} is {value!r}, and actors are registered in {names[0]!r}: none is found"
        yield Problem(function, what, f"set it to {names[0]}")


def _secret(stack: Stack, function: Node) -> Iterator[Problem]:
    value = variable(function, ENV_AUTH_SECRET)
    if value and not any(is_named(one, value) for one in stack.all(SECRET)):
        what = f"{ENV_AUTH_SECRET} is {value}, which is no secret of this stack: nobody's credentials are right"
        yield Problem(function, what, "set it to the arn of the stack's secret")


def _whole(low: int, high: int) -> Callable[[Node, str], bool]:
    return lambda function, name: (text := variable(function, name)).isdigit() and low <= int(text) <= high


def _json(kind: type) -> Callable[[Node, str], bool]:
    return lambda function, name: isinstance(document(function, name), kind)


def _has_ways_in(function: Node, name: str) -> bool:
    auth = document(function, name)
    return (
        isinstance(auth, dict)
        and bool(auth.get("places"))
        and any(auth.get(way) for way in ("apiKeys", "jwt", "tickets"))
    )


_FORMS: Final[Mapping[str, Callable[[Node, str], bool]]] = {
    ENV_ACTOR: lambda function, name: re.fullmatch(r"[\w.]+:\w+", variable(function, name)) is not None,
    ENV_STATEFUL: lambda function, name: variable(function, name) in ("true", "false"),
    ENV_WINDOW_MS: _whole(0, 60_000),
    ENV_RETENTION_HOURS: _whole(1, RETENTION_HOURS_LIMIT),
    ENV_IDLE_SECONDS: _whole(10, 600),
    ENV_CATCH_UP_QUEUES: _json(dict),
    ENV_ACCESS_RULES: _json(list),
    ENV_LIMITS: _json(dict),
    ENV_AUTH: _has_ways_in,
}
"""Name of a variable to whether a function can make something of its value."""


def _actor_variables(stack: Stack) -> Iterator[Problem]:
    for function in (one for one in stack.all(FUNCTION) if one.text("handler") == ACTOR_HANDLER):
        actor, name = variable(function, ENV_ACTOR).partition(":")[2], function.text("name")
        # Longer names are cut, and end with a digest.
        if actor and len(name) < FUNCTION_LIMIT and not name.endswith(f"-{actor_role(actor)}"):
            what = f"{ENV_ACTOR} is {variable(function, ENV_ACTOR)}, and the function is another actor's"
            yield Problem(function, what, "set it to the class that the function is named after")
        if variable(function, ENV_STATEFUL) == "false" and queues_of(stack, function):
            what = f"{ENV_STATEFUL} is false, and a queue of late subscribers leads to it: its state would not be kept"
            yield Problem(function, what, "set it to true")


def _queue_variables(stack: Stack) -> Iterator[Problem]:
    for function in own_functions(stack):
        told = document(function, ENV_CATCH_UP_QUEUES)
        for name, url in sorted(told.items()) if isinstance(told, dict) else ():
            yield from _reminded(stack, function, str(name), str(url))
        if isinstance(told, dict) and function.text("handler") == STREAM_HANDLER:
            for queue in _worked(stack, ACTOR_HANDLER):
                if not any(is_named(queue, str(url)) for url in told.values()):
                    what = f"{ENV_CATCH_UP_QUEUES} lacks {queue.text('name')}: late subscribers of its actors stay late"
                    yield Problem(function, what, "name the queue of each actor type")
        url = variable(function, ENV_DEPARTURE_QUEUE)
        if url and not any(is_named(one, url) for one in _worked(stack, WEBSOCKET_HANDLER)):
            what = f"{ENV_DEPARTURE_QUEUE} is {url}, whose messages do not come to the websocket function"
            yield Problem(function, what, "set it to the url of the queue that leads there")


def _worked(stack: Stack, handler: str) -> list[Node]:
    """The queues whose messages go to functions with a handler."""
    found = (
        (stack.function(stack.function_ref(mapping, "functionName")), queue) for mapping, queue in queue_mappings(stack)
    )
    return [queue for function, queue in found if function is not None and function.text("handler") == handler]


def _reminded(stack: Stack, function: Node, name: str, url: str) -> Iterator[Problem]:
    """One entry of ``CATCH_UP_QUEUES``: a queue that leads to the function that answers for the name."""
    mend, told = f"set {ENV_CATCH_UP_QUEUES} to the url of each actor type's queue", f"{ENV_CATCH_UP_QUEUES} says {url}"
    queue = next((one for one in stack.all(QUEUE) if is_named(one, url)), None)
    if queue is None:
        yield Problem(function, f"{told} for {name}, which is no queue of this stack: late subscribers stay late", mend)
        return
    workers = [one for one in stack.all(FUNCTION) if queue in queues_of(stack, one)]
    answering = [stack.function(called_by(stack, one)) for one in stack.all(ROUTE) if one.get("routeKey") == name]
    if not workers and has_sockets(stack):
        yield Problem(
            function, f"{told} for {name}, and no mapping takes messages from it", "add an EventSourceMapping"
        )
    elif answering and answering[0] is not None and answering[0] not in workers:
        yield Problem(function, f"{told} for {name}, whose worker is {workers[0].text('name')}: another actor's", mend)


def _check_all(stack: Stack) -> Iterator[Problem]:
    for check in (_values, _actor_variables, _queue_variables):
        yield from check(stack)


RULES: Final = (
    Rule(
        id="environment",
        title="Each function is told its tables, endpoint and namespace, and nothing that leads it astray",
        sources=(page(PERSISTING, 2), f"{LAMBDA_GUIDE}: environment variables"),
        check=_environment,
    ),
    Rule(
        id="table-variables",
        title="CONNECTION_TABLE and the other variables name tables of this stack",
        sources=(page(PERSISTING, 2),),
        check=_table_variables,
    ),
    Rule(
        id="variable-values",
        title="What functions are told is what the stack is",
        sources=(page(PERSISTING, 2), "docs/architecture.md: D9, D10, D14"),
        check=_check_all,
    ),
)
