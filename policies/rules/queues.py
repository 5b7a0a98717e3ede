"""Rules about queues, and what carries their messages: reminders, departures, and what was given up."""

import json
from collections.abc import Iterator
from typing import Any, Final

from policies.model import MAPPING, QUEUE, UNKNOWN, WARNING, Node, Problem, Rule, Stack, each, is_named
from policies.needs import FAILURES
from policies.program import queue_mappings, state_mappings
from policies.sources import LAMBDA_GUIDE
from policies.traps import Trap, sprung

_DEFAULT_KEPT_SECONDS: Final = 345_600
_DEFAULT_VISIBLE_SECONDS: Final = 30
_VISIBILITY_TIMES: Final = 6
"""Times the function's timeout (Lambda developer guide, SQS as an event source)."""
_SMALLEST_BYTES: Final = 65_536
"""A batch of reminders, or the record of a failure, is far smaller; the default is 256 KB."""
_LEAST_RECEIVED: Final = 3


def _failures(stack: Stack) -> Iterator[Problem]:
    for mapping in state_mappings(stack):
        for queue in stack.linked(mapping, *FAILURES):
            kept = queue.number("messageRetentionSeconds")
            if kept is not None and kept < _DEFAULT_KEPT_SECONDS:
                what = f"it keeps failures for {kept / 3600:g} h: a weekend is longer"
                yield Problem(queue, what, "set messageRetentionSeconds, up to 1209600 (14 days)")
            if _redrive(queue):
                what = f"what is read of it a few times goes on to {_redrive(queue).get('deadLetterTargetArn')}"
                yield Problem(queue, what, "remove redrivePolicy: `trebuche redrive` reads this queue")


def _visibility(stack: Stack) -> Iterator[Problem]:
    for mapping, queue in queue_mappings(stack):
        function = stack.function(stack.function_ref(mapping, "functionName"))
        seconds = function.number("timeout") if function is not None else None
        hidden = queue.number("visibilityTimeoutSeconds")
        if queue.get("visibilityTimeoutSeconds") is UNKNOWN or seconds is None or function is None:
            continue
        hidden = _DEFAULT_VISIBLE_SECONDS if hidden is None else hidden
        if hidden < seconds:
            what = f"it hides messages for {hidden:g} s, and {function.label} may take {seconds:g} s: AWS refuses that"
            yield Problem(queue, what, f"set visibilityTimeoutSeconds to {_VISIBILITY_TIMES * seconds:g}")


def _attempts(stack: Stack) -> Iterator[Problem]:
    for mapping, queue in queue_mappings(stack):
        function = stack.function(stack.function_ref(mapping, "functionName"))
        seconds = (function.number("timeout") if function is not None else None) or 0
        hidden, kept = queue.number("visibilityTimeoutSeconds"), queue.number("messageRetentionSeconds")
        hidden = _DEFAULT_VISIBLE_SECONDS if hidden is None else hidden
        if seconds <= hidden < _VISIBILITY_TIMES * seconds:
            what = f"its messages are hidden for {hidden:g} s: a throttled batch comes again while it is worked on"
            yield Problem(queue, what, f"set visibilityTimeoutSeconds to {_VISIBILITY_TIMES * seconds:g}")
        if kept is not None and kept < 2 * hidden:
            what = (
                f"it keeps messages for {kept:g} s, which are hidden for {hidden:g} s: a second attempt comes too late"
            )
            yield Problem(queue, what, f"set messageRetentionSeconds to {2 * hidden:g} or more")
        if 0 < int(_redrive(queue).get("maxReceiveCount") or 0) < _LEAST_RECEIVED:
            what = "a message that was throttled once or twice is given up"
            yield Problem(queue, what, f"remove redrivePolicy, or set maxReceiveCount to {_LEAST_RECEIVED} or more")


def _refused(stack: Stack) -> Iterator[Problem]:
    for queue in stack.all(QUEUE):
        size = queue.number("maxMessageSize")
        if size is not None and 0 < size < _SMALLEST_BYTES:
            what = f"messages of more than {size:g} bytes are refused: failures and reminders can be longer"
            yield Problem(queue, what, "remove maxMessageSize")
        target = _redrive(queue).get("deadLetterTargetArn")
        if isinstance(target, str) and not any(is_named(one, target) for one in stack.all(QUEUE)):
            what = f"its redrivePolicy names {target}, which is not in this stack: AWS refuses it where there is none"
            yield Problem(queue, what, "remove redrivePolicy")
        if queue.get("fifoQueue") is True:
            what = "it is a FIFO queue: messages without a group are refused, and mappings send to standard queues only"
            yield Problem(queue, what, "remove fifoQueue")


def _redrive(queue: Node) -> dict[str, Any]:
    """The redrive policy of a queue; empty when there is none, or it is not known."""
    text = queue.get("redrivePolicy")
    try:
        found = json.loads(text) if isinstance(text, str) and text else text
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _worker(mapping: Node) -> Iterator[Problem]:
    if ":sqs:" in mapping.text("eventSourceArn") or mapping.get("scalingConfig"):
        if mapping.get("filterCriteria"):
            what = "its filter deletes messages that do not fit: reminders are lost, and late subscribers stay late"
            yield Problem(mapping, what, "remove filterCriteria")
        if window := mapping.number("maximumBatchingWindowInSeconds"):
            what = f"messages wait up to {window:g} s for more of them: late subscribers get later"
            yield Problem(mapping, what, "set maximumBatchingWindowInSeconds to 0")


RULES: Final = (
    Rule(
        id="failure-queue",
        title="Failures are kept for some days, and stay where they are looked for",
        sources=("SQS developer guide: message retention (4 days by default)",),
        severity=WARNING,
        check=_failures,
    ),
    Rule(
        id="queue-visibility",
        title="Messages are hidden as long as somebody works on them",
        sources=(f"{LAMBDA_GUIDE}: SQS as an event source (a shorter visibility timeout is refused)",),
        check=_visibility,
    ),
    Rule(
        id="queue-attempts",
        title="Messages that fail come again, and not too early",
        sources=(f"{LAMBDA_GUIDE}: SQS as an event source (six times the function's timeout)",),
        severity=WARNING,
        check=_attempts,
    ),
    Rule(
        id="queue-messages",
        title="Queues take what is sent to them",
        sources=("SQS developer guide: quotas, dead-letter queues, FIFO queues",),
        check=_refused,
    ),
    Rule(
        id="queue-mapping",
        title="All messages of a queue come to its function, and at once",
        sources=(f"{LAMBDA_GUIDE}: event filtering (SQS deletes what does not fit)",),
        check=each(MAPPING, _worker),
        types=(MAPPING,),
    ),
    Rule(
        id="queue-delay",
        title="Queues hand over at once what is sent",
        sources=("SQS developer guide: delay queues",),
        severity=WARNING,
        check=sprung(
            Trap(
                type=QUEUE,
                path=("delaySeconds",),
                bites=lambda value: str(value or 0) not in ("0", "0.0"),
                what="whatever is sent waits {value} s in it: reminders come late, and resumed streams with them",
                mend="set delaySeconds to 0; who wants a delay asks for it message by message",
            )
        ),
        types=(QUEUE,),
    ),
)
