"""Always one live socket: reconnecting after a drop, handing over before an end that is known beforehand."""

import asyncio
import random
from typing import Final, Protocol

from trebuche_client.clock import Clock
from trebuche_client.errors import EndpointError
from trebuche_client.frames import PING
from trebuche_client.link import Link, LinkLostError, open_link
from trebuche_client.options import ClientOptions
from trebuche_client.token import TokenSource, expiry, fetch

_LOOKS: Final = 3
"""How often silence is looked at before it counts."""
_SPREAD: Final = 0.1
"""By how much lifetimes differ, so that sockets opened together are not replaced together."""
_REFUSED: Final = frozenset({401, 403})


class Listener(Protocol):
    """Who uses the sockets."""

    @property
    def waiting(self) -> bool:
        """Whether something should come: an answer, or a value."""
        ...

    async def opened(self, link: Link) -> None:
        """From now on this is the socket to send on."""
        ...

    async def received(self, text: str) -> None:
        """A message came; also from the previous socket, while it hands over."""
        ...

    async def tick(self) -> None:
        """Some seconds have passed."""
        ...

    def lost(self, error: LinkLostError) -> None:
        """There is no socket now; another one is being opened."""
        ...


class Session:
    """Keeps a client connected.

    Args:
        url: The WebSocket address.
        token: Shown at each handshake.
        options: Its times.
        clock: What it lives by.
        chance: Spreads what would otherwise happen to all clients at once.
    """

    def __init__(
        self, url: str, token: TokenSource | None, options: ClientOptions, *, clock: Clock, chance: random.Random
    ) -> None:
        self._url = url
        self._token = token
        self._options = options
        self._clock = clock
        self._chance = chance
        self._draining: set[asyncio.Task[None]] = set()

    async def run(self, listener: Listener) -> None:
        """Connect, and stay connected until cancelled.

        Raises:
            EndpointError: The endpoint refuses for good.
        """
        delays = self._options.backoff.delays(self._chance)
        try:
            while True:
                try:
                    link, leave_at = await self._open()
                except LinkLostError as error:
                    listener.lost(error)
                    await self._clock.sleep(next(delays))
                    continue
                lost = await self._live(listener, link, leave_at)
                # A socket that closes as soon as it opens is no success: the pauses must go on growing.
                if self._clock.now() - lost.opened_at > self._options.backoff.longest_seconds:
                    delays = self._options.backoff.delays(self._chance)
                # Before the first attempt, too: clients that were cut at one moment must not come back at one.
                await self._clock.sleep(next(delays))
        finally:
            for task in self._draining:
                task.cancel()
            await asyncio.gather(*self._draining, return_exceptions=True)

    async def _open(self) -> tuple[Link, float]:
        """A fresh socket and when to leave it. A refused token is fetched once more before it counts as refused."""
        try:
            return await self._dial()
        except EndpointError as error:
            if error.status not in _REFUSED or not callable(self._token):
                raise
            return await self._dial()

    async def _dial(self) -> tuple[Link, float]:
        token = await fetch(self._token)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        link = await open_link(self._url, headers, self._clock, timeout_seconds=self._options.connect_timeout)
        leave_at = link.opened_at + self._options.lifetime * self._chance.uniform(1 - _SPREAD, 1)
        end = expiry(token)
        # A fixed token will be no fresher on the next socket.
        if end is not None and callable(self._token):
            left = max(end - self._clock.epoch(), 0)
            # Half of what a token has left, where that is shorter than the margin: else each socket were left at once.
            leave_at = min(leave_at, link.opened_at + max(left - self._options.expiry_margin, left / 2))
        return link, leave_at

    async def _live(self, listener: Listener, link: Link, leave_at: float) -> Link:
        """Serve a socket, and those that take over from it, until one is lost; returns that one."""
        while True:
            # What `opened` sends can be answered before it has returned.
            reading = asyncio.create_task(self._serve(listener, link))
            try:
                await listener.opened(link)
                successor = await self._until_successor(reading, leave_at)
            except BaseException:
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)
                await link.close()
                raise
            if successor is None:
                listener.lost(_loss(reading))
                return link
            self._drain(reading, link)
            link, leave_at = successor

    async def _until_successor(self, reading: "asyncio.Task[None]", leave_at: float) -> tuple[Link, float] | None:
        """A socket to take over, once it is time; None when the old one was lost before."""
        while True:
            timer = asyncio.create_task(self._clock.sleep(max(leave_at - self._clock.now(), 0)))
            try:
                await asyncio.wait({reading, timer}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                timer.cancel()
            if reading.done():
                return None
            try:
                return await self._open()
            except LinkLostError:
                # The old socket still lives: there is time for another attempt.
                leave_at = self._clock.now() + self._chance.uniform(0, self._options.backoff.longest_seconds)

    def _drain(self, reading: "asyncio.Task[None]", link: Link) -> None:
        """Let the old socket bring what is under way, then close it."""

        async def close() -> None:
            timer = asyncio.create_task(self._clock.sleep(self._options.handover_timeout))
            try:
                await asyncio.wait({reading, timer}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                timer.cancel()
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)
                await link.close()

        task = asyncio.create_task(close())
        self._draining.add(task)
        task.add_done_callback(self._draining.discard)

    async def _serve(self, listener: Listener, link: Link) -> None:
        """Pass on what comes, and watch over silence; ends by raising ``LinkLostError``."""
        watching = asyncio.create_task(self._watch(listener, link))
        try:
            while True:
                await listener.received(await link.receive())
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)

    async def _watch(self, listener: Listener, link: Link) -> None:
        pause = min(self._options.probe_after, self._options.keep_alive_after) / _LOOKS
        while True:
            await self._clock.sleep(pause)
            now = self._clock.now()
            # Where nothing is due, silence means nothing.
            doubtful = listener.waiting and now - link.heard_at > self._options.probe_after
            if doubtful and not await link.probe(self._options.probe_timeout):
                # Whoever reads from it gets the loss.
                link.abort()
                return
            if now - link.used_at > self._options.keep_alive_after:
                await link.send(PING)
            await listener.tick()


def _loss(reading: "asyncio.Task[None]") -> LinkLostError:
    """Why a socket was lost; anything but a loss is a defect and goes on."""
    try:
        reading.result()
    except LinkLostError as error:
        return error
    raise AssertionError("a socket is read until it is lost")
