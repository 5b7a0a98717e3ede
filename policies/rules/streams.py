"""Rules about what carries the state table's stream to its function."""

import json
from collections.abc import Iterator
from typing import Final

from policies.model import MAPPING, UNKNOWN, WARNING, Node, Problem, Rule, Stack, each
from policies.needs import FAILURES
from policies.program import astray, has_sockets, own_functions, queue_mappings, source, state_mappings, tables
from policies.sources import BROADCASTING, LAMBDA_GUIDE, LATENCY, page
from policies.traps import Trap, sprung
from sandbox.pump.filters import passes
from trebuche.contract import ACTOR_HANDLER, AUTHORIZER_HANDLER, ENV_STATE_TABLE, WEBSOCKET_HANDLER

_FOR_EVER: Final = "aws-cdk#10603, aws-lambda-graphql#60: a mapping retries for ever by default"
_READERS_LIMIT: Final = 2
"""Of one shard (DynamoDB developer guide)."""
_LARGE_BATCH: Final = 1_000
_SMALL_BATCHES: Final = 10
_FEW_RETRIES: Final = 2
_SHORT_AGE_SECONDS: Final = 120
_DAY_SECONDS: Final = 86_400
"""As long as a stream keeps its records."""
_CAPS: Final = (("maximumRetryAttempts", 100, "10"), ("maximumRecordAgeInSeconds", _DAY_SECONDS - 1, "300"))
_PARTIAL: Final = "ReportBatchItemFailures"
_DESTINATION: Final = ("destinationConfig", "onFailure", "destinationArn")
_OTHERS: Final = (ACTOR_HANDLER, WEBSOCKET_HANDLER, AUTHORIZER_HANDLER)
_ITEM: Final = {
    "actorId": {"S": "todos"},
    "state": {"B": "e30="},
    "version": {"N": "2"},
    "schema": {"N": "1"},
    "updatedAt": {"N": "1767225600000"},
}


def _mapping(stack: Stack) -> Iterator[Problem]:
    mend = "add an EventSourceMapping from the table's stream to the stream processor's alias"
    for table in tables(stack, ENV_STATE_TABLE) if has_sockets(stack) else ():
        readers = [one for one in stack.all(MAPPING) if source(stack, one) is table]
        if not readers and table.get("streamEnabled") is True:
            yield Problem(table, "nothing follows its stream: changes of state reach no client", mend)
        if len(readers) > _READERS_LIMIT:
            what = f"{len(readers)} mappings follow its stream, and a shard serves {_READERS_LIMIT}: they are throttled"
            yield Problem(table, what, "remove the ones that are not needed")
        targets = [str(stack.function_ref(one, "functionName")) for one in readers]
        for twice in sorted({one for one in targets if targets.count(one) > 1} - {"None"}):
            yield Problem(table, f"two mappings lead to {twice}: each change is pushed twice", "remove one of them")


def _source(stack: Stack) -> Iterator[Problem]:
    states = tables(stack, ENV_STATE_TABLE)
    for mapping in state_mappings(stack):
        arn = mapping.get("eventSourceArn")
        found = source(stack, mapping)
        if states and arn is not None and (found is not None or isinstance(arn, str)) and found not in states:
            what = f"it follows {found.label if found else arn}, and not the state table"
            yield Problem(mapping, what, "set eventSourceArn to the state table's streamArn")
        elif found is not None and isinstance(arn, str) and found.text("streamArn") != arn:
            now = found.text("streamArn") or "not made yet"
            what = f"it follows {arn}, and the table's stream is {now}"
            yield Problem(mapping, what, "deploy again: a stream that is switched off and on is another one")


def _target(stack: Stack) -> Iterator[Problem]:
    states = tables(stack, ENV_STATE_TABLE)
    for mapping in stack.all(MAPPING):
        ref = stack.function_ref(mapping, "functionName")
        function = stack.function(ref)
        if ref is None:
            continue
        if lost := astray(stack, ref):
            yield Problem(mapping, f"it leads to {lost}", "set functionName to the alias's ARN")
        elif source(stack, mapping) in states and function is not None and function.text("handler") in _OTHERS:
            what = f"it leads to {ref.name}, which does not push changes"
            yield Problem(mapping, what, "set functionName to the stream processor's alias")


