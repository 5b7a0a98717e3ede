"""The sandbox's process: emulator, front and pump, from start to a clean end."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from sandbox import record
from sandbox.aws import AwsClient
from sandbox.emulator import Emulator
from sandbox.engine.salts import sweep
from sandbox.errors import EmulatorDiedError
from sandbox.expiry import DELAY_SECONDS
from sandbox.front import Front
from sandbox.front.server import listen
from sandbox.functions.memory import MemoryWatch
from sandbox.pump import Pump
from sandbox.quotas import Quotas
from sandbox.services import services_on


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a sandbox is run.

    Args:
        root: The checkout whose ``.trebuche/`` it uses.
        port: Of the AWS address; 0 takes a free one.
        parent_pipe: Stop when standard input ends.
        pulumi: Lay out what the Pulumi CLI needs, too.
        quotas: What each account may do.
        ttl_delay_seconds: How long an item stays after its time to live, on the sandbox's clock.
    """

    root: Path
    port: int = 0
    parent_pipe: bool = False
    pulumi: bool = True
    quotas: Quotas = field(default_factory=Quotas)
    ttl_delay_seconds: float = DELAY_SECONDS


async def serve(options: Options, *, on_ready: Callable[[record.SandboxRecord], None]) -> None:
    """Run until a signal, the end of the parent, or the emulator's death.

    Raises:
        SandboxError: It cannot start.
        EmulatorDiedError: The emulator ended on its own.
    """
    stop = asyncio.Event()
    _stop_on_signals(stop)
    if options.parent_pipe:
        _stop_at_end_of_input(stop)
    # Lock and port come first: whoever does not get them has changed nothing.
    with record.only_one(options.root), contextlib.closing(listen(options.port)) as listener:
        record.clean_stale(options.root)
        directory = record.sandbox_directory(options.root)
        directory.mkdir(parents=True)
        try:
            await _until(stop, _run(options, directory, listener, on_ready))
        finally:
            record.record_path(options.root).unlink(missing_ok=True)
            record.remove_directory(options.root)


async def _run(
    options: Options, directory: Path, listener: socket.socket, on_ready: Callable[[record.SandboxRecord], None]
) -> None:
    # The functions are told the front's address, so it listens before there is an emulator.
    async with _emulator(directory, f"http://127.0.0.1:{listener.getsockname()[1]}") as emulator:
        if options.pulumi:
            await _prepare_pulumi(options.root, directory)
        async with _front(emulator, listener, options) as front, _sweeping(options.root, directory):
            running = record.SandboxRecord(
                pid=os.getpid(),
                emulator_pid=emulator.pid,
                aws_endpoint=front.endpoint,
                emulator_endpoint=emulator.endpoint,
                directory=str(directory),
                started=time.time(),
            )
            record.write(options.root, running)
            on_ready(running)
            watch = asyncio.create_task(MemoryWatch(emulator.pid).run())
            try:
                await emulator.died()
            finally:
                watch.cancel()
            raise EmulatorDiedError(
                f"The emulator ended unexpectedly; start the sandbox again. {emulator.last_words()}"
            )


@asynccontextmanager
async def _emulator(directory: Path, aws_endpoint: str) -> AsyncIterator[Emulator]:
    emulator = await Emulator.start(directory / "emulator", directory / "logs", aws_endpoint=aws_endpoint)
    try:
        yield emulator
    finally:
        await emulator.stop()


@asynccontextmanager
async def _sweeping(root: Path, directory: Path) -> AsyncIterator[None]:
    task = asyncio.create_task(sweep(root, directory))
    try:
        yield
    finally:
        task.cancel()


@asynccontextmanager
async def _front(emulator: Emulator, listener: socket.socket, options: Options) -> AsyncIterator[Front]:
    # aiohttp's default of 100 connections would bound how many functions can run at once.
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=30)
    timeout = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(connector=connector, auto_decompress=False, timeout=timeout) as session:
        aws = AwsClient(session, emulator.endpoint)
        services = services_on(aws, options.quotas, ttl_delay_seconds=options.ttl_delay_seconds)
        services.clock.follow(emulator.queue_clock.turn)
        pump = Pump(services)
        front = Front(session, emulator_endpoint=emulator.endpoint, listener=listener, pump=pump, services=services)
        await front.start()
        try:
            yield front
        finally:
            await front.stop()
            await pump.stop()


async def _prepare_pulumi(root: Path, directory: Path) -> None:
    """Off the event loop, and in a thread that does not hold up the end of the process."""
    from sandbox.engine.home import prepare_home  # only this needs the engine's parts

    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def settle(error: Exception | None) -> None:
        if not done.done():
            done.set_result(None) if error is None else done.set_exception(error)

    def work() -> None:
        try:
            prepare_home(root, directory)
        except Exception as error:  # carried over to the event loop, where it is raised
            loop.call_soon_threadsafe(settle, error)
        else:
            loop.call_soon_threadsafe(settle, None)

    threading.Thread(target=work, name="pulumi-home", daemon=True).start()
    await done


async def _until(stop: asyncio.Event, work: Coroutine[None, None, None]) -> None:
    """Run ``work``; end it in good order as soon as ``stop`` is set."""
    running, stopped = asyncio.create_task(work), asyncio.create_task(stop.wait())
    await asyncio.wait((running, stopped), return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running


def _stop_on_signals(stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)


def _stop_at_end_of_input(stop: asyncio.Event) -> None:
    """The parent holds the other end of our standard input: it ends with the parent, however that ends."""
    loop = asyncio.get_running_loop()
    descriptor = sys.stdin.fileno()

    def read() -> None:
        if not os.read(descriptor, 4096):
            loop.remove_reader(descriptor)
            stop.set()

    loop.add_reader(descriptor, read)
