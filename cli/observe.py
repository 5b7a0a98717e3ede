"""A stream over as many sockets as it takes."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import dataclass
from time import monotonic

from cli.client import Link, LinkLostError, delays, open_link
from cli.errors import EndpointError
from cli.subscription import NOTHING, Ended, Event, Failed, Subscription
from trebuche.envelopes import Envelope

_PATIENCE_SECONDS = 60.0
_SILENCE_SECONDS = 300.0
"""Half of what API Gateway allows an idle connection."""


@dataclass(frozen=True, slots=True)
class Dropped:
    """The socket was lost; another one is being opened."""

    reason: str


async def observe(
    endpoint: str, actor: str, subscription: Subscription, *, patience_seconds: float = _PATIENCE_SECONDS
) -> AsyncGenerator[Event | Dropped]:
    """Yield what happens on a stream until it ends; a drop is followed by a resume on a new socket.

    Args:
        endpoint: The WebSocket address.
        actor: The actor's id.
        subscription: The stream.
        patience_seconds: How long to try to get back before giving up.

    Raises:
        EndpointError: Nothing answers, or not again.
        RemoteError: The gateway says that the function failed.
    """
    lost_at: float | None = None
    pause = delays()
    connected = False
    while True:
        try:
            async with open_link(endpoint) as link, aclosing(_follow(link, actor, subscription)) as events:
                connected = True
                async for event in events:
                    lost_at, pause = None, delays()
                    yield event
                    if isinstance(event, Ended | Failed):
                        return
        except LinkLostError as error:
            if not connected:
                raise EndpointError(f"{error}. Is `make run` still running?") from error
            if lost_at is None:
                lost_at = monotonic()
                yield Dropped(str(error))
            elif monotonic() - lost_at > patience_seconds:
                raise EndpointError(f"{error}; gave up after {patience_seconds:g} s.") from error
        await asyncio.sleep(next(pause))


async def _follow(link: Link, actor: str, subscription: Subscription) -> AsyncGenerator[Event]:
    """Yield a stream's events from one socket; a reader who stops early is unsubscribed."""
    await link.send(subscription.opening(), actor=actor)
    try:
        while True:
            envelope = await _next(link)
            step = subscription.receive(envelope) if envelope else NOTHING
            if step.send is not None:
                await link.send(step.send, actor=actor)
            for event in step.events:
                yield event
    except (GeneratorExit, asyncio.CancelledError):
        with suppress(LinkLostError):
            if (closing := subscription.closing()) is not None:
                await link.send(closing, actor=actor)
        raise


async def _next(link: Link) -> Envelope | None:
    try:
        async with asyncio.timeout(_SILENCE_SECONDS):
            return await link.receive()
    except TimeoutError:
        await link.keep_alive()
        return None
