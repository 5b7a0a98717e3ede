"""Rules about functions: how they are published, how long and how often they run, where they log."""

from collections.abc import Iterator
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
from policies.program import LATEST, called, own_functions, state_mappings
from policies.sources import LAMBDA_GUIDE, LATENCY, PERSISTING, page
from policies.traps import Trap, sprung
from trebuche.contract import (
    ACTOR_HANDLER,
    INTEGRATION_TIMEOUT_SECONDS,
    STREAM_HANDLER,
    WEBSOCKET_HANDLER,
)

_LONGEST_SECONDS: Final = 30
"""API Gateway waits 29 s; the 30 s of the page's own example are told by the program, at every deploy."""
_AWS_DEFAULT_SECONDS: Final = 3.0
_SHORTEST_SECONDS: Final = 4
"""AWS's default is 3 s, which a cold start can take."""
_HANDING_OVER_SECONDS: Final = 20
"""Twenty seconds leave five to fan out in (docs/architecture.md: D9)."""
_FEW: Final = 2
"""Executions without which one slow frame would keep all clients waiting."""


def _timeout(stack: Stack) -> Iterator[Problem]:
    served = {str(ref.name) for one in stack.all(INTEGRATION) if (ref := stack.function_ref(one, "integrationUri"))}
    for function in (one for one in stack.all(FUNCTION) if one.get("timeout") is not UNKNOWN):
        seconds = function.number("timeout") or _AWS_DEFAULT_SECONDS
        least, why = _least_seconds(stack, function)
        if function.text("name") in served and seconds > _LONGEST_SECONDS:
            what = f"it may run for {seconds:g} s, and API Gateway waits 29 s: the client has its error, it runs on"
            yield Problem(function, what, "set timeout to 29 or less")
        elif function in own_functions(stack) and seconds < least:
            yield Problem(function, f"it may run for {seconds:g} s: {why}", f"set timeout to {least:g} or more")


def _least_seconds(stack: Stack, function: Node) -> tuple[float, str]:
    """How long a function must be allowed to run, and why."""
    match function.text("handler"):
        case str(handler) if handler == STREAM_HANDLER:
            return _HANDING_OVER_SECONDS, "its last 15 s are for handing over, so it would bring changes to nobody"
        case str(handler) if handler == WEBSOCKET_HANDLER:
            actors = [one for one in stack.all(FUNCTION) if one.text("handler") == ACTOR_HANDLER]
            longest = min(max([one.number("timeout") or 0 for one in actors], default=0), INTEGRATION_TIMEOUT_SECONDS)
            return max(longest, _SHORTEST_SECONDS), "it waits for the actors' functions, which may run longer"
    return _SHORTEST_SECONDS, "a cold start can take that long"


def _published(stack: Stack) -> Iterator[Problem]:
    for alias in stack.all(ALIAS):
        function = stack.function(stack.function_ref(alias, "functionName"))
        if alias.get("functionVersion") == LATEST:
            what = "it points at $LATEST: a deploy is live before it is complete, and there is nothing to go back to"
            yield Problem(alias, what, "publish versions (publish: true) and point it at function.version")
        publish = function.get("publish") if function is not None else True
        # A function that runs does not say by itself whether it publishes: only what was asked for tells.
        if function is not None and (publish is False or (publish is None and not stack.complete)):
            what = f"no versions are published, and {alias.label} stands for one: it stays on the old code"
            yield Problem(function, what, "set publish")


def _pinned(stack: Stack) -> Iterator[Problem]:
    for alias in stack.all(ALIAS):
        version, function = alias.get("functionVersion"), stack.function(stack.function_ref(alias, "functionName"))
        known = isinstance(version, str) and version != LATEST
        # What is about to be published has no number yet.
        if known and function is not None and not stack.complete and not function.text("version"):
            what = f"it stays at version {version}, and {function.label} is about to get another one"
            yield Problem(alias, what, "point it at function.version, if this is no rollback")


def _weights(alias: Node) -> Iterator[Problem]:
    weights = alias.get("routingConfig", "additionalVersionWeights")
    if weights and weights is not UNKNOWN:
        what = f"{', '.join(f'{share:.0%} of the calls go to version {one}' for one, share in weights.items())}"
        yield Problem(alias, what, "remove routingConfig when the trial is over: two versions answer one client")


def _warm(stack: Stack) -> Iterator[Problem]:
    used = called(stack)
    for warm in stack.all(WARM):
        name, qualifier = FunctionRef.parse(warm.text("functionName")).name, warm.text("qualifier")
        function = stack.function(FunctionRef(name))
        if function is not None and function.get("snapStart", "applyOn") == "PublishedVersions":
            yield Problem(warm, "it excludes SnapStart, which its function has: AWS refuses one of them", "choose one")
        if qualifier == LATEST:
            yield Problem(warm, "$LATEST cannot be kept warm", "set qualifier to the alias that is called")
        elif name and qualifier and used and FunctionRef(name, qualifier) not in used:
            what = f"it keeps {name}:{qualifier} warm, and nothing calls that: every caller waits for a cold start"
            yield Problem(warm, what, "set qualifier to the alias that routes and mappings call")
        if warm.number("provisionedConcurrentExecutions") == 0:
            yield Problem(warm, "it keeps nothing warm", "set provisionedConcurrentExecutions, or remove it")


def _reserved(stack: Stack) -> Iterator[Problem]:
    for function in stack.all(FUNCTION):
        reserved = function.number("reservedConcurrentExecutions")
        # -1 takes a reservation away (Lambda API reference).
        if reserved is None or reserved < 0:
            continue
        if reserved == 0:
            what = "no execution is reserved for it: it is switched off"
            yield Problem(function, what, "remove the reservation of 0")
            continue
        needed, by = _at_once(stack, function)
        if reserved < needed:
            what = f"{reserved:g} executions serve {by}: the others are throttled and wait"
            yield Problem(function, what, f"reserve {needed:g} or more, or none")


def _at_once(stack: Stack, function: Node) -> tuple[float, str]:
    """How many executions a function needs at once, and for what."""
    mine = [one for one in stack.all(MAPPING) if stack.function(stack.function_ref(one, "functionName")) is function]
    batches = max([one.number("parallelizationFactor") or 1 for one in mine if one in state_mappings(stack)], default=0)
    if batches:
        return batches, f"{batches:g} batches a shard"
    workers = max([one.number("scalingConfig", "maximumConcurrency") or 0 for one in mine], default=0)
    if workers:
        return workers + 1, f"{workers:g} batches of its queue, and calls"
    return (_FEW, "all clients together") if function in own_functions(stack) else (0, "")


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


RULES: Final = (
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
        id="alias-version",
        title="Aliases follow to the version that is published",
        sources=(f"{LAMBDA_GUIDE}: versions and aliases", "docs/promotion.md: rollback"),
        severity=WARNING,
        check=_pinned,
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
)
