"""Start, watch and stop the emulator's process."""

import asyncio
import contextlib
import ctypes
import os
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, Self

import aiohttp

from sandbox.emulator.queue_clock import QueueClock
from sandbox.errors import EmulatorDiedError, SandboxError

CHECKOUT: Final = Path(__file__).resolve().parents[2]
INTERPRETER: Final = CHECKOUT / ".venv-emulator" / "bin" / "python"
BARE: Final = INTERPRETER.with_name("ministack")
"""The emulator as it is published."""
LAUNCHER: Final = Path(__file__).with_name("launcher.py")
START_DEADLINE_SECONDS: Final = 60.0
STOP_GRACE_SECONDS: Final = 1.0

_PR_SET_PDEATHSIG: Final = 1
_libc = ctypes.CDLL(None, use_errno=True)


@contextlib.contextmanager
def reserved_port() -> Iterator[int]:
    """A port of the loopback interface that nobody listens on, and that the system gives to nobody meanwhile.

    Whoever asks for it by its number, and allows that it is reused as servers do, gets it all the same.
    """
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


class Emulator:
    """A running emulator, in a session of its own together with the functions' worker processes."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, log: Path, clock: QueueClock) -> None:
        self._process = process
        self._log = log
        self.queue_clock = clock
        self.endpoint = f"http://127.0.0.1:{port}"

    @property
    def pid(self) -> int:
        """Process id, which is also the id of its process group."""
        return self._process.pid

    @classmethod
    async def start(
        cls,
        directory: Path,
        logs: Path,
        *,
        aws_endpoint: str,
        interpreter: Path = INTERPRETER,
        program: Path = LAUNCHER,
    ) -> Self:
        """Start the emulator and wait until it answers.

        Args:
            directory: Its home; all that it writes stays below.
            logs: Where ``emulator.log`` goes.
            aws_endpoint: Where the functions find AWS: the sandbox's own address, so that what they call meets the
                same limits and is measured like everybody's calls.
            interpreter: Of the environment that has the emulator.
            program: What it runs: the emulator with the sandbox's additions, or without.

        Raises:
            SandboxError: Its environment is missing, or it does not answer in time.
        """
        if not interpreter.exists():
            raise SandboxError("The emulator's environment .venv-emulator is missing; run `make setup`.")
        (directory / "tmp").mkdir(parents=True, exist_ok=True)
        logs.mkdir(parents=True, exist_ok=True)
        log = logs / "emulator.log"
        clock = QueueClock(directory)
        clock.create()
        # Without -P the launcher's folder were on the path: `process` and its like are names of packages.
        command = [str(interpreter), "-P", str(program)]
        with reserved_port() as port:
            process = _spawn(command, directory, log=log, port=port, aws_endpoint=aws_endpoint)
            emulator = cls(process, port, log, clock)
            try:
                await emulator._until_healthy()
            # A cancellation, too: nobody else knows of the process yet.
            except BaseException:
                await emulator.stop()
                raise
        return emulator

    async def died(self) -> None:
        """Return when the process has ended, for whatever reason."""
        while self._process.poll() is None:
            await asyncio.sleep(0.1)

    def last_words(self) -> str:
        """The end of its log, for a message to somebody who will not find the log any more."""
        lines = self._log.read_text(errors="replace").splitlines() if self._log.exists() else []
        return f"Its last line was: {lines[-1]}" if lines else f"It had logged nothing (status {self._process.poll()})."

    async def stop(self) -> None:
        """End the process and its workers: ask first, then insist."""
        self._signal(signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_GRACE_SECONDS):
                await self.died()
        self._signal(signal.SIGKILL)
        await self.died()

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    async def _until_healthy(self) -> None:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:
            for _ in range(int(START_DEADLINE_SECONDS / 0.05)):
                if self._process.poll() is not None:
                    raise EmulatorDiedError(f"The emulator ended while starting; the reason is in {self._log}.")
                with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                    async with session.get(f"{self.endpoint}/_ministack/health") as response:
                        if response.status == 200:
                            return
                await asyncio.sleep(0.05)
        raise SandboxError(f"The emulator did not answer in {START_DEADLINE_SECONDS:.0f} s; see {self._log}.")


def _spawn(command: list[str], directory: Path, *, log: Path, port: int, aws_endpoint: str) -> subprocess.Popen[bytes]:
    environment = {
        # Nothing of our own environment: functions inherit what the emulator has.
        "HOME": str(directory),
        "TMPDIR": str(directory / "tmp"),
        "PATH": "/usr/bin:/bin",
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        # Both would listen on every interface.
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "LOG_LEVEL": "WARNING",
        # Without it the emulator evaluates no policy.
        "AUTH": "true",
        # Handed on to the functions, which would otherwise call the emulator past the front.
        "AWS_ENDPOINT_URL": aws_endpoint,
        "QUEUE_CLOCK": str(QueueClock(directory).path),
    }
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_die_with(os.getpid()),
        )


def _die_with(parent: int) -> Callable[[], None]:
    """What the child does before it becomes the emulator: never outlive the sandbox, however that ends."""

    def prepare() -> None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        # The parent may have died before the system was asked.
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)

    return prepare
