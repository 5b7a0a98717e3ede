"""The quotas of an account that AWS raises on request, and the sandbox by ``--quota``."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from sandbox.errors import SandboxError

CONCURRENT_EXECUTIONS: Final = 1000
"""Lambda's default; new accounts may begin with ten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quotas:
    """What one account may do in one Region (quota pages of API Gateway and Lambda).

    Args:
        connect_rate: New connections per second, of all WebSocket APIs together.
        request_rate: Messages, handshakes and ``@connections`` calls per second.
        request_burst: How many of these may come at once; AWS sets it itself and does not raise it on request.
        concurrent_executions: Invocations of all functions that may run at once.
        routes: Of one API.
        integrations: Of one API.
        stages: Of one API.
        authorizers: Of one API.
        control_rate: Calls of API Gateway's control plane per second; None takes any number, which AWS does not.
    """

    connect_rate: float = 500.0
    request_rate: float = 10_000.0
    request_burst: float = 5_000.0
    concurrent_executions: int = CONCURRENT_EXECUTIONS
    routes: int = 300
    integrations: int = 300
    stages: int = 10
    authorizers: int = 10
    control_rate: float | None = None


_ADJUSTABLE: Final = {
    "connect-rate": "connect_rate",
    "request-rate": "request_rate",
    "control-rate": "control_rate",
}
_COUNTED: Final = {
    "concurrent-executions": "concurrent_executions",
    "routes": "routes",
    "integrations": "integrations",
    "stages": "stages",
    "authorizers": "authorizers",
}


def read_quotas(words: Iterable[str]) -> Quotas:
    """Quotas from words such as ``connect-rate=1000``; what is not named keeps AWS's default.

    Raises:
        SandboxError: No such quota, or no number above zero.
    """
    settings: dict[str, Any] = dict(_read(word) for word in words)
    return Quotas(**settings)


def _read(word: str) -> tuple[str, float]:
    name, _, text = word.partition("=")
    if name in _COUNTED:
        if not text.isdecimal() or int(text) < 1:
            raise SandboxError(f"Quota {name} must be a whole number above 0, such as {name}=1000.")
        return _COUNTED[name], int(text)
    if name not in _ADJUSTABLE:
        known = ", ".join((*_ADJUSTABLE, *_COUNTED))
        raise SandboxError(f"No quota is called {name!r}; these can be set: {known}.")
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise SandboxError(f"Quota {name} must be a number of requests per second above 0, such as {name}=1000.")
    return _ADJUSTABLE[name], value
