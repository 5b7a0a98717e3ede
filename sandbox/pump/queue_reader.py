"""Reads a queue for one mapping: when to look, how much to take, how many batches at once."""

import asyncio
import contextlib
import json
from typing import Final

import aiohttp

from sandbox.aws import AwsRefusedError, Json
from sandbox.pump.mapping import Mapping
from sandbox.pump.queue_batch import QueueBatches
from sandbox.pump.queue_event import event_of
from sandbox.pump.queue_settings import QueueSettings, read
from sandbox.queues import ACTIONS, Depth, Queue
from sandbox.services import Services

PAYLOAD_BYTES: Final = 6 * 1024 * 1024
FIRST_CONCURRENCY: Final = 5
CONCURRENCY_PER_SECOND: Final = 5.0
MOST_CONCURRENT: Final = 1250
"""Lambda begins with five batches at once, adds up to 300 a minute while messages wait, and stops there."""
LOOK_SECONDS: Final = 0.5
"""Real time between two looks at a queue that nobody has touched by way of the front: topics and buses send, too."""
BUSY_PAUSE_SECONDS: Final = 0.1
_ENVELOPE_BYTES: Final = len(json.dumps({"Records": []}))
_SEPARATOR_BYTES: Final = 2


class QueueReader:
    """Takes messages and has batches of them delivered.

    Args:
        mapping: Whose queue it is.
        services: Reach the queue, judge the function's role, measure windows and visibility.
    """

    def __init__(self, mapping: Mapping, services: Services) -> None:
        self._mapping = mapping
        self._queue = Queue(services.aws, mapping.source_arn, services.meter)
        self._batches = QueueBatches(mapping, self._queue, services)
        self._permissions = services.permissions
        self._clock = services.clock
        self._woken = asyncio.Event()
        self._held = contextlib.ExitStack()
        self._holding = False
        self._running: set[asyncio.Task[None]] = set()
        self._backlog_since: float | None = None
        self._left: list[Json] = []

    def wake(self) -> None:
        """Look at the queue now, and hold time until that is done."""
        if not self._holding and self._mapping.enabled.is_set():
            self._holding = True
            self._held.enter_context(self._clock.work())
        self._woken.set()

    async def run(self) -> None:
        """Read until cancelled; what is under way then is dropped, and its messages come back."""
        try:
            while True:
                await self._until_enabled()
                try:
                    await self._read()
                except (AwsRefusedError, aiohttp.ClientError, TimeoutError):
                    await self._wait(None)  # the queue is gone, or the emulator in trouble: asked again
        finally:
            self._let_go()
            for task in self._running:
                task.cancel()

    async def _read(self) -> None:
        self._woken.clear()
        depth = await self._queue.depth()
        if not (depth.visible or self._left) or not await self._permitted():
            self._backlog_since = None
            await self._wait(depth.next_due)
            return
        if self._backlog_since is None:
            self._backlog_since = self._clock.now()
        await self._until_room()
        settings = read(self._mapping.document)
        messages = await self._gather(settings)
        if messages:
            self._deliver(messages, depth)
        else:  # what is in sight waits behind the rest of its group, or has been moved to a dead-letter queue
            await self._wait((await self._queue.depth()).next_due)

    async def _until_enabled(self) -> None:
        if not self._mapping.enabled.is_set():
            self._let_go()
            await self._mapping.enabled.wait()

    async def _permitted(self) -> bool:
        reason = await self._permissions.judge_function(self._mapping.function_arn, ACTIONS, self._mapping.source_arn)
        return reason is None

    async def _until_room(self) -> None:
        while len(self._running) >= self._most_concurrent():
            # Not only an end makes room: the bound itself grows with time.
            await asyncio.wait(self._running, timeout=BUSY_PAUSE_SECONDS, return_when=asyncio.FIRST_COMPLETED)

    def _most_concurrent(self) -> int:
        began = self._clock.now() if self._backlog_since is None else self._backlog_since
        grown = FIRST_CONCURRENCY + int((self._clock.now() - began) * CONCURRENCY_PER_SECOND)
        return min(grown, read(self._mapping.document).most_concurrent or MOST_CONCURRENT, MOST_CONCURRENT)

    async def _gather(self, settings: QueueSettings) -> list[Json]:
        """A batch: what is there now, and what comes within the window, up to size and payload."""
        gathered, self._left = self._left, []
        deadline: float | None = None
        while True:
            room = settings.batch_size - len(gathered)
            found = await self._queue.receive(room) if room > 0 else []
            gathered += found
            if deadline is None and gathered:
                deadline = self._clock.now() + settings.window_seconds
            full = len(gathered) >= settings.batch_size or self._fitting(gathered) < len(gathered)
            if not gathered or full or self._clock.now() >= (deadline or 0.0):
                break
            if not found:
                await self._wait(deadline)
                self._woken.clear()
        fitting = self._fitting(gathered)
        self._left = gathered[fitting:]
        return gathered[:fitting]

    def _fitting(self, messages: list[Json]) -> int:
        """How many of them make one event; one always does."""
        size = _ENVELOPE_BYTES
        for number, message in enumerate(messages):
            size += len(json.dumps(event_of(message, self._mapping.source_arn))) + _SEPARATOR_BYTES
            if size > PAYLOAD_BYTES:
                return max(number, 1)
        return len(messages)

    def _deliver(self, messages: list[Json], depth: Depth) -> None:
        hidden_until = self._clock.now() + depth.visibility_seconds
        task = asyncio.create_task(self._run(messages, hidden_until))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _run(self, messages: list[Json], hidden_until: float) -> None:
        with contextlib.suppress(AwsRefusedError, aiohttp.ClientError, TimeoutError):  # then the messages come back
            await self._batches.deliver(messages, hidden_until)
        self.wake()  # a group of a FIFO queue may go on, and a failed message has a time to come back

    async def _wait(self, due: float | None) -> None:
        """Until somebody has touched the queue, ``due`` is reached, or it is time to look again."""
        if not self._woken.is_set():
            self._let_go()
        timer = None if due is None else self._clock.call_at(due, self.wake)
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._woken.wait()
        finally:
            if timer is not None:
                self._clock.cancel(timer)

    def _let_go(self) -> None:
        self._held.close()
        self._holding = False
