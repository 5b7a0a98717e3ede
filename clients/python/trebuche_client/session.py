"""Always one live socket: reconnecting after a drop, handing over before an end that is known beforehand."""

import asyncio
import random
from typing import Final, Protocol

from trebuche_client.clock import Clock
from trebuche_client.dialing import open_socket
from trebuche_client.errors import EndpointError, LinkLostError
from trebuche_client.frames import PING
from trebuche_client.link import Link
from trebuche_client.options import ClientOptions
from trebuche_client.retiring import Retiring, either
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

    def opened(self, link: Link) -> None:
        """From now on this is the socket to send on."""
        ...

    def received(self, text: str) -> None:
        """A message came; also from the previous socket, while it hands over."""
        ...

    def tick(self) -> None:
        """Some seconds have passed."""
        ...

    def lost(self, error: LinkLostError, failures: int) -> None:
        """There is no socket now; so many attempts to open another one have failed since there was one."""
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

    async def run(self, listener: Listener) -> None:
        """Connect, and stay connected until cancelled.

        Raises:
            EndpointError: The endpoint refuses for good.
        """
        retiring = Retiring(self._clock)
        delays, failures = self._options.backoff.delays(self._chance), 0
        try:
            while True:
                try:
                    link, leave_at = await self._open()
                except LinkLostError as error:
                    failures += 1
                    listener.lost(error, failures)
                else:
                    failures = 0
                    lived = await self._live(listener, retiring, link, leave_at)
                    # A socket that closes as soon as it opens is no success: the pauses must go on growing.
                    if lived > self._options.backoff.longest_seconds:
                        delays = self._options.backoff.delays(self._chance)
                # Before the first attempt, too: clients that were cut at one moment must not come back at one.
                await self._clock.sleep(next(delays))
        finally:
            await retiring.finish()

    async def _open(self) -> tuple[Link, float]:
        """A fresh socket and when to leave it. A refused token is fetched once more before it counts as refused."""
        try:
            return await self._dial()
        except EndpointError as error:
            if error.status not in _REFUSED or not callable(self._token):
                raise
            return await self._dial()

    async def _dial(self) -> tuple[Link, float]:
        limit = self._options.connect_timeout
        token = await fetch(self._token, timeout_seconds=limit)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        socket = await open_socket(self._url, headers, timeout_seconds=limit)
        link = Link(socket, self._clock, frame_timeout=self._options.probe_timeout)
        return link, self._leave_at(link, token)

    def _leave_at(self, link: Link, token: str | None) -> float:
        leave_at = link.opened_at + self._options.lifetime * self._chance.uniform(1 - _SPREAD, 1)
        end = expiry(token)
        # A fixed token will be no fresher on the next socket.
        if end is None or not callable(self._token):
            return leave_at
        left = max(end - self._clock.epoch(), 0)
        # Half of what a token has left, where that is shorter than the margin: else each socket were left at once.
        return min(leave_at, link.opened_at + max(left - self._options.expiry_margin, left / 2))

    async def _live(self, listener: Listener, retiring: Retiring, link: Link, leave_at: float) -> float:
        """Serve a socket, and those that take over from it, until one is lost; for how long that one lived."""
        while True:
            # What `opened` sends can be answered before it has returned.
            reading = asyncio.create_task(self._serve(listener, link))
            successor = None
            try:
                listener.opened(link)
                successor = await self._successor(reading, leave_at)
            finally:
                retiring.add(reading, link, self._options.handover_timeout if successor else 0)
            if successor is None:
                listener.lost(_loss(reading), 0)
                return self._clock.now() - link.opened_at
            link, leave_at = successor

    async def _successor(self, reading: "asyncio.Task[None]", leave_at: float) -> tuple[Link, float] | None:
        """A socket to take over, once it is time; None when the old one was lost before."""
        while True:
            await either(reading, self._clock.sleep(max(leave_at - self._clock.now(), 0)))
            if reading.done():
                return None
            opening = asyncio.create_task(self._open())
            await either(reading, opening)
            # As long as the old socket lives, it serves: who is refused now may have a better token the next time.
            if not opening.cancelled() and not isinstance(opening.exception(), LinkLostError | EndpointError):
                return opening.result()
            if reading.done():
                return None
            leave_at = self._clock.now() + self._chance.uniform(0, self._options.backoff.longest_seconds)

    async def _serve(self, listener: Listener, link: Link) -> None:
        """Pass on what comes, and watch over silence; ends by raising ``LinkLostError``."""
        watching = asyncio.create_task(self._watch(listener, link))
        try:
            while True:
                listener.received(await link.receive())
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
                link.abort("the connection is open, but nobody answers")
                return
            if now - link.used_at > self._options.keep_alive_after:
                link.send(PING)
            listener.tick()


def _loss(reading: "asyncio.Task[None]") -> LinkLostError:
    """Why a socket was lost; anything but a loss goes on: a refusal in words, or a defect."""
    try:
        reading.result()
    except LinkLostError as error:
        return error
    raise AssertionError("a socket is read until it is lost")
