"""Rules about functions: what they are told, how they are published, how long they run, where they log."""

import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from policies.model import (
    ALIAS,
    FUNCTION,
    INTEGRATION,
    LOG_GROUP,
    MAPPING,
    UNKNOWN,
    WARM,
    WARNING,
    FunctionRef,
    Node,
    Problem,
    Rule,
    Stack,
    each,
)
from policies.program import TABLE_VARIABLES, own_functions, state_mappings, table, variable, variables
from policies.sources import LAMBDA_GUIDE, LATENCY, PERSISTING, page
from policies.traps import Trap, sprung

ARCHIVE: Final = "code"
_LATEST: Final = "$LATEST"
_LONGEST_SECONDS: Final = 30
"""API Gateway waits 29 s; the 30 s of the page's own example are told by the program, at every deploy."""
_SHORTEST_SECONDS: Final = 4
"""AWS's default is 3 s, which a cold start can take."""
_DIVERTING: Final = "AWS_ENDPOINT_URL"
"""With or without a service behind it, the SDK takes it for AWS."""
_HIJACKING: Final = ("LD_LIBRARY_PATH", "LD_PRELOAD", "PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP")
"""Lambda sets some of them itself; other values change which modules and libraries are loaded."""
_WRAPPER: Final = "AWS_LAMBDA_EXEC_WRAPPER"
_RETIRED: Final = frozenset({"python3.6", "python3.7", "python3.8", "python3.9", "python3.10", "python3.11"})


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
    for name in sorted(given):
        if name.startswith(_DIVERTING) and given[name]:
            what = f"{name} leads its calls to {given[name]} instead of AWS"
            yield Problem(function, what, f"remove {name}: it belongs to a shell, not to a function")
    for name in _HIJACKING:
        if given.get(name):
            what = f"{name} is {given[name]}: it loads other modules and libraries than those of its archive"
            yield Problem(function, what, f"remove {name}; what the function needs is in its archive")
    if given.get(_WRAPPER) and not function.get("layers"):
        what = f"{_WRAPPER} names {given[_WRAPPER]}, and no layer brings it: the function does not start"
        yield Problem(function, what, f"remove {_WRAPPER}, or add its layer")


def _table_variables(stack: Stack) -> Iterator[Problem]:
    for name in TABLE_VARIABLES:
        meant = [variable(function, name) for function in own_functions(stack)]
        # What most of them say is taken for what is meant.
        usual = max(sorted(set(meant) - {""}), key=meant.count, default="")
        for function in own_functions(stack):
            value = variable(function, name)
            if value and table(stack, value) is None:
                what = f"{name} is {value!r}, and this stack has no such table"
                yield Problem(function, what, f"set it to {usual if table(stack, usual) else 'a table of this stack'}")
            elif value and value != usual:
                what = f"{name} is {value!r}, and other functions of this stack say {usual!r}"
                yield Problem(function, what, "let all of them name one table")


def _timeout(stack: Stack) -> Iterator[Problem]:
    served = {str(ref.name) for one in stack.all(INTEGRATION) if (ref := stack.function_ref(one, "integrationUri"))}
    for function in stack.all(FUNCTION):
        seconds = function.number("timeout")
        if function.get("timeout") is UNKNOWN:
            continue
        if function.text("name") in served and (seconds or 0) > _LONGEST_SECONDS:
            what = f"it may run for {seconds:g} s, and API Gateway waits 29 s: the client has its error, it runs on"
            yield Problem(function, what, "set timeout to 29 or less")
        if function in own_functions(stack) and (seconds is None or seconds < _SHORTEST_SECONDS):
            what = f"it may run for {seconds or 3:g} s: a cold start can take that long"
            yield Problem(function, what, "set timeout; AWS's default is 3 s")


def _published(stack: Stack) -> Iterator[Problem]:
    for alias in stack.all(ALIAS):
        if alias.get("functionVersion") == _LATEST:
            what = "it points at $LATEST: a deploy is live before it is complete, and there is nothing to go back to"
            yield Problem(alias, what, "publish versions (publish: true) and point it at function.version")
        function = stack.function(stack.function_ref(alias, "functionName"))
        publish = function.get("publish") if function is not None else True
        # A function that runs does not say by itself whether it publishes: only what was asked for tells.
        if function is not None and (publish is False or (publish is None and not stack.complete)):
            what = f"no versions are published, and {alias.label} stands for one: it stays on the old code"
            yield Problem(function, what, "set publish")


