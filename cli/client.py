"""Sockets to an endpoint: opening them, envelopes over them, and one call that survives a drop.

Text frames only, as API Gateway takes no others. Loopback never goes through a proxy.
"""

import asyncio
import ipaddress
import json
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Literal
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI

from cli.arguments import exposed_name
from cli.errors import EndpointError, RemoteError
from trebuche.contract import MESSAGE_LIMIT_BYTES
from trebuche.envelopes import Envelope, InvocationEnvelope, ResponseEnvelope, decode, encode
from trebuche.errors import ProtocolError

_OPEN_SECONDS = 30.0
_FRAME_CHARACTERS = 8_000
"""API Gateway takes frames of 32 KB (its quota page); a character is 4 bytes at the most."""
_FINAL_CLOSES = frozenset({1003, 1009})
"""Binary frame, message too big: what was sent once more would be refused once more."""
_FIRST_DELAY_SECONDS = 0.2
_LONGEST_DELAY_SECONDS = 5.0


class LinkLostError(Exception):
    """The socket closed although nobody asked for it; opening another one may help."""


class Link:
    """One open socket that speaks envelopes."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket

    async def send(self, envelope: Envelope, *, actor: str) -> None:
        """Send an envelope; ``action`` beside it lets the gateway go straight to the actor's function.

        Raises:
            EndpointError: It is too large.
            LinkLostError: The socket is closed.
        """
        document = json.loads(encode(envelope))
        await self._send_text(json.dumps({"action": exposed_name(actor), **document}, ensure_ascii=False))

    async def keep_alive(self) -> None:
        """Send a frame that no actor sees: a gateway closes sockets that are silent for ten minutes.

        Raises:
            LinkLostError: The socket is closed.
        """
        await self._send_text('{"action":"ping"}')

    async def receive(self) -> Envelope | None:
        """The next envelope; None for a frame that is none of ours.

        Raises:
            LinkLostError: The socket is closed.
            RemoteError: The gateway says that a function failed.
        """
        try:
            text = await self._socket.recv()
        except ConnectionClosed as error:
            raise _lost(error) from error
        if isinstance(text, bytes):
            return None
        try:
            return decode(text)
        except ProtocolError:
            _raise_gateway_error(text)
            return None

    async def _send_text(self, text: str) -> None:
        size = len(text.encode())
        if size > MESSAGE_LIMIT_BYTES:
            raise EndpointError(
                f"The message has {size:,} bytes; API Gateway takes {MESSAGE_LIMIT_BYTES:,} at the most."
            )
        frames = [text[start : start + _FRAME_CHARACTERS] for start in range(0, len(text), _FRAME_CHARACTERS)]
        try:
            await self._socket.send(text if len(frames) == 1 else frames)
        except ConnectionClosed as error:
            raise _lost(error) from error


@asynccontextmanager
async def open_link(endpoint: str) -> AsyncIterator[Link]:
    """Open a socket.

    Raises:
        EndpointError: The endpoint refuses the connection for good.
        LinkLostError: Nothing answers there now.
    """
    proxy: Literal[True] | None = None if _is_loopback(endpoint) else True
    try:
        socket = await connect(
            endpoint, proxy=proxy, open_timeout=_OPEN_SECONDS, close_timeout=1, max_size=2 * MESSAGE_LIMIT_BYTES
        )
    except InvalidStatus as error:
        raise EndpointError(f"{endpoint} refuses the connection with HTTP {error.response.status_code}.") from error
    except InvalidURI as error:
        raise EndpointError(f"{endpoint} is no WebSocket address.") from error
    except (OSError, InvalidHandshake, TimeoutError) as error:
        raise LinkLostError(f"Nothing answers at {endpoint} ({error})") from error
    async with socket:
        yield Link(socket)


def delays() -> Iterator[float]:
    """Seconds to wait before each new attempt: doubling, capped, spread by half."""
    delay = _FIRST_DELAY_SECONDS
    while True:
        yield delay * random.uniform(0.5, 1.0)
        delay = min(delay * 2, _LONGEST_DELAY_SECONDS)


async def call(endpoint: str, invocation: InvocationEnvelope, *, timeout_seconds: float) -> ResponseEnvelope:
    """Call a method and wait for its answer; after a drop the same callID is sent again, so it takes effect once.

    Raises:
        EndpointError: Nothing answers, or not in time.
        RemoteError: The gateway says that the function failed.
    """
    connected = False
    try:
        async with asyncio.timeout(timeout_seconds):
            for delay in delays():
                try:
                    async with open_link(endpoint) as link:
                        connected = True
                        return await _exchange(link, invocation)
                except LinkLostError as error:
                    if not connected:
                        raise EndpointError(f"{error}. Is `make run` still running?") from error
                await asyncio.sleep(delay)
    except TimeoutError as error:
        raise EndpointError(
            f"No answer within {timeout_seconds:g} s. The call may still take effect (callID {invocation.call_id})."
        ) from error
    raise AssertionError("the delays never end")


async def _exchange(link: Link, invocation: InvocationEnvelope) -> ResponseEnvelope:
    await link.send(invocation, actor=invocation.actor_id.id)
    while True:
        envelope = await link.receive()
        if isinstance(envelope, ResponseEnvelope) and envelope.call_id == invocation.call_id:
            return envelope


def _is_loopback(endpoint: str) -> bool:
    host = urlsplit(endpoint).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _lost(error: ConnectionClosed) -> LinkLostError | EndpointError:
    """What a closed socket means: another one may help, or would be closed for the same reason."""
    if error.rcvd is not None and error.rcvd.code in _FINAL_CLOSES:
        return EndpointError(f"The gateway refused the message: {_close_text(error)}.")
    return LinkLostError(_close_text(error))


def _close_text(error: ConnectionClosed) -> str:
    close = error.rcvd
    if close is None:
        return "the connection broke off"
    return f"closed with code {close.code}" + (f": {close.reason}" if close.reason else "")


def _raise_gateway_error(text: str) -> None:
    """Recognise API Gateway's own error document, which carries no callID."""
    try:
        document = json.loads(text)
    except ValueError:
        return
    if isinstance(document, dict) and "requestId" in document and isinstance(document.get("message"), str):
        raise RemoteError(
            f"The gateway answers: {document['message']} (request {document['requestId']})", code="gateway"
        )
