"""The Python client as a program that does what it is told: ``tests/support/client_process.py`` speaks to it."""

import asyncio
import json
import random
import sys
import time
from dataclasses import asdict, is_dataclass
from functools import partial
from typing import Any

from trebuche_client import Backoff, ClientError, ClientOptions, StateChange, TrebuchetClient


class TurnedClock:
    """Real time plus what it was turned by."""

    def __init__(self) -> None:
        self._offset = 0.0
        self._turned = asyncio.Event()

    def now(self) -> float:
        """Seconds since some moment."""
        return time.monotonic() + self._offset

    def epoch(self) -> float:
        """Seconds since 1970."""
        return time.time() + self._offset

    async def sleep(self, seconds: float) -> None:
        """Wait until then, however it becomes that late."""
        due = self.now() + seconds
        while (left := due - self.now()) > 0:
            try:
                async with asyncio.timeout(left):
                    await self._turned.wait()
            except TimeoutError:
                return

    def turn(self, seconds: float) -> None:
        """Let so much time pass at once."""
        self._offset += seconds
        self._turned.set()
        self._turned = asyncio.Event()


class Program:
    """Takes commands, tells results and events."""

    def __init__(self) -> None:
        self._clock = TurnedClock()
        self._clients: dict[str, TrebuchetClient] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Serve until standard input ends."""
        while line := await asyncio.to_thread(sys.stdin.readline):
            self._start(self._serve(json.loads(line)))
        for client in self._clients.values():
            await client.close()

    def _start(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, command: dict[str, Any]) -> None:
        number, name = command.pop("id"), command.pop("do")
        try:
            tell(id=number, result=await getattr(self, f"do_{name}")(**command))
        except ClientError as error:
            tell(id=number, error=type(error).__name__, message=str(error))

    async def do_connect(self, client: str, url: str, options: dict[str, Any]) -> None:
        """Connect a new client."""
        backoff = Backoff(*options.pop("backoff")) if "backoff" in options else Backoff()
        self._clients[client] = TrebuchetClient(
            url,
            options=ClientOptions(backoff=backoff, **options),
            clock=self._clock,
            on_state=partial(tell_state, client),
        )
        await self._clients[client].connect(patience=120)

    async def do_observe(self, client: str, stream: str, actor: str) -> None:
        """Tell every value from now on."""
        self._start(self._read(self._clients[client].resolve(actor).observe("state"), stream))

    async def _read(self, observation: Any, stream: str) -> None:
        try:
            async for one in observation.values():
                tell(event="value", stream=stream, sequence=one.sequence, recovered=one.recovered, value=one.value)
        except ClientError as error:
            tell(event="ended", stream=stream, error=type(error).__name__, message=str(error))

    async def do_call(self, client: str, actor: str, method: str, arguments: list[Any], timeout: float) -> Any:
        """Call a method."""
        return await self._clients[client].resolve(actor).call(method, *arguments, timeout=timeout)

    async def do_turn(self, seconds: float) -> None:
        """Turn the clients' clock."""
        self._clock.turn(seconds)

    async def do_delays(self, clients: int, attempts: int, *, told: bool) -> list[list[float]]:
        """When each client of a fleet tries again and again, if each was told how large it is or not."""
        backoff = Backoff.for_fleet(clients) if told else Backoff()
        fleet = [backoff.delays(random.Random(seed)) for seed in range(clients)]
        return [[next(delays) for _ in range(attempts)] for delays in fleet]


def tell_state(client: str, change: StateChange) -> None:
    """Tell where a client stands; attempts that fail are its own affair."""
    if not change.failures:
        tell(event="state", client=client, state=change.state)


def tell(**document: Any) -> None:
    """Write a line."""
    print(
        json.dumps(
            document,
            default=lambda value: asdict(value) if is_dataclass(value) and not isinstance(value, type) else str(value),
        ),
        flush=True,
    )


if __name__ == "__main__":
    asyncio.run(Program().run())
