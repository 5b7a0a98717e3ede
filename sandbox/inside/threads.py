"""Runs functions on threads that are kept, one for each call under way.

The emulator starts a thread per invocation and holds its event loop up until that runs, which on a busy machine costs
more than all else that it does for an invocation. The number of threads is not bounded here either: an invocation may
make another one and wait for it.
"""

import asyncio
import contextlib
import contextvars
import queue
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from ministack.services import lambda_svc

Work = Callable[[], Callable[[], None]]
"""What a thread does, and how it tells the result afterwards; neither raises."""


class Threads:
    """Threads that wait for work; there are as many as were ever busy at once."""

    def __init__(self) -> None:
        self._idle: list[queue.SimpleQueue[Work]] = []

    def run(self, work: Work) -> None:
        """Do ``work`` on a thread that has nothing else to do."""
        try:
            inbox = self._idle.pop()
        except IndexError:
            inbox = queue.SimpleQueue()
            threading.Thread(target=self._serve, args=(inbox,), daemon=True).start()
        inbox.put(work)

    def _serve(self, inbox: "queue.SimpleQueue[Work]") -> None:
        while True:
            tell = inbox.get()()
            # Before it tells: whoever hears may have more to do at once.
            self._idle.append(inbox)
            tell()


THREADS = Threads()


def install() -> None:
    """Have Lambda invoke on these threads."""
    lambda_svc.run_reentrant = run


async def run(function: Callable[..., Any], *args: Any, **_: object) -> Any:
    """Call a function on a thread, in this task's context, and wait for it.

    A thread cannot be cancelled: a cancellation is raised when it is done, because until then it changes what its
    caller would tidy up.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Any] = loop.create_future()
    context = contextvars.copy_context()

    def work() -> Callable[[], None]:
        try:
            return partial(tell, done.set_result, context.run(function, *args))
        except BaseException as error:  # carried over to the task, where it is raised
            return partial(tell, done.set_exception, error)

    def tell(settle: Callable[[Any], None], result: Any) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended, and nobody waits any more
            loop.call_soon_threadsafe(settle, result)

    THREADS.run(work)
    cancelled: asyncio.CancelledError | None = None
    while not done.done():
        try:
            await asyncio.wait((done,))
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled
    return done.result()
