"""Begins execution environments a few at a time, as many as there are cores.

Lambda begins hundreds at once; here each start is a third of a second of a core. Begun all together none is ready in
time, and callers that give up and come back want more of them. So whoever waits is given what comes free meanwhile,
and a function that has some environments gets another one only when none came free for a moment.
"""

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

MOST = max(2, os.cpu_count() or 1)
FEW = 8
"""So many environments of a function and version begin without waiting for one that comes free."""
MOMENT_SECONDS = 0.5
"""For which all others wait for one: what a cold start takes, more or less."""
SLOW_SECONDS = 3.0
"""A start that takes longer keeps no other one waiting: it may itself wait for another function."""
Lease = tuple[Any, str]
"""An environment and how it was come by, as the emulator has it."""


@dataclass(eq=False)
class Waiting:
    """An invocation without an environment, of the function and version ``key``.

    Args:
        in_need: Whether it gets an environment of its own when one may begin.
        outdated: Whether the function was changed or deleted meanwhile; nobody else is to get what it begins.
    """

    key: str
    acquire: Callable[[], Lease]
    in_need: bool = False
    outdated: bool = False
    lease: Lease | None = None
    served: threading.Event = field(default_factory=threading.Event)


class Starts:
    """Who begins, and who waits for it.

    Args:
        most: Environments that begin at once.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._beginning: dict[Any, float] = {}
        self._waiting: list[Waiting] = []

    def lease(self, key: str, acquire: Callable[[], Lease]) -> Lease:
        """An environment that is free, or one that may begin; waits for whichever there is first."""
        with self._lock:
            waiting = Waiting(key, acquire)
            if bring_forward(key):
                return self._take(waiting)
            waiting.in_need = living(key) + sum(one.key == key for one in self._waiting) < FEW
            self._waiting.append(waiting)
            self._begin_next()
        while not waiting.served.wait(MOMENT_SECONDS):
            with self._lock:
                waiting.in_need = True
                self._begin_next()
        assert waiting.lease is not None
        return waiting.lease

    def begun(self, worker: Any) -> None:
        """An environment has begun, or failed to: the next one may."""
        with self._lock:
            self._beginning.pop(worker, None)
            self._begin_next()

    def give_back(self, worker: Any, release: Callable[[Any], None]) -> None:
        """Hand an environment on to whoever has waited longest for one of its kind; one of old code is ended."""
        with self._lock:
            self._beginning.pop(worker, None)
            kept = is_kept(worker)
            waiting = next((one for one in self._waiting if one.key == worker.sandbox_key), None)
            if kept and waiting is not None and is_alive(worker):
                worker.last_used = time.time()
                self._serve(waiting, (worker, "reused"))
            else:
                release(worker)
            self._begin_next()
        if not kept:
            lambda_runtime.kill_workers([worker])

    def outdate(self, function: str) -> None:
        """A function is no longer what it was when its invocations began to wait."""
        with self._lock:
            for waiting in self._waiting:
                waiting.outdated |= waiting.key.split(":")[2] == function

    def _begin_next(self) -> None:
        now = time.monotonic()
        beginning = sum(now - since < SLOW_SECONDS for since in self._beginning.values())
        in_need = [one for one in self._waiting if one.in_need]
        for waiting in in_need[: max(0, self._most - beginning)]:
            self._serve(waiting, self._take(waiting))

    def _serve(self, waiting: Waiting, lease: Lease) -> None:
        self._waiting.remove(waiting)
        waiting.lease = lease
        waiting.served.set()

    def _take(self, waiting: Waiting) -> Lease:
        worker, how = waiting.acquire()
        if worker is not None:
            worker.sandbox_key = waiting.key
            if not is_alive(worker):
                self._beginning[worker] = time.monotonic()
            if waiting.outdated and how == "spawn":
                with lambda_runtime._lock:
                    lambda_runtime._workers[waiting.key].remove(worker)
        return worker, how


STARTS = Starts(MOST)


def install() -> None:
    """Have the emulator come by its environments this way, and say when one has begun."""
    acquire, release = lambda_runtime.acquire_worker, lambda_runtime.release_worker
    forget = lambda_runtime.invalidate_worker

    def lease(func_name: str, config: dict[str, Any], code_zip: bytes, qualifier: str = "$LATEST") -> Lease:
        key = lambda_runtime._worker_key(func_name, config, qualifier)
        return STARTS.lease(key, lambda: acquire(func_name, config, code_zip, qualifier=qualifier))

    def give_back(worker: Any) -> None:
        if worker is not None:
            STARTS.give_back(worker, release)

    def invalidate(func_name: str, *args: Any, **options: Any) -> None:
        # First: while the emulator ends the function's environments, those that wait begin.
        STARTS.outdate(func_name)
        forget(func_name, *args, **options)

    lambda_svc.acquire_worker, lambda_svc.release_worker = lease, give_back
    lambda_svc.invalidate_worker = invalidate
    for kind in (lambda_runtime.Worker, lambda_runtime.ProvidedWorker):
        announce(kind)


def announce(kind: Any) -> None:
    """Have a kind of worker say when it has begun."""
    spawn = kind._spawn

    def spawn_and_tell(self: Any, *args: Any, **options: Any) -> None:
        try:
            spawn(self, *args, **options)
        finally:
            STARTS.begun(self)

    kind._spawn = spawn_and_tell


def bring_forward(key: str) -> bool:
    """Put an environment that lives and is free first in its pool, from where the emulator takes it."""
    with lambda_runtime._lock:
        pool = lambda_runtime._workers.get(key, [])
        free = next((worker for worker in pool if not worker.in_use and is_alive(worker)), None)
        if free is not None:
            pool.remove(free)
            pool.insert(0, free)
        return free is not None


def living(key: str) -> int:
    """How many environments a function and version has."""
    with lambda_runtime._lock:
        return sum(is_alive(worker) for worker in lambda_runtime._workers.get(key, []))


def is_kept(worker: Any) -> bool:
    """Whether an environment is still one of its function's: not if that was changed or deleted."""
    with lambda_runtime._lock:
        return worker in lambda_runtime._workers.get(worker.sandbox_key, [])


def is_alive(worker: Any) -> bool:
    """Whether an environment has a process."""
    return worker._proc is not None and worker._proc.poll() is None