def _weights(alias: Node) -> Iterator[Problem]:
    weights = alias.get("routingConfig", "additionalVersionWeights")
    if weights and weights is not UNKNOWN:
        what = f"{', '.join(f'{share:.0%} of the calls go to version {one}' for one, share in weights.items())}"
        yield Problem(alias, what, "remove routingConfig when the trial is over: two versions answer one client")


def _warm(stack: Stack) -> Iterator[Problem]:
    used = _served_qualifiers(stack)
    for warm in stack.all(WARM):
        name, qualifier = FunctionRef.parse(warm.text("functionName")).name, warm.text("qualifier")
        function = stack.function(FunctionRef(name))
        if function is not None and function.get("snapStart", "applyOn") == "PublishedVersions":
            yield Problem(warm, "it excludes SnapStart, which its function has: AWS refuses one of them", "choose one")
        if qualifier == _LATEST:
            yield Problem(warm, "$LATEST cannot be kept warm", "set qualifier to the alias that is called")
        elif name and qualifier and used and FunctionRef(name, qualifier) not in used:
            what = f"it keeps {name}:{qualifier} warm, and nothing calls that: every caller waits for a cold start"
            yield Problem(warm, what, "set qualifier to the alias that routes and mappings call")
        if warm.number("provisionedConcurrentExecutions") == 0:
            yield Problem(warm, "it keeps nothing warm", "set provisionedConcurrentExecutions, or remove it")


def _served_qualifiers(stack: Stack) -> set[FunctionRef]:
    refs = [stack.function_ref(one, "integrationUri") for one in stack.all(INTEGRATION)]
    refs += [stack.function_ref(one, "functionName") for one in stack.all(MAPPING)]
    return {ref for ref in refs if ref}


def _reserved(stack: Stack) -> Iterator[Problem]:
    for function in stack.all(FUNCTION):
        reserved = function.number("reservedConcurrentExecutions")
        if reserved == 0:
            yield Problem(
                function, "no execution is reserved for it: it is switched off", "remove the reservation of 0"
            )
        for mapping in state_mappings(stack) if reserved else ():
            factor = mapping.number("parallelizationFactor") or 1
            if stack.function(stack.function_ref(mapping, "functionName")) is function and 0 < (reserved or 0) < factor:
                what = f"{reserved:g} executions serve {factor:g} batches a shard: the others are throttled and wait"
                yield Problem(function, what, f"reserve {factor:g} or more, or none")


def _logs(stack: Stack) -> Iterator[Problem]:
    groups = {group.text("name") for group in stack.all(LOG_GROUP)}
    for function in stack.all(FUNCTION):
        group = function.text("loggingConfig", "logGroup") or f"/aws/lambda/{function.text('name')}"
        level = function.get("loggingConfig", "applicationLogLevel")
        if function in own_functions(stack) and level in ("WARN", "ERROR", "FATAL"):
            what = f"it logs from {level} on: its metrics are log lines of level INFO, and alarms see nothing"
            yield Problem(function, what, "set applicationLogLevel to INFO")
        unknown = UNKNOWN in (function.get("loggingConfig", "logGroup"), function.get("name"))
        if group not in groups and not unknown:
            what = f"its log group {group} is not in this stack: Lambda makes it without an end, or it may not write"
            yield Problem(function, what, "make the log group before the function, with retentionInDays")
    for log in stack.all(LOG_GROUP):
        if log.get("logGroupClass") not in (None, "", "STANDARD", UNKNOWN):
            what = f"its class is {log.get('logGroupClass')}: no metrics are made of its lines, and alarms see nothing"
            yield Problem(log, what, "make it anew with class STANDARD (the class of a log group cannot be changed)")


def _archive(function: Node) -> Iterator[Problem]:
    path = function.get(ARCHIVE, "path")
    if function.get(ARCHIVE, "kind") == "assets" or (isinstance(path, str) and Path(path).is_dir()):
        what = "its archive is made by Pulumi, with the times of the files: each deploy changes the function"
        yield Problem(function, what, "give it a zip with sorted names and fixed times (infra/archives.py)")
    elif isinstance(path, str) and Path(path).is_file():
        yield from _entries(function, Path(path))


