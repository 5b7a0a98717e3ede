"""The quotas of an account that AWS raises on request, and the sandbox by ``--quota``."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from sandbox.errors import SandboxError


@dataclass(frozen=True, slots=True, kw_only=True)
class Quotas:
    """What one account may do in one Region, all its WebSocket APIs together (quota page of API Gateway).

    Args:
        connect_rate: New connections per second.
        request_rate: Messages, handshakes and ``@connections`` calls per second.
        request_burst: How many of these may come at once; AWS sets it itself and does not raise it on request.
    """

    connect_rate: float = 500.0
    request_rate: float = 10_000.0
    request_burst: float = 5_000.0


_ADJUSTABLE: Final = {"connect-rate": "connect_rate", "request-rate": "request_rate"}


def read_quotas(words: Iterable[str]) -> Quotas:
    """Quotas from words such as ``connect-rate=1000``; what is not named keeps AWS's default.

    Raises:
        SandboxError: No such quota, or no number above zero.
    """
    return Quotas(**dict(_read(word) for word in words))


def _read(word: str) -> tuple[str, float]:
    name, _, text = word.partition("=")
    if name not in _ADJUSTABLE:
        raise SandboxError(f"No quota is called {name!r}; these can be set: {', '.join(_ADJUSTABLE)}.")
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise SandboxError(f"Quota {name} must be a number of requests per second above 0, such as {name}=1000.")
    return _ADJUSTABLE[name], value
