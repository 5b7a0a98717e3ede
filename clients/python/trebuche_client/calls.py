"""Calls that wait for an answer, by callID."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from trebuche.envelopes import ResponseEnvelope


class Calls:
    """What was asked and not yet answered. A call stays until its caller stops waiting, whatever sockets do."""

    def __init__(self) -> None:
        self._waiting: dict[UUID, tuple[str, asyncio.Future[ResponseEnvelope]]] = {}

    def __bool__(self) -> bool:
        return bool(self._waiting)

    @contextmanager
    def expect(self, call_id: UUID, text: str) -> Iterator["asyncio.Future[ResponseEnvelope]"]:
        """Wait for the answer to a call; known before the call is sent, so that no answer comes too early."""
        future: asyncio.Future[ResponseEnvelope] = asyncio.get_running_loop().create_future()
        self._waiting[call_id] = (text, future)
        try:
            yield future
        finally:
            del self._waiting[call_id]

    def answer(self, response: ResponseEnvelope) -> None:
        """Hand an answer to its caller; one that nobody waits for any more is dropped."""
        waiting = self._waiting.get(response.call_id)
        # Given up, or answered already: each repetition of a call brings an answer of its own.
        if waiting is not None and not waiting[1].done():
            waiting[1].set_result(response)

    def unanswered(self) -> list[str]:
        """The frames to send again, under the same callIDs."""
        return [text for text, future in self._waiting.values() if not future.done()]

    def fail(self, error: Exception) -> None:
        """Let everybody who waits know that no answer will come."""
        for _, future in self._waiting.values():
            if not future.done():
                future.set_exception(error)
