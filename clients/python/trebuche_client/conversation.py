"""What is asked and not yet answered: calls and streams, on whichever socket there is."""

import asyncio
import random
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from typing import Final
from uuid import UUID

from trebuche.envelopes import (
    Envelope,
    InvocationEnvelope,
    ResponseEnvelope,
    StreamEndEnvelope,
    StreamEndReason,
    StreamErrorEnvelope,
    StreamStartEnvelope,
)
from trebuche_client.calls import Calls
from trebuche_client.clock import Clock
from trebuche_client.errors import (
    CallFailedError,
    CallTimeoutError,
    ClientClosedError,
    ClientError,
    EndpointError,
    StreamFailedError,
)
from trebuche_client.frames import GatewayError, from_text, to_text
from trebuche_client.link import Link
from trebuche_client.options import ClientOptions
from trebuche_client.stream import Stream
from trebuche_client.subscription import Failed

_REVOKED: Final = "revoked"
"""The code by which the endpoint says that whoever is connected has lost the right to be: no way leads back in."""


class Conversation:
    """Calls and streams that outlive the sockets they are carried by.

    Args:
        options: Its times and limits.
        clock: What it lives by.
        chance: Spreads its pauses.
    """

    def __init__(self, options: ClientOptions, clock: Clock, chance: random.Random) -> None:
        self._options = options
        self._clock = clock
        self._chance = chance
        self._calls = Calls()
        self._streams: list[Stream] = []
        self._link: Link | None = None
        self._ended: ClientError | None = ClientClosedError("the client is not connected; await connect() first")
        self._later: set[asyncio.Task[None]] = set()
        self._retries = self._new_retries()
        self._repeating = False

    @property
    def waiting(self) -> bool:
        """Whether an answer or a value should come."""
        return bool(self._calls) or bool(self._streams)

    def begin(self) -> None:
        """From now on calls and streams may be asked for, also while there is no socket yet."""
        self._ended = None

    async def call(self, invocation: InvocationEnvelope, seconds: float) -> bytes:
        """Call a method until there is an answer that will not pass, over as many sockets as it takes.

        Raises:
            CallFailedError: The answer is an error. One that may pass was asked again until the time was over.
            CallTimeoutError: No answer came in time.
            MessageTooLargeError: The arguments are too large for a message.
            ClientClosedError: The client is closed.
        """
        # Made once: whatever is sent again is the same frame, under the same callID.
        text = to_text(invocation, invocation.actor_id.id)
        refused: CallFailedError | None = None
        try:
            async with asyncio.timeout(seconds):
                for delay in self._options.backoff.delays(self._chance):
                    answer = await self._ask(invocation.call_id, text)
                    if answer.error_message is None:
                        return answer.result or b""
                    refused = CallFailedError(answer.error_message, code=answer.code, retryable=bool(answer.retryable))
                    if not refused.retryable:
                        raise refused
                    await self._clock.sleep(delay)
        except TimeoutError:
            raise refused or CallTimeoutError(invocation.call_id, seconds) from None
        raise AssertionError("the delays never end")

    def enter(self, stream: Stream) -> None:
        """Open a stream, and keep it open.

        Raises:
            ClientClosedError: The client is closed.
        """
        self._check_open()
        # Known before it is asked for, so that no streamStart comes too early.
        self._streams.append(stream)
        self._open_stream(stream)

    def leave(self, stream: Stream) -> None:
        """Nobody reads a stream any more."""
        self._streams.remove(stream)
        self._unsubscribe(stream)
        # A new attempt may be under way: after this it opens nothing.
        stream.leave()

    def take(self, link: Link) -> None:
        """Go on over a fresh socket: repeat there what was not answered, and resume the streams."""
        self._link = link
        # What took effect already is answered once more and not run again: the server knows the callIDs (D6).
        self._repeat_calls()
        for stream in self._streams:
            self._open_stream(stream)

    def drop(self) -> None:
        """There is no socket now."""
        self._link = None

    def receive(self, text: str) -> None:
        """Hand on what came.

        Raises:
            EndpointError: The right to be connected was taken back.
        """
        match from_text(text):
            case None:
                return
            case GatewayError() as error:
                self._repeat_later(error)
            case envelope:
                self._receive(envelope)

    def tick(self) -> None:
        """Ask again for streams whose opening was never answered."""
        now = self._clock.now()
        for stream in self._streams:
            late = stream.asked_at is not None and now - stream.asked_at > self._options.call_timeout
            if late and not stream.acknowledged:
                self._open_stream(stream)

    def fail_unanswered(self, text: str, *, retryable: bool) -> None:
        """Let those who wait for an answer know that the gateway gave none."""
        self._calls.fail(CallFailedError(text, code="gateway", retryable=retryable))
        for stream in self._streams:
            if not stream.acknowledged:
                stream.fail(StreamFailedError(text, code="gateway", retryable=retryable))

    def say_goodbye(self) -> None:
        """Unsubscribe from every stream, or each is posted to until a post finds the connection gone."""
        for stream in self._streams:
            self._unsubscribe(stream)

    def end(self, error: ClientError) -> None:
        """Let everybody who waits or asks know that nothing more will come."""
        self._ended = self._ended or error
        self._link = None
        self._repeating = False
        for task in self._later:
            task.cancel()
        self._calls.fail(error)
        for stream in self._streams:
            stream.fail(error)

    async def _ask(self, call_id: UUID, text: str) -> ResponseEnvelope:
        self._check_open()
        with self._calls.expect(call_id, text) as answer:
            self._send_text(text)
            return await answer

    def _receive(self, envelope: Envelope) -> None:
        if isinstance(envelope, ResponseEnvelope):
            # Functions answer again: the next failure may be tried as often as the first.
            self._retries = self._new_retries()
            self._calls.answer(envelope)
        elif isinstance(envelope, StreamStartEnvelope) and not any(s.asked_for(envelope) for s in self._streams):
            # Opened by a call that was repeated, or left since: nobody reads it.
            stray = StreamEndEnvelope(envelope.stream_id, StreamEndReason.CLIENT_UNSUBSCRIBED)
            self._send(stray, envelope.actor_id.id)
        self._to_streams(envelope)
        if isinstance(envelope, ResponseEnvelope | StreamErrorEnvelope) and envelope.code == _REVOKED:
            raise EndpointError(f"the endpoint has taken the right to be connected back: {envelope.error_message}")

    def _to_streams(self, envelope: Envelope) -> None:
        """Show an envelope to every stream: there are few, and each knows its own."""
        for stream in self._streams:
            step = stream.receive(envelope)
            if step.send is not None:
                self._send(step.send, stream.actor_id)
            if any(isinstance(event, Failed) and event.retryable for event in step.events):
                self._after(next(stream.pauses), partial(self._open_stream, stream))

    def _open_stream(self, stream: Stream) -> None:
        if not stream.over:
            self._send(stream.opening(self._clock.now()), stream.actor_id)

    def _unsubscribe(self, stream: Stream) -> None:
        if not stream.over and (closing := stream.closing()) is not None:
            self._send(closing, stream.actor_id)

    def _repeat_later(self, error: GatewayError) -> None:
        """A function failed, or a limit was hit, and nobody says for whom: everything unanswered is asked again."""
        # What is on its way already asks for everything.
        if self._repeating:
            return
        pause = next(self._retries, None)
        if pause is None:
            self._retries = self._new_retries()
            text = f"the gateway answers: {error.message} (request {error.request_id})"
            self.fail_unanswered(text, retryable=True)
        else:
            self._repeating = True
            self._after(pause, self._repeat)

    def _repeat(self) -> None:
        self._repeating = False
        self._repeat_calls()
        for stream in self._streams:
            if not stream.acknowledged:
                self._open_stream(stream)

    def _repeat_calls(self) -> None:
        for text in self._calls.unanswered():
            self._send_text(text)

    def _new_retries(self) -> Iterator[float]:
        return islice(self._options.backoff.delays(self._chance), self._options.gateway_retries)

    def _after(self, seconds: float, action: Callable[[], None]) -> None:
        async def act() -> None:
            await self._clock.sleep(seconds)
            action()

        task = asyncio.create_task(act())
        # The loop itself keeps only a weak reference to a task (asyncio, create_task).
        self._later.add(task)
        task.add_done_callback(self._later.discard)

    def _check_open(self) -> None:
        if self._ended is not None:
            # One for each who asks: an error that is raised twice carries both tracebacks.
            raise ClientClosedError(str(self._ended)) from self._ended.__cause__

    def _send(self, envelope: Envelope, actor_id: str) -> None:
        self._send_text(to_text(envelope, actor_id))

    def _send_text(self, text: str) -> None:
        """Send on the socket that there is; without one, the next one starts with what is unanswered."""
        if self._link is not None:
            self._link.send(text)
