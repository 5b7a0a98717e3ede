"""The work of ``trebuche record``: a relay on this machine between clients and a stage, which notes their frames."""

import asyncio
import json
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from cli.errors import CommandError
from cli.frames import CLIENT, SERVER, frames_file, redacted
from cli.output import INTERRUPTED, Output
from cli.proxies import proxy_for
from cli.pulumi_stack import PulumiStack
from cli.target import deployed_target
from trebuche.contract import MESSAGE_LIMIT_BYTES

_LOOPBACK = "127.0.0.1"
_MAX_SIZE = 2 * MESSAGE_LIMIT_BYTES


def record_and_print(output: Output, stack: PulumiStack, *, port: int) -> int:
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
        asyncio.run(_relay(output, str(endpoint), port, Notes(file), path))
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


async def _relay(output: Output, endpoint: str, port: int, notes: Notes, path: Path) -> None:
    async def handle(client: ServerConnection) -> None:
        await relay(client, endpoint, notes)

    async with serve(handle, _LOOPBACK, port, max_size=_MAX_SIZE) as server:
        own = next(iter(server.sockets)).getsockname()[1]
        address = f"ws://{_LOOPBACK}:{own}"
        if output.as_json:
            output.document({"endpoint": address, "file": str(path)})
        else:
            output.result(f"Relaying {address} to {endpoint}")
            output.note(f"Point a client there; its frames go to {path}, without texts and numbers. Ctrl-C ends it.")
        await server.serve_forever()


async def relay(client: ServerConnection, endpoint: str, notes: Notes) -> None:
    """Carry frames between a client and an endpoint until one of them goes away."""
    async with connect(endpoint, proxy=proxy_for(endpoint), max_size=_MAX_SIZE) as server:
        ways = [
            asyncio.create_task(_carry(client, server, CLIENT, notes)),
            asyncio.create_task(_carry(server, client, SERVER, notes)),
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
