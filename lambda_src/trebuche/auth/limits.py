"""How much one caller may ask for: token buckets per connection and per principal, and sizes.

The buckets are in the memory of one execution environment. Lambda gives an environment one frame at a time, so a
caller meets as many environments as it has frames under way, and a refusal takes a millisecond or two: whoever asks
for ten times the limit is still served by a few of them. A bucket in a table would be exact, and would cost each frame
of each caller a write; this one costs nothing and keeps its promise within that factor.
"""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from trebuche.documents import loads
from trebuche.envelopes import InvocationEnvelope
from trebuche.errors import LimitedError, TooMuchError

KEYS: Final = 4_096
"""Callers that an environment remembers; whoever was silent for longest is forgotten first, and begins anew."""


@dataclass(frozen=True, slots=True)
class Rate:
    """Frames per second in the long run, and how many may come at once."""

    per_second: float
    burst: int


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
            raise TooMuchError(f"this connection has {count} streams, and may have {self.streams}; end one first")


class Buckets:
    """Token buckets of one rate, one per caller; each starts full.

    Args:
        rate: How they fill.
        keys: How many are remembered.
    """

    def __init__(self, rate: Rate, keys: int = KEYS) -> None:
        self._rate = rate
        self._keys = keys
        self._levels: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def take(self, key: str, now_ms: int) -> float:
        """Take one token; 0 if there was one, else the seconds until there is.

        Args:
            key: Whose bucket.
            now_ms: Time; one that goes back fills nothing.
        """
        level, then = self._levels.pop(key, (float(self._rate.burst), now_ms))
        level = min(self._rate.burst, level + max(0, now_ms - then) / 1000 * self._rate.per_second)
        wait = 0.0 if level >= 1 else (1 - level) / self._rate.per_second
        self._levels[key] = (level if wait else level - 1), max(now_ms, then)
        if len(self._levels) > self._keys:
            self._levels.popitem(last=False)
        return wait

    def put_back(self, key: str) -> None:
        """Give back what was taken a moment ago."""
        level, then = self._levels[key]
        self._levels[key] = level + 1, then


class Limiter:
    """Counts callers' frames, for as long as an environment lives.

    Args:
        limits: What they may ask for.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._connections = Buckets(limits.connection) if limits.connection else None
        self._principals = Buckets(limits.principal) if limits.principal else None

    @property
    def counts(self) -> bool:
        """Whether there is anything to count."""
        return self._connections is not None or self._principals is not None

    def admit(self, connection_id: str, principal: str | None, now_ms: int) -> None:
        """Count a frame.

        A caller over one limit does not use up another: what is refused costs nobody a token.

        Raises:
            LimitedError: It is one too many; the error says when to come back.
        """
        wait = self._connections.take(connection_id, now_ms) if self._connections else 0.0
        if not wait and self._principals and principal is not None:
            wait = self._principals.take(principal, now_ms)
            if wait and self._connections:
                self._connections.put_back(connection_id)
        if wait:
            raise LimitedError(wait)


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