def _start(mapping: Node) -> Iterator[Problem]:
    position = mapping.get("startingPosition")
    if position not in ("TRIM_HORIZON", UNKNOWN) and ":sqs:" not in mapping.text("eventSourceArn"):
        what = f"it starts at {position}: what is written while it is being made, or made anew, is lost"
        if position is not None:
            yield Problem(mapping, what, "set startingPosition to TRIM_HORIZON")


def _retries(stack: Stack) -> Iterator[Problem]:
    for mapping in state_mappings(stack):
        for prop, most, advice in _CAPS:
            value = mapping.number(prop)
            # Absent is -1: for ever, that is until the record is 24 h old.
            if mapping.get(prop) is not UNKNOWN and (value is None or value < 0 or value > most):
                said = "not capped" if value is None or value < 0 else f"{value:g}"
                what = f"{prop} is {said}: one bad record holds up its shard for a day"
                yield Problem(mapping, what, f"set it, for example to {advice}")
        if mapping.get("bisectBatchOnFunctionError") not in (True, UNKNOWN):
            what = "a batch that fails is not halved: good records are given up with a bad one"
            yield Problem(mapping, what, "set bisectBatchOnFunctionError")
    for mapping in stack.all(MAPPING):
        types = mapping.get("functionResponseTypes")
        function = stack.function(stack.function_ref(mapping, "functionName"))
        if function in own_functions(stack) and types is not UNKNOWN and _PARTIAL not in (types or ()):
            what = "what the function reports as failed counts as done, or the whole batch comes again"
            yield Problem(mapping, what, f"set functionResponseTypes to {_PARTIAL}")


def _patience(stack: Stack) -> Iterator[Problem]:
    for mapping in state_mappings(stack):
        retries, age = mapping.number("maximumRetryAttempts"), mapping.number("maximumRecordAgeInSeconds")
        if retries is not None and 0 <= retries < _FEW_RETRIES:
            what = f"it tries again {retries:g} times: a fault of a second gives changes up"
            yield Problem(mapping, what, "set maximumRetryAttempts to 10 or so (trebuche:streamRetries)")
        if age is not None and 0 <= age < _SHORT_AGE_SECONDS:
            what = f"it gives up what is {age:g} s old: a throttle or a cold start that lasts a minute loses changes"
            yield Problem(
                mapping, what, "set maximumRecordAgeInSeconds to 300 or so (trebuche:streamMaximumAgeSeconds)"
            )


def _destination(stack: Stack) -> Iterator[Problem]:
    mend = "set destinationConfig.onFailure.destinationArn to a queue"
    read = [queue for _, queue in queue_mappings(stack)]
    for mapping in state_mappings(stack):
        arn, queues = mapping.get(*_DESTINATION), stack.linked(mapping, *FAILURES)
        if not arn:
            yield Problem(mapping, "what is given up leaves no trace: it has no on-failure destination", mend)
        elif isinstance(arn, str) and not queues:
            yield Problem(mapping, f"its on-failure destination {arn} is no queue of this stack", mend)
        for queue in queues:
            if queue in read:
                what = f"what it gives up goes to {queue.label}, whose messages a function takes for its own"
                yield Problem(mapping, what, "set destinationConfig.onFailure to a queue that nothing reads by itself")


def _pace(stack: Stack) -> Iterator[Problem]:
    for mapping in state_mappings(stack):
        if window := mapping.number("maximumBatchingWindowInSeconds"):
            what = f"changes wait up to {window:g} s for more of them"
            yield Problem(mapping, what, "set maximumBatchingWindowInSeconds to 0 (trebuche:streamBatchWindowSeconds)")
        size, factor = mapping.number("batchSize") or 100, mapping.number("parallelizationFactor") or 1
        if size > _LARGE_BATCH:
            what = f"{size:g} records in one invocation take longer than its function may run"
            yield Problem(mapping, what, "set batchSize to 100 or so (trebuche:streamBatchSize)")
        elif size * factor < _SMALL_BATCHES:
            what = f"a shard hands over {size * factor:g} changes at a time: a burst takes as many invocations"
            yield Problem(mapping, what, "set batchSize to 100 or so, and parallelizationFactor to 10")