def _entries(function: Node, path: Path) -> Iterator[Problem]:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (OSError, zipfile.BadZipFile):
        yield Problem(function, f"{path} is no zip", "build it anew")
        return
    names = [entry.filename for entry in entries]
    if len({entry.date_time for entry in entries}) > 1 or names != sorted(names):
        what = f"{path} has files with different times, or not sorted: built elsewhere it is another archive"
        yield Problem(function, what, "build it with sorted names and fixed times (infra/archives.py)")
    module = function.text("handler").rpartition(".")[0].replace(".", "/")
    if module and f"{module}.py" not in names and f"{module}/__init__.py" not in names:
        what = f"its handler is {function.text('handler')}, and {path} has no {module}.py"
        yield Problem(function, what, "set handler to a function of the archive")


RULES: Final = (
    Rule(
        id="environment",
        title="Each function is told its tables, endpoint and namespace",
        sources=(page(PERSISTING, 2),),
        check=_environment,
    ),
    Rule(
        id="table-variables",
        title="CONNECTION_TABLE and the other variables name tables of this stack",
        sources=(page(PERSISTING, 2),),
        check=_table_variables,
    ),
    Rule(
        id="function-timeout",
        title="Functions run as long as somebody waits for them",
        sources=("API Gateway quotas: integration timeout 29 s", f"{LAMBDA_GUIDE}: timeout 3 s by default"),
        check=_timeout,
    ),
    Rule(
        id="published-versions",
        title="Aliases stand for published versions",
        sources=(f"{LAMBDA_GUIDE}: versions and aliases",),
        check=_published,
    ),
    Rule(
        id="alias-weights",
        title="One version answers",
        sources=(f"{LAMBDA_GUIDE}: weighted aliases",),
        severity=WARNING,
        check=each(ALIAS, _weights),
        types=(ALIAS,),
    ),
    Rule(
        id="warm-starts",
        title="What is kept warm is what is called",
        sources=(page(LATENCY, 1), f"{LAMBDA_GUIDE}: SnapStart and provisioned concurrency exclude each other"),
        check=_warm,
    ),
    Rule(
        id="reserved-concurrency",
        title="Reservations leave room for the work",
        sources=(f"{LAMBDA_GUIDE}: reserved concurrency 0 switches a function off; throttles block a shard",),
        check=_reserved,
    ),
    Rule(
        id="log-group",
        title="Each function's log group is made by the stack, and its lines are kept",
        sources=(page(PERSISTING, 3),),
        check=_logs,
    ),
    Rule(
        id="log-retention",
        title="Logs end",
        sources=(page(PERSISTING, 3), "CloudWatch Logs: never expire is the default"),
        check=sprung(
            Trap(
                type=LOG_GROUP,
                path=("retentionInDays",),
                bites=lambda value: not value,
                what="it keeps logs for ever, and they are paid for",
                mend="set retentionInDays",
            )
        ),
        types=(LOG_GROUP,),
    ),
    Rule(
        id="function-in-vpc",
        title="Functions reach @connections",
        sources=("aws-sdk-go-v2#1534",),
        check=sprung(
            Trap(
                type=FUNCTION,
                path=("vpcConfig", "subnetIds"),
                bites=bool,
                what="it is in a VPC: without NAT it cannot reach @connections, and hangs until its posts time out",
                mend="remove vpcConfig",
            )
        ),
        types=(FUNCTION,),
    ),
    Rule(
        id="function-runtime",
        title="The runtime is supported",
        sources=(f"{LAMBDA_GUIDE}: runtimes",),
        severity=WARNING,
        check=sprung(
            Trap(
                type=FUNCTION,
                path=("runtime",),
                bites=_RETIRED.__contains__,
                what="{value} is out of support",
                mend="use python3.13",
            )
        ),
        types=(FUNCTION,),
    ),
    Rule(
        id="function-archive",
        title="An unchanged program changes no function; its handler is in the archive",
        sources=("pulumi#21008, terraform-aws-lambda#515, aws-cli#3131",),
        check=each(FUNCTION, _archive),
        types=(FUNCTION,),
    ),
)
