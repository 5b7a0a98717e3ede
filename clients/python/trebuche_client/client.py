"""The client: what is asked, on whichever socket there is."""

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from itertools import islice
from types import TracebackType
from typing import Any, Final, Self
from uuid import UUID, uuid4

from trebuche.actors import Actor
from trebuche.envelopes import (
    Envelope,
    InvocationEnvelope,
    ResponseEnvelope,
    StreamEndEnvelope,
    StreamEndReason,
    StreamFilter,
    StreamStartEnvelope,
    TrebuchetActorID,
)
from trebuche_client.calls import Calls
from trebuche_client.clock import Clock, SystemClock
from trebuche_client.errors import (
    CallFailedError,
    CallTimeoutError,
    ClientClosedError,
    ClientError,
    EndpointError,
    StreamFailedError,
)
from trebuche_client.frames import GatewayError, from_text, to_text
from trebuche_client.link import Link, LinkLostError
from trebuche_client.options import ClientOptions
from trebuche_client.proxy import ActorProxy
from trebuche_client.session import Session
from trebuche_client.state import ConnectionState, StateChange
from trebuche_client.stream import Stream
from trebuche_client.subscription import Failed, Subscription
from trebuche_client.token import TokenSource

_PROTOCOL_VERSION: Final = 2


class TrebuchetClient:
    """One client of one endpoint. Drops are its affair: calls are repeated under their callID, streams resumed.

    Args:
        url: The WebSocket address, with the stage's path: ``wss://…/production``.
        token: Shown at each handshake as ``Authorization: Bearer …``; a function is asked for a fresh one each time,
            and before a JWT of its expires another socket with a fresh one takes over.
        options: Times and limits.
        clock: What the client lives by.
        on_state: Is told when the connection changes.
    """

    def __init__(
        self,
        url: str,
        *,
        token: TokenSource | None = None,
        options: ClientOptions | None = None,
        clock: Clock | None = None,
        on_state: Callable[[StateChange], None] | None = None,
    ) -> None:
        self._options = options or ClientOptions()
        self._clock = clock or SystemClock()
        self._chance = random.Random()
        self._session = Session(url, token, self._options, clock=self._clock, chance=self._chance)
        self._on_state = on_state
        self._state = ConnectionState.CLOSED
        self._calls = Calls()
        self._streams: list[Stream] = []
        self._link: Link | None = None
        self._running: asyncio.Task[None] | None = None
        self._first: asyncio.Future[None] | None = None
        self._later: set[asyncio.Task[None]] = set()
        self._retries = self._new_retries()
        self._repeating = False
        self._give_up_at = 0.0
        self._end = "the client is not connected; await connect() first"

    @property
    def state(self) -> ConnectionState:
        """Where the client stands now."""
        return self._state

    async def connect(self, *, patience: float = 30.0) -> None:
        """Connect, and stay connected until ``close()``.

        Args:
            patience: For how many seconds to try if nothing answers; 0 tries once.

        Raises:
            EndpointError: The endpoint refuses, or nothing answers.
        """
        if self._running is not None:
            raise ClientError("this client is connected already")
        self._end = "the client is closed"
        self._change(ConnectionState.CONNECTING)
        self._first = asyncio.get_running_loop().create_future()
        self._give_up_at = self._clock.now() + patience
        self._running = asyncio.create_task(self._run())
        try:
            await asyncio.shield(self._first)
        except BaseException:
            # Who gives up while it connects has no client: nothing may go on behind their back.
            await self.close()
            raise

    async def close(self) -> None:
        """End every stream and every wait, and close the socket. Nothing is sent or received afterwards."""
        running, self._running = self._running, None
        if running is None:
            return
        # Said while there is a socket, or each stream is posted to until a post finds the connection gone.
        for stream in self._streams:
            if (closing := stream.closing()) is not None:
                await self._send(closing, stream.actor_id)
        running.cancel()
        for task in self._later:
            task.cancel()
        await asyncio.gather(running, *self._later, return_exceptions=True)

    async def __aenter__(self) -> Self:
        """Connect."""
        await self.connect()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        await self.close()

    def resolve(self, actor: str | type[Actor[Any]], key: str | None = None) -> ActorProxy:
        """An actor to call and to observe; nothing is sent.

        Args:
            actor: Its id (``todos``, ``todos/groceries``), or its class, whose types then hold here, too.
            key: Which actor of a class is meant; without it the one that has the bare name.
        """
        return ActorProxy.of(self, actor, key)

    async def call(
        self,
        actor_id: str,
        method: str,
        arguments: Sequence[bytes] = (),
        *,
        timeout: float | None = None,
        call_id: UUID | None = None,
    ) -> bytes:
        """Call a method and wait for its result; it takes effect at most once, however often it must be sent.

        Args:
            actor_id: The actor.
            method: Its name on the wire.
            arguments: A JSON document each.
            timeout: Seconds to wait, drops and repetitions included.
            call_id: What the server knows the call by; new unless it is one that an earlier client sent.

        Returns:
            The result's JSON document; empty for a method without one.

        Raises:
            CallFailedError: The answer is an error. One that may pass was asked again until the time was over.
            CallTimeoutError: No answer came in time.
            MessageTooLargeError: The arguments are too large for a message.
            ClientClosedError: The client is closed.
        """
        call_id = call_id or uuid4()
        invocation = InvocationEnvelope(
            call_id, TrebuchetActorID(actor_id), method, _PROTOCOL_VERSION, (), tuple(arguments)
        )
        # Made once: whatever is sent again is the same frame, under the same callID.
        text = to_text(invocation, actor_id)
        seconds = self._options.call_timeout if timeout is None else timeout
        refused: CallFailedError | None = None
        try:
            async with asyncio.timeout(seconds):
                for delay in self._options.backoff.delays(self._chance):
                    answer = await self._ask(invocation, text)
                    if answer.error_message is None:
                        return answer.result or b""
                    refused = CallFailedError(answer.error_message, code=answer.code, retryable=bool(answer.retryable))
                    if not refused.retryable:
                        raise refused
                    await self._clock.sleep(delay)
        except TimeoutError:
            raise refused or CallTimeoutError(call_id, seconds) from None
        raise AssertionError("the delays never end")

    @asynccontextmanager
    async def stream(
        self, actor_id: str, target: str, *, wanted: StreamFilter | None = None, latest: bool = False
    ) -> AsyncGenerator[Stream]:
        """A stream of an observed property, ended on leaving.

        Args:
            actor_id: The actor.
            target: ``observe<Property>``.
            wanted: Which values are wanted.
            latest: Whether only the newest of the unread values is kept.

        Raises:
            ClientClosedError: The client is closed.
        """
        self._check_open()
        subscription = Subscription(actor_id, target, wanted)
        stream = Stream(actor_id, subscription, self._options, latest=latest, chance=self._chance)
        # Known before it is asked for, so that no streamStart comes too early.
        self._streams.append(stream)
        try:
            await self._open_stream(stream)
            yield stream
        finally:
            self._streams.remove(stream)
            if not stream.over and (closing := stream.closing()) is not None:
                await self._send(closing, actor_id)

    # What the session tells.

    @property
    def waiting(self) -> bool:
        """Whether an answer or a value should come."""
        return bool(self._calls) or bool(self._streams)

    async def opened(self, link: Link) -> None:
        """Repeat on a fresh socket what was not answered, and resume the streams there."""
        self._link = link
        # What took effect already is answered once more and not run again: the server knows the callIDs (D6).
        for text in self._calls.unanswered():
            await self._send_text(text)
        for stream in self._streams:
            await self._open_stream(stream)
        if self._first is not None and not self._first.done():
            self._first.set_result(None)
        self._change(ConnectionState.CONNECTED)

    async def received(self, text: str) -> None:
        """Hand on what came."""
        match from_text(text):
            case None:
                return
            case GatewayError() as error:
                self._repeat_later(error)
            case ResponseEnvelope() as response:
                # Functions answer again: the next failure may be tried as often as the first.
                self._retries = self._new_retries()
                self._calls.answer(response)
                await self._to_streams(response)
            case envelope:
                if isinstance(envelope, StreamStartEnvelope) and not any(s.asked_for(envelope) for s in self._streams):
                    # Opened by a call that was repeated, or left since: nobody reads it.
                    stray = StreamEndEnvelope(envelope.stream_id, StreamEndReason.CLIENT_UNSUBSCRIBED)
                    await self._send(stray, envelope.actor_id.id)
                await self._to_streams(envelope)

    async def tick(self) -> None:
        """Ask again for streams whose opening was never answered."""
        now = self._clock.now()
        for stream in self._streams:
            late = stream.asked_at is not None and now - stream.asked_at > self._options.call_timeout
            if late and not stream.acknowledged and not stream.over:
                await self._open_stream(stream)

    def lost(self, error: LinkLostError) -> None:
        """There is no socket now."""
        self._link = None
        reason = str(error)
        if error.refusing:
            # Sent once more, it would close the next socket, too.
            self._fail_unanswered(f"the gateway refused a message: {reason}", retryable=False)
        if self._first is not None and not self._first.done():
            if self._clock.now() >= self._give_up_at:
                self._first.set_exception(EndpointError(reason))
            return
        self._change(ConnectionState.RECONNECTING, reason)

    async def _run(self) -> None:
        reason: str | None = None
        try:
            await self._session.run(self)
        except EndpointError as error:
            reason = self._end = str(error)
            if self._first is not None and not self._first.done():
                self._first.set_exception(error)
        finally:
            self._link = None
            self._calls.fail(ClientClosedError(self._end))
            for stream in self._streams:
                stream.fail(ClientClosedError(self._end))
            self._change(ConnectionState.CLOSED, reason)

    async def _ask(self, invocation: InvocationEnvelope, text: str) -> ResponseEnvelope:
        self._check_open()
        with self._calls.expect(invocation.call_id, text) as answer:
            await self._send_text(text)
            return await answer

    async def _to_streams(self, envelope: Envelope) -> None:
        """Show an envelope to every stream: there are few, and each knows its own."""
        for stream in tuple(self._streams):
            step = stream.receive(envelope)
            if step.send is not None:
                await self._send(step.send, stream.actor_id)
            if any(isinstance(event, Failed) and event.retryable for event in step.events):
                self._after(next(stream.pauses), partial(self._open_stream, stream))

    async def _open_stream(self, stream: Stream) -> None:
        if not stream.over:
            await self._send(stream.opening(self._clock.now()), stream.actor_id)

    def _repeat_later(self, error: GatewayError) -> None:
        """A function failed, or a limit was hit, and nobody says for whom: everything unanswered is asked again."""
        # What is on its way already asks for everything.
        if self._repeating:
            return
        pause = next(self._retries, None)
        if pause is None:
            self._give_up(error)
        else:
            self._repeating = True
            self._after(pause, self._repeat)

    def _give_up(self, error: GatewayError) -> None:
        self._retries = self._new_retries()
        self._fail_unanswered(f"the gateway answers: {error.message} (request {error.request_id})", retryable=True)

    def _fail_unanswered(self, text: str, *, retryable: bool) -> None:
        self._calls.fail(CallFailedError(text, code="gateway", retryable=retryable))
        for stream in self._streams:
            if not stream.acknowledged:
                stream.fail(StreamFailedError(text, code="gateway", retryable=retryable))

    def _new_retries(self) -> Iterator[float]:
        return islice(self._options.backoff.delays(self._chance), self._options.gateway_retries)

    async def _repeat(self) -> None:
        self._repeating = False
        for text in self._calls.unanswered():
            await self._send_text(text)
        for stream in tuple(self._streams):
            if not stream.acknowledged:
                await self._open_stream(stream)

    def _after(self, seconds: float, action: Callable[[], Awaitable[None]]) -> None:
        async def act() -> None:
            await self._clock.sleep(seconds)
            await action()

        task = asyncio.create_task(act())
        # The loop itself keeps only a weak reference to a task (asyncio, create_task).
        self._later.add(task)
        task.add_done_callback(self._later.discard)

    async def _send(self, envelope: Envelope, actor_id: str) -> None:
        await self._send_text(to_text(envelope, actor_id))

    async def _send_text(self, text: str) -> None:
        """Send on the socket that there is; without one, the next one starts with what is unanswered."""
        if self._link is not None:
            with suppress(LinkLostError):
                await self._link.send(text)

    def _change(self, state: ConnectionState, reason: str | None = None) -> None:
        if state is not self._state:
            self._state = state
            if self._on_state is not None:
                self._on_state(StateChange(state, reason))

    def _check_open(self) -> None:
        if self._running is None or self._running.done():
            raise ClientClosedError(self._end)