def _order(stack: Stack) -> Iterator[Problem]:
    for mapping in state_mappings(stack):
        if mapping.number("tumblingWindowInSeconds"):
            what = "a tumbling window holds changes back, and batches of one actor run one after the other with state"
            yield Problem(mapping, what, "remove tumblingWindowInSeconds")
        table, factor = source(stack, mapping), mapping.number("parallelizationFactor") or 1
        if table is not None and factor > 1 and table.text("hashKey") not in ("actorId", ""):
            what = (
                f"parallelizationFactor {factor:g} keeps the order per {table.text('hashKey')}, the stream's partition "
                "key, and not per actor"
            )
            yield Problem(mapping, what, "set it to 1, or key the table by actorId")


def _filters(stack: Stack) -> Iterator[Problem]:
    for mapping in state_mappings(stack):
        patterns = _patterns(mapping)
        lost = [name for name, record in _records() if patterns is not None and not passes(patterns, record)]
        if lost:
            what = f"its filter drops {' and '.join(lost)} records of the state table: no client hears of these changes"
            yield Problem(mapping, what, 'remove filterCriteria, or let "eventName": ["INSERT", "MODIFY"] through')


def _patterns(mapping: Node) -> list[dict[str, object]] | None:
    """The filter patterns of a mapping; None when one is not known, or cannot be read."""
    found = mapping.get("filterCriteria", "filters")
    texts = [one.get("pattern") for one in found if isinstance(one, dict)] if isinstance(found, list) else []
    try:
        return [json.loads(str(text)) for text in texts]
    except ValueError:
        return None


def _records() -> Iterator[tuple[str, dict[str, object]]]:
    for name, images in (("INSERT", {"NewImage": _ITEM}), ("MODIFY", {"NewImage": _ITEM, "OldImage": _ITEM})):
        change = {"Keys": {"actorId": _ITEM["actorId"]}, **images, "StreamViewType": "NEW_AND_OLD_IMAGES"}
        yield name, {"eventName": name, "eventSource": "aws:dynamodb", "dynamodb": change}


RULES: Final = (
    Rule(
        id="stream-mapping",
        title="One mapping carries the state table's stream to the stream processor",
        sources=(page(BROADCASTING, 2),),
        check=_mapping,
    ),
    Rule(
        id="mapping-source",
        title="The stream processor follows the state table, on the stream that it has now",
        sources=(page(BROADCASTING, 2), f"{LAMBDA_GUIDE}: a new stream has a new ARN"),
        check=_source,
    ),
    Rule(
        id="mapping-target",
        title="Mappings lead to the aliases of this stack's functions",
        sources=(page(BROADCASTING, 2), f"{LAMBDA_GUIDE}: versions and aliases"),
        check=_target,
    ),
    Rule(
        id="mapping-enabled",
        title="Mappings are enabled",
        sources=(page(BROADCASTING, 2),),
        check=sprung(
            Trap(
                type=MAPPING,
                path=("enabled",),
                bites=lambda value: value is False,
                what="it is disabled: nothing is read from its source, and what is too old is lost",
                mend="enable it",
            )
        ),
        types=(MAPPING,),
    ),
    Rule(
        id="mapping-start",
        title="Mappings of streams start at the oldest record",
        sources=(f"{LAMBDA_GUIDE}: polling and stream starting positions (LATEST may miss events)",),
        check=each(MAPPING, _start),
        types=(MAPPING,),
    ),
    Rule(
        id="mapping-retries",
        title="Retries of a stream's batch end, and spare what went well",
        sources=(_FOR_EVER, "serverless#7012, amplify-cli#13438"),
        check=_retries,
    ),
    Rule(
        id="mapping-patience",
        title="Changes are not given up at the first fault",
        sources=(f"{LAMBDA_GUIDE}: retries of stream records",),
        severity=WARNING,
        check=_patience,
    ),
    Rule(
        id="mapping-failures",
        title="What a mapping gives up goes to a queue of this stack",
        sources=(f"{LAMBDA_GUIDE}: on-failure destinations", _FOR_EVER),
        check=_destination,
    ),
    Rule(
        id="mapping-pace",
        title="Changes are handed over at once",
        sources=(page(LATENCY, 1), f"{LAMBDA_GUIDE}: batching window"),
        severity=WARNING,
        check=_pace,
    ),
    Rule(
        id="mapping-order",
        title="Changes of one actor stay in order",
        sources=(f"{LAMBDA_GUIDE}: parallelization factor keeps order per partition key; tumbling windows",),
        check=_order,
    ),
    Rule(
        id="mapping-filter",
        title="No filter drops changes of state",
        sources=(f"{LAMBDA_GUIDE}: event filtering",),
        check=_filters,
    ),
)
