"""An event source mapping: records in order, at least once, failed batches again from where they failed."""

from collections.abc import Callable, Sequence
from typing import Final, Protocol, TypeAlias

from trebuche_testing.engine import Engine
from trebuche_testing.tables import Record

Finished: TypeAlias = Callable[[str | None, bool], None]
"""Gets the sequence number from which records have to come again (None: none), and whether the function failed."""

LARGEST_BATCH: Final = 6
LARGEST_AT_ONCE: Final = 3
"""Of records that did not wait for others."""
RETRY_MS: Final = 40
LONGEST_AGAIN_MS: Final = (1, 2_000)


class Processor(Protocol):
    """The function."""

    def process(self, records: Sequence[Record], finish: Finished) -> None:
        """Start it on a batch."""


class Shard:
    """One shard of the stream with its poller; one batch at a time, unless it takes a running one for dead.

    Args:
        engine: When things happen.
        processor: The function.
        poll_ms: How long records wait for others at most.
    """

    def __init__(self, engine: Engine, processor: Processor, *, poll_ms: int) -> None:
        self._poll_ms = poll_ms
        self.lag_ms = 0
        """How long the next batch waits."""
        self.repeat = False
        """Whether the next batch that succeeds comes once more, beside those after it."""
        self.overlap = False
        """Whether the next batch is taken for dead while it runs, and comes again."""
        self.repeated = 0
        self._engine = engine
        self._processor = processor
        self._records: list[Record] = []
        self._polling = False

    @property
    def empty(self) -> bool:
        """Whether everything was processed."""
        return not self._records

    def put(self, record: Record) -> None:
        """Append a record."""
        self._records.append(record)
        if not self._polling:
            self._polling = True
            self._engine.later(int(self._engine.random.random() * self._poll_ms), self._poll)

    def _poll(self) -> None:
        if not self._records:
            self._polling = False
            return
        if self.lag_ms:
            waiting, self.lag_ms = self.lag_ms, 0
            self._engine.later(waiting, self._poll)
            return
        size = 1 + int(self._engine.random.random() * (LARGEST_BATCH if self._poll_ms else LARGEST_AT_ONCE))
        batch = self._records[:size]
        self._processor.process(batch, lambda number, failed: self._done(batch, number, failed))
        if self.overlap:
            self.overlap = False
            self._again(batch)

    def _done(self, batch: list[Record], number: str | None, failed: bool) -> None:
        if failed or number is not None:
            # What comes before the reported record is done (ReportBatchItemFailures).
            left = 0 if failed else next(i for i, r in enumerate(batch) if r["dynamodb"]["SequenceNumber"] == number)
            del self._records[:left]
            self.repeated += 1
            self._engine.later(RETRY_MS, self._poll)
            return
        del self._records[: len(batch)]
        if self.repeat:
            self.repeat = False
            self._again(batch)
        self._engine.soon(self._poll)

    def _again(self, batch: list[Record]) -> None:
        """At once or some time later: what comes once more is as old as it likes."""
        self.repeated += 1
        late_ms = int(self._engine.random.random() * self._engine.random.choice(LONGEST_AGAIN_MS))
        self._engine.later(late_ms, lambda: self._processor.process(batch, lambda _number, _failed: None))
