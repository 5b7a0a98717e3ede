"""The time that AWS goes by: this machine's, or that of a sandbox, whose clock can be turned."""

from typing import Final
from urllib.parse import urlsplit

import boto3

from sandbox.errors import SandboxError
from sandbox.handle import Handle
from trebuche.adapters.system import SystemClock

_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")


class AwsClock(SystemClock):
    """A machine's clock that is so many seconds ahead.

    Args:
        ahead: Seconds.
    """

    def __init__(self, ahead: float = 0.0) -> None:
        self._ahead_ms = int(ahead * 1000)

    def now_ms(self) -> int:
        """Milliseconds since 1970."""
        return super().now_ms() + self._ahead_ms

    def now(self) -> int:
        """Seconds since 1970."""
        return self.now_ms() // 1000


def clock_of(session: boto3.Session) -> AwsClock:
    """The clock of the AWS that a session speaks to: rights that are given or taken until some time end by it."""
    endpoint = session.client("sts").meta.endpoint_url
    if urlsplit(endpoint).hostname not in _LOOPBACK:
        return AwsClock()
    try:
        return AwsClock(Handle(endpoint).clock.offset())
    except SandboxError:  # an emulator of somebody else's
        return AwsClock()
