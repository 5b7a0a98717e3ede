"""The work of ``trebuche watch``."""

import asyncio
import json
from contextlib import aclosing

from cli.arguments import actor_id, stream_target
from cli.checkout import checkout_root, find_endpoint
from cli.errors import RemoteError
from cli.observe import Dropped, observe
from cli.output import INTERRUPTED, OK, Output
from cli.subscription import Ended, Event, Failed, Recovered, Recovery, Subscription, Update

_RECOVERY = {
    Recovery.REPLAYED: "Recovered: every change that was missed follows.",
    Recovery.SNAPSHOT: "Recovered with a snapshot: changes in between are not shown one by one.",
    Recovery.UNKNOWN: "Recovered.",
}


def watch_and_print(output: Output, actor: str, prop: str, *, count: int | None, endpoint: str | None) -> int:
    """Print each state of a property until the stream ends, ``count`` is reached or Ctrl-C; return the exit code.

    Raises:
        CommandError: A name cannot travel, or the endpoint or the actor refuses.
    """
    subscription = Subscription(actor_id(actor), stream_target(prop))
    address = find_endpoint(checkout_root(), endpoint)
    try:
        asyncio.run(_watch(output, address, actor, subscription, count))
    except KeyboardInterrupt:
        return INTERRUPTED
    return OK


async def _watch(output: Output, address: str, actor: str, subscription: Subscription, count: int | None) -> None:
    shown = 0
    async with aclosing(observe(address, actor, subscription)) as events:
        async for event in events:
            _print(output, event)
            shown += isinstance(event, Update)
            if shown == count:
                return


def _print(output: Output, event: Event | Dropped) -> None:
    match event:
        case Update():
            _print_update(output, event)
        case Recovered():
            output.note(_RECOVERY[event.how])
        case Dropped():
            output.warning(f"Connection lost ({event.reason}); trying again.")
        case Ended():
            output.note(f"The stream ended: {event.reason}.")
        case Failed():
            text = event.message + (f" [{event.code}]" if event.code else "")
            raise RemoteError(text, code=event.code, retryable=event.retryable)


def _print_update(output: Output, update: Update) -> None:
    state = json.loads(update.state)
    if update.missed:
        output.warning(f"{update.missed} states before this one never came.")
    if output.as_json:
        stamp = update.timestamp.strftime("%Y-%m-%dT%H:%M:%SZ")
        output.document({"sequence": update.sequence, "timestamp": stamp, "state": state})
    else:
        output.line(f"#{update.sequence}  {update.timestamp.astimezone():%H:%M:%S}", style="bold cyan")
        output.value(state)
