"""A handle on a running sandbox for tests and programs: turn its clock, set faults, read its meter.

sandbox = Handle("http://127.0.0.1:4565")
sandbox.clock.advance("2h")
"""

import contextlib
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import Any, Final
from urllib.parse import quote

from sandbox.durations import seconds_of
from sandbox.errors import SandboxError

ANSWER_SECONDS: Final = 600.0
"""A long turn of the clock runs everything that falls due on the way."""


class Handle:
    """A running sandbox.

    Args:
        aws_endpoint: Its AWS address, such as ``AWS_ENDPOINT_URL`` or ``aws_endpoint`` in ``.trebuche/dev.json``.
    """

    def __init__(self, aws_endpoint: str) -> None:
        channel = Channel(aws_endpoint.rstrip("/"))
        self.clock = ClockHandle(channel)
        self.faults = FaultsHandle(channel)
        self.meter = MeterHandle(channel)


class ClockHandle:
    """The sandbox's clock: real time plus what it was turned by."""

    def __init__(self, channel: "Channel") -> None:
        self._channel = channel

    def now(self) -> float:
        """Seconds since the epoch on the sandbox's clock."""
        return float(self._channel.call("GET", "clock")["now"])

    def offset(self) -> float:
        """Seconds by which the clock has been turned."""
        return float(self._channel.call("GET", "clock")["offset"])

    def advance(self, by: float | timedelta | str) -> float:
        """Turn the clock forward; everything that falls due is started, in order, before this returns.

        Args:
            by: Seconds, a ``timedelta``, or text such as ``2h``, ``90s`` or ``1h30m``.

        Returns:
            Seconds since the epoch on the clock, afterwards.

        Raises:
            SandboxError: No sandbox there, no such duration, or a negative one.
        """
        return float(self._channel.call("POST", "clock", {"seconds": seconds_of(by)})["now"])


class FaultsHandle:
    """The sandbox's faults; all are off until they are set."""

    def __init__(self, channel: "Channel") -> None:
        self._channel = channel

    def describe(self) -> list[dict[str, Any]]:
        """Every fault: ``name``, ``description``, ``filters``, ``parameters``, and how it is ``set`` (None: off)."""
        faults: list[dict[str, Any]] = self._channel.call("GET", "faults")["faults"]
        return faults

    def set(self, name: str, *, rate: float = 1.0, count: int | None = None, seed: int = 0, **settings: object) -> None:
        """Switch a fault on, or set it anew.

        Args:
            name: See ``describe``.
            rate: Chance of striking at each opportunity, 0 to 1.
            count: How often it strikes at most.
            seed: Draws the same chances for the same opportunities.
            settings: The fault's own filters and parameters, such as ``table="todo-*"`` or ``seconds=5``.

        Raises:
            SandboxError: There is no such fault, or it cannot be set so; the text says what it takes.
        """
        document = {"rate": rate, "count": count, "seed": seed, **settings}
        self._channel.call("PUT", f"faults/{quote(name, safe='')}", document)

    def clear(self, name: str | None = None) -> None:
        """Switch one fault off, or all.

        Raises:
            SandboxError: There is no such fault.
        """
        self._channel.call("DELETE", "faults" if name is None else f"faults/{quote(name, safe='')}")

    @contextlib.contextmanager
    def during(self, name: str, **settings: Any) -> Iterator[None]:
        """Have a fault on while the block runs; takes what ``set`` takes."""
        self.set(name, **settings)
        try:
            yield
        finally:
            self.clear(name)


class MeterHandle:
    """What AWS would have billed for since the sandbox started, or since ``reset``."""

    def __init__(self, channel: "Channel") -> None:
        self._channel = channel

    def read(self) -> dict[str, Any]:
        """The meter.

        ``counts`` holds ``unit``, ``account``, ``region``, ``resource``, ``cause`` and ``amount``; ``standing`` what is
        billed by the month for being there; ``since`` and ``now`` are times of the sandbox's clock.
        """
        return self._channel.call("GET", "meter")

    def reset(self) -> None:
        """Begin at zero."""
        self._channel.call("DELETE", "meter")

    def total(self, unit: str, *, resource: str = "*", cause: str = "*") -> float:
        """How much of a unit was counted, of all resources and for all causes unless patterns choose some."""
        counts = self.read()["counts"]
        fitting = (one for one in counts if fnmatchcase(one["resource"], resource) and fnmatchcase(one["cause"], cause))
        return float(sum(one["amount"] for one in fitting if one["unit"] == unit))


class Channel:
    """Requests to the sandbox's own paths."""

    def __init__(self, aws_endpoint: str) -> None:
        self._aws_endpoint = aws_endpoint
        # A proxy of the environment is for the world outside, never for a sandbox on this machine.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def call(self, method: str, path: str, document: dict[str, Any] | None = None) -> dict[str, Any]:
        """Send one request and read its answer.

        Raises:
            SandboxError: No sandbox there, or it refuses; the text says why.
        """
        body = None if document is None else json.dumps(document).encode()
        request = urllib.request.Request(f"{self._aws_endpoint}/_sandbox/{path}", data=body, method=method)
        try:
            with self._opener.open(request, timeout=ANSWER_SECONDS) as response:
                answer: dict[str, Any] = json.load(response)
        except urllib.error.HTTPError as error:
            raise SandboxError(_message(error)) from error
        except (OSError, ValueError) as error:
            raise SandboxError(f"No sandbox answers at {self._aws_endpoint}: {error}") from error
        return answer


def _message(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.load(error)["message"])
    except (ValueError, KeyError, TypeError):
        return f"The sandbox answered {error.code} {error.reason}."
