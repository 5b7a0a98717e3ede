"""A benchmark as the driver sees it: a module to run, and how to read the line of JSON that it prints."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from bench.driver.rows import Row

Document = Mapping[str, Any]
Reader = Callable[[Document], Iterator[Row]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """One of the modules of this package.

    Args:
        name: Of the module below ``bench``.
        about: What it measures.
        read: The rows in what it prints with ``--json``.
        short: Its arguments in a short run; None when it is left out of those.
        full: Its arguments in a full run.
        seconds: After which it is taken to hang, in a short run; a full one may take five times as long.
    """

    name: str
    about: str
    read: Reader
    short: tuple[str, ...] | None = ()
    full: tuple[str, ...] = field(default=())
    seconds: float = 300.0

    def arguments(self, *, full: bool) -> tuple[str, ...] | None:
        """What it is run with; None when it is not."""
        return self.full if full else self.short
