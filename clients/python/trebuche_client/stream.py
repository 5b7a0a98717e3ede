"""One stream between the socket and its reader: what came and was not read yet."""

import asyncio
import random
from collections import deque
from dataclasses import replace

from trebuche.envelopes import Envelope, StreamStartEnvelope
from trebuche_client.errors import ClientError, SlowReaderError, StreamFailedError
from trebuche_client.options import ClientOptions
from trebuche_client.subscription import Ended, Failed, Recovered, Recovery, Step, Subscription, Update

_END = object()


class Stream:
    """A subscription and its unread values.

    Args:
        actor_id: Whose property it is.
        subscription: What the frames mean.
        options: How many values may wait, and how long to pause before asking again.
        latest: Whether only the newest unread value is kept.
        chance: Spreads the pauses.

    Attributes:
        asked_at: When it was last asked for; None until then.
        pauses: Seconds to wait before each new attempt after a failure that may pass.
        end_reason: Why the server ended it; None unless it did.
    """

    def __init__(
        self, actor_id: str, subscription: Subscription, options: ClientOptions, *, latest: bool, chance: random.Random
    ) -> None:
        self.actor_id = actor_id
        self.asked_at: float | None = None
        self._subscription = subscription
        self._latest = latest
        self._options = options
        self._chance = chance
        self.end_reason: str | None = None
        self.pauses = options.backoff.delays(chance)
        self._values: deque[tuple[Update, Recovery | None]] = deque()
        self._recovery: Recovery | None = None
        self._over: ClientError | object | None = None
        self._news = asyncio.Event()

    @property
    def over(self) -> bool:
        """Whether nothing more will come."""
        return self._over is not None

    @property
    def acknowledged(self) -> bool:
        """Whether the server has answered what was last asked."""
        return self._subscription.acknowledged

    def asked_for(self, start: StreamStartEnvelope) -> bool:
        """Whether a stream that the server opened is this one."""
        return self._subscription.asked_for(start)

    def opening(self, now: float) -> Envelope:
        """What opens it on a fresh socket, or resumes it there."""
        self.asked_at = now
        return self._subscription.opening()

    def closing(self) -> Envelope | None:
        """What tells the server that nobody reads any more."""
        return self._subscription.closing()

    def receive(self, envelope: Envelope) -> Step:
        """Take what an envelope means; the step says what to answer."""
        step = self._subscription.receive(envelope)
        for event in step.events:
            match event:
                case Update():
                    # It works again: the next failure begins with the short pauses.
                    self.pauses = self._options.backoff.delays(self._chance)
                    self._put(event)
                case Recovered():
                    self._recovery = event.how
                case Ended():
                    self.end_reason = event.reason
                    self._finish(_END)
                # One that may pass is no end: the client asks again.
                case Failed(retryable=False):
                    self._finish(StreamFailedError(event.message, code=event.code))
        return step

    def fail(self, error: ClientError) -> None:
        """End it for its reader."""
        self._finish(error)

    def leave(self) -> None:
        """End it as if the server had."""
        self._finish(_END)

    async def next(self) -> tuple[Update, Recovery | None] | None:
        """The next value, with how the server picked the stream up if it is the first since then; None at the end.

        Raises:
            StreamFailedError: The server refused the stream, or broke it off.
            SlowReaderError: Values came faster than they were read.
            ClientClosedError: The client was closed.
        """
        # What came before the end is read before it.
        while not self._values:
            if isinstance(self._over, ClientError):
                raise self._over
            if self._over is not None:
                return None
            self._news.clear()
            await self._news.wait()
        return self._values.popleft()

    def _put(self, update: Update) -> None:
        recovery, self._recovery = self._recovery, None
        if self._latest and self._values:
            # It leaves to the next one what it knew: how many it stood for, and how the stream was picked up.
            dropped, earlier = self._values.pop()
            update = replace(update, skipped=update.skipped + dropped.skipped + 1)
            recovery = recovery or earlier
        if len(self._values) >= self._options.unread_values:
            count = f"{self._options.unread_values:,}"
            self._finish(SlowReaderError(f"{count} values wait unread; observe with latest_per_ms=250, or read faster"))
            return
        self._values.append((update, recovery))
        self._news.set()

    def _finish(self, how: ClientError | object) -> None:
        if self._over is None:
            self._over = how
            self._news.set()
