"""The client: one endpoint, whichever socket there is."""

import asyncio
import random
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Final, Self, TypeVar, overload
from uuid import UUID, uuid4

from trebuche.actors import Actor
from trebuche.envelopes import InvocationEnvelope, StreamFilter, TrebuchetActorID
from trebuche_client.clock import Clock, SystemClock
from trebuche_client.conversation import Conversation
from trebuche_client.errors import (
    ClientClosedError,
    ClientError,
    EndpointError,
    LinkLostError,
)
from trebuche_client.link import Link
from trebuche_client.options import ClientOptions
from trebuche_client.proxy import ActorProxy
from trebuche_client.session import Session
from trebuche_client.state import ConnectionState, StateChange
from trebuche_client.stream import Stream
from trebuche_client.subscription import Subscription
from trebuche_client.token import TokenSource

S = TypeVar("S")
_PROTOCOL_VERSION: Final = 2


class TrebuchetClient:
    """One client of one endpoint. Drops are its affair: calls are repeated under their callID, streams resumed.

    Args:
        url: The WebSocket address, with the stage's path: ``wss://…/production``.
        token: Shown at each handshake as ``Authorization: Bearer …``; a function is asked for a fresh one each time,
            and before a JWT of its expires another socket with a fresh one takes over.
        options: Times and limits.
        clock: What the client lives by.
        on_state: Is told when the connection changes, and of each attempt to connect that fails.
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
        self._url = url
        self._options = options or ClientOptions()
        self._clock = clock or SystemClock()
        self._chance = random.Random()
        self._session = Session(url, token, self._options, clock=self._clock, chance=self._chance)
        self._conversation = Conversation(self._options, self._clock, self._chance)
        self._on_state = on_state
        self._state = ConnectionState.CLOSED
        self._running: asyncio.Task[None] | None = None
        self._first: asyncio.Future[None] | None = None
        self._trouble: LinkLostError | None = None
        self._tries_once = False

    @property
    def state(self) -> ConnectionState:
        """Where the client stands now."""
        return self._state

    async def connect(self, *, patience: float = 30.0) -> None:
        """Connect, and stay connected until ``close()``.

        Args:
            patience: For how many seconds to try; 0 tries once, for as long as ``connect_timeout`` allows.

        Raises:
            EndpointError: The endpoint refuses, or nothing answers.
        """
        if self._running is not None and not self._running.done():
            raise ClientError("this client is connected already")
        self._conversation.begin()
        self._trouble, self._tries_once = None, patience <= 0
        self._change(ConnectionState.CONNECTING)
        self._first = asyncio.get_running_loop().create_future()
        self._running = asyncio.create_task(self._run())
        giving_up = None if self._tries_once else asyncio.create_task(self._give_up_after(patience))
        try:
            await asyncio.shield(self._first)
        except BaseException:
            # Who gives up while it connects has no client: nothing may go on behind their back.
            await self.close()
            raise
        finally:
            if giving_up is not None:
                giving_up.cancel()

    async def close(self) -> None:
        """End every stream and every wait, and close the socket. Nothing is sent or received afterwards.

        Takes no longer than about a second, whatever the other side does.
        """
        running, self._running = self._running, None
        if running is None:
            return
        # Said while there is a socket, which sends what it was given before it is closed.
        self._conversation.say_goodbye()
        self._conversation.end(ClientClosedError("the client is closed"))
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    async def __aenter__(self) -> Self:
        """Connect."""
        await self.connect()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        await self.close()

    @overload
    def resolve(self, actor: str, key: str | None = None) -> ActorProxy[Any]: ...
    @overload
    def resolve(self, actor: type[Actor[S]], key: str | None = None) -> ActorProxy[S]: ...

    def resolve(self, actor: str | type[Actor[Any]], key: str | None = None) -> ActorProxy[Any]:
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
        invocation = InvocationEnvelope(
            call_id or uuid4(), TrebuchetActorID(actor_id), method, _PROTOCOL_VERSION, (), tuple(arguments)
        )
        return await self._conversation.call(invocation, self._options.call_timeout if timeout is None else timeout)

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
        subscription = Subscription(actor_id, target, wanted)
        stream = Stream(actor_id, subscription, self._options, latest=latest, chance=self._chance)
        self._conversation.enter(stream)
        try:
            yield stream
        finally:
            self._conversation.leave(stream)

    # What the session tells.

    @property
    def waiting(self) -> bool:
        """Whether an answer or a value should come."""
        return self._conversation.waiting

    def opened(self, link: Link) -> None:
        """Go on over a fresh socket."""
        self._conversation.take(link)
        if self._first is not None and not self._first.done():
            self._first.set_result(None)
        self._change(ConnectionState.CONNECTED)

    def received(self, text: str) -> None:
        """Hand on what came.

        Raises:
            EndpointError: The right to be connected was taken back.
        """
        self._conversation.receive(text)

    def tick(self) -> None:
        """Look after what was asked."""
        self._conversation.tick()

    def lost(self, error: LinkLostError, failures: int) -> None:
        """There is no socket now."""
        self._conversation.drop()
        self._trouble = error
        if error.refusing:
            # Sent once more, it would close the next socket, too.
            self._conversation.fail_unanswered(f"the gateway refused a message: {error}", retryable=False)
        if self._first is None or self._first.done():
            self._change(ConnectionState.RECONNECTING, str(error), failures)
        elif self._tries_once:
            self._give_up()
        else:
            self._change(ConnectionState.CONNECTING, str(error), failures)

    async def _run(self) -> None:
        error: ClientError | None = None
        try:
            await self._session.run(self)
        except EndpointError as refused:
            error = refused
        # A defect of ours, too, must reach those who wait: they would wait for good.
        except Exception as defect:
            error = ClientError(f"the client failed: {type(defect).__name__}: {defect}")
            error.__cause__ = defect
        finally:
            self._finish(error)

    def _finish(self, error: ClientError | None) -> None:
        """Tell everybody that this is the end: ``close()``, or an error."""
        closed = ClientClosedError("the client is closed" if error is None else str(error))
        closed.__cause__ = error
        self._conversation.end(closed)
        if self._first is not None and not self._first.done():
            self._first.set_exception(error or closed)
            # Whoever connects may have left: then nobody looks, and nobody need be warned of that.
            self._first.exception()
        self._change(ConnectionState.CLOSED, None if error is None else str(error))

    async def _give_up_after(self, seconds: float) -> None:
        await self._clock.sleep(seconds)
        if self._trouble is None:
            self._trouble = LinkLostError(f"no connection to {self._url} within {seconds:g} s")
        self._give_up()

    def _give_up(self) -> None:
        if self._first is not None and not self._first.done():
            status = None if self._trouble is None else self._trouble.status
            self._first.set_exception(EndpointError(str(self._trouble), status=status))

    def _change(self, state: ConnectionState, reason: str | None = None, failures: int = 0) -> None:
        if state is self._state and not failures:
            return
        self._state = state
        if self._on_state is None:
            return
        try:
            self._on_state(StateChange(state, reason, failures))
        # It is the program's own function: whatever it raises is told where asyncio tells it, and harms no connection.
        except Exception as error:
            context = {"message": "on_state of a TrebuchetClient raised", "exception": error}
            asyncio.get_running_loop().call_exception_handler(context)
