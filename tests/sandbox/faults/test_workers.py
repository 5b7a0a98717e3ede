"""The processes that functions run in: which one a request comes from, and whose are killed."""

import asyncio
import json
import subprocess
import sys
from contextlib import ExitStack
from typing import Any, cast

import pytest

from sandbox.aws import AwsClient, Json
from sandbox.emulator.process import reserved_port
from sandbox.faults.workers import Worker, Workers
from sandbox.handle import Handle
from tests.support.sandbox import Aws

CONNECTS = "import socket, sys; held = socket.create_connection(('127.0.0.1', int(sys.argv[1]))); sys.stdin.read()"
FROM_A_PORT = """
import socket, sys
held = socket.socket()
held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
held.bind(("127.0.0.1", int(sys.argv[2])))
held.connect(("127.0.0.1", int(sys.argv[1])))
held.recv(1)
"""
BY_A_CHILD = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {CONNECTS!r}, *sys.argv[1:]])"


class Emulator(AwsClient):
    """Says that one process, which it has not started, serves an invocation."""

    def __init__(self, pid: int) -> None:
        super().__init__(cast("Any", None), "")
        self.pid = pid

    async def call(self, target: str, payload: Json, **_: str) -> Json:
        """The invocations that run."""
        assert (target, payload) == ("AmazonSQS.SandboxListInvocations", {})
        return {str(self.pid): {"RequestId": "first", "FunctionName": "todo"}}


@pytest.mark.parametrize("program", [CONNECTS, BY_A_CHILD], ids=["itself", "by-a-child"])
def test_a_request_is_known_by_who_holds_its_connection(program: str) -> None:
    """The process that the emulator names is found at the other end, or above it; nobody else's connection is its."""

    async def main() -> None:
        connections: asyncio.Queue[asyncio.BaseTransport] = asyncio.Queue()
        server = await asyncio.start_server(lambda _, writer: connections.put_nowait(writer.transport), "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server:
            _, stranger = await asyncio.open_connection("127.0.0.1", port)
            strangers = await connections.get()
            with subprocess.Popen([sys.executable, "-c", program, str(port)], stdin=subprocess.PIPE) as process:
                workers = Workers(Emulator(process.pid))
                transport = await connections.get()
                for _ in range(2):  # found, and remembered
                    assert await workers.behind(transport) == Worker(process.pid, "todo", "first")
                assert await workers.behind(strangers) is None
                cast("Any", process.stdin).close()
            transport.close()
            stranger.close()

    asyncio.run(main())


def test_a_port_that_other_connections_have_too_tells_nobody_apart() -> None:
    """Linux gives a port to connections with different servers: the process is that of the one with this server."""

    async def main() -> None:
        connections: asyncio.Queue[asyncio.BaseTransport] = asyncio.Queue()
        with ExitStack() as children, reserved_port() as port:
            held: list[tuple[subprocess.Popen[bytes], asyncio.BaseTransport]] = []
            for _ in range(2):
                server = await asyncio.start_server(lambda _, to: connections.put_nowait(to.transport), "127.0.0.1", 0)
                children.callback(server.close)
                words = [sys.executable, "-c", FROM_A_PORT, str(server.sockets[0].getsockname()[1]), str(port)]
                child = children.enter_context(subprocess.Popen(words))
                children.callback(child.kill)
                held.append((child, await connections.get()))
            for child, transport in held:
                assert await Workers(Emulator(child.pid)).behind(transport) == Worker(child.pid, "todo", "first")
                transport.close()

    asyncio.run(main())


def test_functions_of_other_accounts_are_left_alone(aws: Aws, handle: Handle) -> None:
    """Of two functions of one name the one whose fault struck goes on in another process; the other's lives."""
    ours = aws.function("import os\nreturn os.getpid()")
    theirs = Aws(aws.endpoint, aws.folder, account="222222222222")
    theirs.function("import os\nreturn os.getpid()", name=ours.name)
    before = [pid_of(account, ours.name) for account in (aws, theirs)]
    handle.faults.set("killed-after", function=ours.name, count=1)
    assert isinstance(pid_of(aws, ours.name), dict)
    after = [pid_of(account, ours.name) for account in (aws, theirs)]
    assert [one == other for one, other in zip(before, after, strict=True)] == [False, True]


def pid_of(aws: Aws, function: str) -> object:
    """What a function answers: the id of its process, or an error."""
    return json.load(aws.functions.invoke(FunctionName=function)["Payload"])
