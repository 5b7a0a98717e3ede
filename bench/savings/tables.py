"""The two tables of docs/costs.md, as Markdown. Pure."""

from collections.abc import Iterable, Iterator

from bench.savings.advice import Advice, usd_of
from bench.savings.compression import Frame
from bench.savings.counted import Counted
from sandbox.meter.units import TRANSFER_OUT


def advice_table(counted: Counted, rows: Iterable[Advice]) -> Iterator[str]:
    """Each optimisation; its share is of the hour with everything but transfer, as W1 is priced."""
    whole = usd_of(counted.hour, TRANSFER_OUT)
    yield "| optimisation | the page's promise | found | US dollars of W1's hour | of it all |"
    yield "|---|---|---|---|---|"
    for row in rows:
        change = (row.after - row.before) / whole
        yield f"| {row.name} | {row.promise} | {row.found} | {row.before:.4f} → {row.after:.4f} | {change:+.1%} |"


def gzip_table(frames: Iterable[Frame]) -> Iterator[str]:
    """Frames by the size of their state."""
    yield "| state | frame | gzipped | bytes | messages | gzipped | deliveries |"
    yield "|---|---|---|---|---|---|---|"
    for one in frames:
        bytes_, messages = one.packed / one.plain - 1, one.packed_messages / one.plain_messages - 1
        sizes = " | ".join(f"{size / 1024:.2g} KB" if size < 102_400 else f"{size / 1024:.0f} KB" for size in _of(one))
        yield f"| {sizes} | {bytes_:+.0%} | {one.plain_messages} | {one.packed_messages} | {messages:+.0%} |"


def _of(frame: Frame) -> tuple[int, int, int]:
    return frame.state, frame.plain, frame.packed
