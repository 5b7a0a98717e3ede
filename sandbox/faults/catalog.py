"""The faults that there are: what each does, what it can be narrowed down to, and what it can be told."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

_SOCKET: Final = ("api", "stage", "connection")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One fault.

    Args:
        name: How it is called.
        text: What happens while it is on, in one sentence.
        filters: What it can be narrowed down to; each takes a name or a pattern with ``*``.
        parameters: What it can be told, with the value that holds otherwise.
    """

    name: str
    text: str
    filters: tuple[str, ...]
    parameters: Mapping[str, float] = field(default_factory=dict)


CATALOG: Final = {
    kind.name: kind
    for kind in (
        Kind(
            name="lost-disconnect",
            text="A socket ends and its $disconnect never comes.",
            filters=_SOCKET,
        ),
        Kind(
            name="cut-socket",
            text="A post is accepted, but the socket breaks without a close frame and the message is lost.",
            filters=_SOCKET,
        ),
        Kind(
            name="post-gone",
            text="A post to an open connection answers 410 GoneException.",
            filters=_SOCKET,
        ),
        Kind(
            name="post-throttled",
            text="A post answers 429 LimitExceededException.",
            filters=_SOCKET,
        ),
        Kind(
            name="post-error",
            text="A post answers 500 InternalServerErrorException.",
            filters=_SOCKET,
        ),
        Kind(
            name="post-hang",
            text="A post gets no answer until the clock has moved on by so many seconds; then it is done.",
            filters=_SOCKET,
            parameters={"seconds": 60.0},
        ),
        Kind(
            name="slow-client",
            text="A client takes so many seconds of the clock to read a message; what comes behind it waits.",
            filters=_SOCKET,
            parameters={"seconds": 5.0},
        ),
        Kind(
            name="duplicated-batch",
            text="A batch of a stream that was taken is delivered once more.",
            filters=("function", "table"),
        ),
        Kind(
            name="overlapping-batch",
            text="A batch of a stream that was taken is delivered once more, together with later records.",
            filters=("function", "table"),
        ),
        Kind(
            name="stream-lag",
            text="A change reaches the mappings of its stream only so many seconds of the clock after the write.",
            filters=("table",),
            parameters={"seconds": 5.0},
        ),
        Kind(
            name="index-lag",
            text="A write shows in a table's global secondary indexes only so many seconds of the clock later.",
            filters=("table",),
            parameters={"seconds": 5.0},
        ),
        Kind(
            name="throttled-table",
            text="Requests for a table's items are throttled as if its capacity were used up.",
            filters=("table", "operation"),
        ),
        Kind(
            name="killed-before",
            text="A function is killed at its first write, which is not done any more.",
            filters=("function",),
        ),
        Kind(
            name="killed-during",
            text="A function is killed when its write number so-and-so is done, before it learns of that.",
            filters=("function",),
            parameters={"writes": 1.0},
        ),
        Kind(
            name="killed-after",
            text="A function is killed when all it does is done, before its caller gets the answer.",
            filters=("function",),
        ),
    )
}
