"""The work of ``trebuche record``: a relay on this machine between clients and a stage, which notes their frames."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path
from typing import Final, TextIO
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from cli.errors import CommandError
from cli.frames import CLIENT, SERVER, frames_file, redacted
from cli.output import INTERRUPTED, Output
from cli.proxies import proxy_for
from cli.pulumi_stack import PulumiStack
from cli.target import deployed_target
from trebuche.contract import MESSAGE_LIMIT_BYTES

_LOOPBACK: Final = "127.0.0.1"
_MAX_SIZE: Final = 2 * MESSAGE_LIMIT_BYTES
_AUTHORIZATION: Final = "Authorization"
_PROTOCOLS: Final = "Sec-WebSocket-Protocol"


def record_and_print(output: Output, stack: PulumiStack, *, port: int, token: str | None) -> int:
    """Relay until Ctrl-C, and note every frame without its content; returns the exit code.

    Raises:
        CommandError: The stack has no endpoint.
    """
    endpoint = deployed_target(stack).deployment.outputs.get("wss_endpoint")
    if not endpoint:
        raise CommandError(f"Stack {stack.name} has no endpoint: websocket.enabled is false.")
    path = frames_file(stack.root, stack.short_name)
    path.parent.mkdir(parents=True, exist_ok=True)
    with suppress(KeyboardInterrupt), path.open("a") as file:
        asyncio.run(_relay(output, Gate(str(endpoint), Notes(file), token), port, path))
    return INTERRUPTED


class Notes:
    """Writes frames as lines."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def note(self, sender: str, text: str | bytes) -> None:
        """Write one frame without its content; what is no JSON is left out."""
        try:
            frame = json.loads(text)
        except ValueError:
            return
        self._file.write(json.dumps({"from": sender, "frame": redacted(frame)}, ensure_ascii=False) + "\n")
        self._file.flush()


async def _relay(output: Output, gate: "Gate", port: int, path: Path) -> None:
    async with gate.relaying(port) as server:
        own = next(iter(server.sockets)).getsockname()[1]
        address = f"ws://{_LOOPBACK}:{own}"
        if output.as_json:
            output.document({"endpoint": address, "file": str(path)})
        else:
            output.result(f"Relaying {address} to {gate.endpoint}")
            output.note(f"Point a client there; its frames go to {path}, without texts and numbers. Ctrl-C ends it.")
        await server.serve_forever()


class Gate:
    """Lets clients through to an endpoint with the credentials that they show, and notes their frames.

    Args:
        endpoint: Where to.
        notes: Takes the frames; what is shown at the handshake is not written down.
        token: Shown for clients that show nothing themselves.
    """

    def __init__(self, endpoint: str, notes: Notes, token: str | None = None) -> None:
        self.endpoint = endpoint
        self._notes = notes
        self._token = token
        self._beyond: dict[ServerConnection, ClientConnection] = {}
        self._seeing_off: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def relaying(self, port: int) -> AsyncIterator[Server]:
        """The server for clients, on this machine only."""
        async with serve(
            self._carry_both_ways,
            _LOOPBACK,
            port,
            max_size=_MAX_SIZE,
            process_request=self._knock,
            select_subprotocol=self._chosen,
        ) as server:
            yield server

    async def _knock(self, client: ServerConnection, request: Request) -> Response | None:
        """Connect as the client does, so that it hears of a refusal in its own handshake."""
        query = urlsplit(request.path).query
        offered = [one.strip() for one in ",".join(request.headers.get_all(_PROTOCOLS)).split(",") if one.strip()]
        bearer = request.headers.get(_AUTHORIZATION)
        if self._token and not (bearer or query or offered):
            bearer = f"Bearer {self._token}"
        try:
            self._beyond[client] = await connect(
                f"{self.endpoint}?{query}" if query else self.endpoint,
                proxy=proxy_for(self.endpoint),
                max_size=_MAX_SIZE,
                additional_headers={_AUTHORIZATION: bearer} if bearer else None,
                subprotocols=[Subprotocol(one) for one in offered] or None,
            )
        except InvalidStatus as error:
            refusal = client.respond(HTTPStatus.FORBIDDEN, "The stage refuses this handshake.\n")
            # Stages have numbers of their own, which HTTPStatus does not take.
            status, reason = error.response.status_code, error.response.reason_phrase
            return replace(refusal, status_code=status, reason_phrase=reason)
        except (OSError, WebSocketException) as error:
            return client.respond(HTTPStatus.BAD_GATEWAY, f"The stage cannot be reached: {error}\n")
        leaving = asyncio.create_task(self._see_off(client))
        # The loop itself keeps only a weak reference to a task (asyncio, create_task).
        self._seeing_off.add(leaving)
        leaving.add_done_callback(self._seeing_off.discard)
        return None

    async def _see_off(self, client: ServerConnection) -> None:
        """End what was opened for a client that goes away before its handshake has ended."""
        await client.wait_closed()
        if stage := self._beyond.pop(client, None):
            await stage.close()

    def _chosen(self, client: ServerConnection, _offered: Sequence[Subprotocol]) -> Subprotocol | None:
        return self._beyond[client].subprotocol

    async def _carry_both_ways(self, client: ServerConnection) -> None:
        """Carry frames until one of the two goes away."""
        async with self._beyond.pop(client) as stage:
            ways = [
                asyncio.create_task(_carry(client, stage, CLIENT, self._notes)),
                asyncio.create_task(_carry(stage, client, SERVER, self._notes)),
            ]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in ways:
                way.cancel()
        await client.close()


async def _carry(
    source: ServerConnection | ClientConnection, to: ServerConnection | ClientConnection, sender: str, notes: Notes
) -> None:
    with suppress(ConnectionClosed):
        async for text in source:
            notes.note(sender, text)
            await to.send(text)
