"""How much one caller may ask for: rates per connection and per principal, and sizes."""

import math
from dataclasses import dataclass

from trebuche.documents import loads
from trebuche.envelopes import InvocationEnvelope
from trebuche.errors import StreamLimitError, TooMuchError

SECOND_US = 1_000_000


@dataclass(frozen=True, slots=True)
class Rate:
    """Frames per second in the long run, and how many may come at once."""

    per_second: float
    burst: int

    @property
    def length_us(self) -> int:
        """The time that one frame stands for, in microseconds."""
        return math.ceil(SECOND_US / self.per_second)

    @property
    def ahead_us(self) -> int:
        """How far ahead of time a caller may be before its next frame."""
        return (self.burst - 1) * self.length_us


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits of a deployment; None or 0: there is none.

    Attributes:
        connection: Of each connection.
        principal: Of all connections of a principal together.
        streams: That a connection may have open.
        argument_bytes: Of the arguments of one call together, decoded.
    """

    connection: Rate | None = None
    principal: Rate | None = None
    streams: int = 0
    argument_bytes: int = 0

    @property
    def count_frames(self) -> bool:
        """Whether there is anything to count."""
        return self.connection is not None or self.principal is not None

    def check_size(self, invocation: InvocationEnvelope) -> None:
        """Refuse a call with too much in it.

        Raises:
            TooMuchError: Its arguments are over the limit.
        """
        size = sum(map(len, invocation.arguments)) if self.argument_bytes else 0
        if size > self.argument_bytes:
            raise TooMuchError(f"the arguments take {size} bytes, over the limit of {self.argument_bytes}")

    def check_streams(self, count: int) -> None:
        """Refuse another stream on a connection that has so many.

        Raises:
            TooMuchError: It would be one too many.
        """
        if self.streams and count >= self.streams:
            raise StreamLimitError(self.streams)


def read_limits(text: str) -> Limits:
    """Limits as the program hands them to a function; none for an empty text."""
    document = loads(text) if text else {}
    assert isinstance(document, dict)

    def rate(name: str) -> Rate | None:
        entry = document.get(name)
        return Rate(float(str(entry["rate"])), int(str(entry["burst"]))) if isinstance(entry, dict) else None

    return Limits(
        connection=rate("connection"),
        principal=rate("principal"),
        streams=int(str(document.get("streams") or 0)),
        argument_bytes=int(str(document.get("argumentBytes") or 0)),
    )
