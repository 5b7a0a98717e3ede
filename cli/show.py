"""The work of ``trebuche watch``."""

import asyncio
from contextlib import aclosing

from cli.arguments import actor_id, property_name
from cli.checkout import checkout_root, find_endpoint
from cli.endpoint import Door, connected
from cli.output import INTERRUPTED, OK, Output
from trebuche_client import ConnectionState, StateChange, Value

_RECOVERY = {
    True: "Recovered: every change that was missed follows.",
    False: "Recovered with a snapshot: changes in between are not shown one by one.",
}


def watch_and_print(output: Output, actor: str, prop: str, *, count: int | None, door: Door) -> int:
    """Print each state of a property until the stream ends, ``count`` is reached or Ctrl-C; return the exit code.

    Raises:
        CommandError: A name cannot travel, or the endpoint or the actor refuses.
    """
    actor, prop = actor_id(actor), property_name(prop)
    address = find_endpoint(checkout_root(), door.endpoint)
    try:
        asyncio.run(_watch(output, (address, door.token), (actor, prop), count))
    except KeyboardInterrupt:
        return INTERRUPTED
    return OK


async def _watch(output: Output, door: tuple[str, str | None], what: tuple[str, str], count: int | None) -> None:
    (address, token), (actor, prop) = door, what
    shown = 0
    async with connected(address, token=token, on_state=lambda change: _print_change(output, change)) as client:
        observation = client.resolve(actor).observe(prop)
        # Closed by hand: a generator that is left early goes on until it is collected.
        async with aclosing(observation.values()) as values:
            async for value in values:
                _print_value(output, value)
                shown += 1
                if shown == count:
                    return
    output.note(f"The stream ended: {observation.end_reason}.")


def _print_change(output: Output, change: StateChange) -> None:
    if change.state is ConnectionState.RECONNECTING and not change.failures:
        output.warning(f"Connection lost ({change.reason}); trying again.")


def _print_value(output: Output, value: Value[object]) -> None:
    if value.recovered is not None:
        output.note(_RECOVERY[value.recovered])
    if value.missed:
        output.warning(f"{value.missed} states before this one never came.")
    if output.as_json:
        stamp = value.timestamp.strftime("%Y-%m-%dT%H:%M:%SZ")
        output.document({"sequence": value.sequence, "timestamp": stamp, "state": value.value})
    else:
        output.line(f"#{value.sequence}  {value.timestamp.astimezone():%H:%M:%S}", style="bold cyan")
        output.value(value.value)
