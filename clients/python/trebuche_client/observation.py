"""What is read of a stream."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from trebuche_client.stream import Stream
from trebuche_client.subscription import Recovery

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Value(Generic[T]):
    """One value of an observed property.

    Attributes:
        value: The whole property after a change.
        sequence: Its number on the stream; numbers rise by one unless some were skipped.
        timestamp: When the server sent it, in whole seconds.
        recovered: On the first value after a drop: True if every change was replayed, False if this is a snapshot that
            stands for those that were missed. None otherwise.
        skipped: How many values before it were left out because only the latest was asked for.
        missed: How many values before it never came although they were asked for again.
    """

    value: T
    sequence: int
    timestamp: datetime
    recovered: bool | None = None
    skipped: int = 0
    missed: int = 0


class Observation(Generic[T]):
    """A property as it changes; each loop over it is a stream of its own, which ends when the loop is left.

    Args:
        stream: Opens a stream, and ends it on leaving.
        read: Makes a value of its JSON document.

    Attributes:
        end_reason: Why the server ended the last stream that was read to its end, for example ``actorTerminated``.
    """

    def __init__(self, stream: Callable[[], AbstractAsyncContextManager[Stream]], read: Callable[[bytes], T]) -> None:
        self._stream = stream
        self._read = read
        self.end_reason: str | None = None

    def __aiter__(self) -> AsyncIterator[T]:
        """The values alone, until the stream ends.

        Raises:
            StreamFailedError: The server refused the stream, or broke it off.
            SlowReaderError: Values came faster than they were read.
            ClientClosedError: The client was closed.
        """
        return self._bare()

    async def values(self) -> AsyncGenerator[Value[T]]:
        """The values with their numbers, and what happened between them; raises as a plain loop does."""
        async with self._stream() as stream:
            while (item := await stream.next()) is not None:
                update, recovery = item
                yield Value(
                    self._read(update.state),
                    update.sequence,
                    update.timestamp,
                    None if recovery is None else recovery is Recovery.REPLAYED,
                    update.skipped,
                    update.missed,
                )
            self.end_reason = stream.end_reason

    async def _bare(self) -> AsyncGenerator[T]:
        # Leaving the loop ends the stream now, not when the generator happens to be collected.
        async with aclosing(self.values()) as values:
            async for value in values:
                yield value.value
