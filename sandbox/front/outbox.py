"""What is on its way to a client: at once, unless the client is slow on purpose."""

from asyncio import Transport
from collections import deque
from collections.abc import Callable

from sandbox.clock import Clock, Timer


class Outbox:
    """The bytes that go to a client, in their order.

    Args:
        transport: Where they go.
        clock: Measures how slow a client is.
    """

    def __init__(self, transport: Transport, clock: Clock) -> None:
        self._transport = transport
        self._clock = clock
        self._waiting: deque[tuple[float, bytes]] = deque()
        self._size = 0
        self._timer: Timer | None = None
        self._at_end: Callable[[], None] | None = None

    @property
    def size(self) -> int:
        """How many bytes wait for the client."""
        return self._size + self._transport.get_write_buffer_size()

    def write(self, data: bytes, delay: float = 0.0) -> None:
        """Send bytes after what waits already; the client takes so many seconds of the clock for them."""
        # While anything waits, everything does: order goes before speed.
        if not self._waiting and delay <= 0:
            self._transport.write(data)
            return
        before = self._waiting[-1][0] if self._waiting else self._clock.now()
        self._waiting.append((before + delay, data))
        self._size += len(data)
        self._arm()

    def end(self, at_end: Callable[[], None]) -> None:
        """Hang up behind what waits, and call ``at_end`` then."""
        self._at_end = at_end
        self._hang_up()

    def discard(self) -> None:
        """The client is gone, and with it what waited."""
        self._waiting.clear()
        self._size = 0
        if self._timer is not None:
            self._clock.cancel(self._timer)

    def _arm(self) -> None:
        if self._waiting and (self._timer is None or not self._timer.pending):
            self._timer = self._clock.call_at(self._waiting[0][0], self._release)

    def _release(self) -> None:
        now = self._clock.now()
        while self._waiting and self._waiting[0][0] <= now:
            _, data = self._waiting.popleft()
            self._size -= len(data)
            self._transport.write(data)
        self._arm()
        self._hang_up()

    def _hang_up(self) -> None:
        if self._at_end is not None and not self._waiting and not self._transport.is_closing():
            self._transport.write_eof()
            self._at_end()
            self._at_end = None
