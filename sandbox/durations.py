"""Durations as people write them: ``90s``, ``10m``, ``2h``, ``1d``, ``1h30m``. Pure."""

import re
from datetime import timedelta
from typing import Final

from sandbox.errors import SandboxError

_DURATION: Final = re.compile(
    r"(?:(?P<days>\d+)d)?(?:(?P<hours>\d+)h)?(?:(?P<minutes>\d+)m)?(?:(?P<seconds>\d+(?:\.\d+)?)s)?"
)
_UNITS: Final = ((86_400, "d"), (3_600, "h"), (60, "m"))


def seconds_of(value: float | timedelta | str) -> float:
    """A duration in seconds.

    Raises:
        SandboxError: A text that is no duration.
    """
    if isinstance(value, timedelta):
        return value.total_seconds()
    return parse_duration(value) if isinstance(value, str) else float(value)


def parse_duration(text: str) -> float:
    """Seconds of a text such as ``1h30m``.

    Raises:
        SandboxError: It is no duration.
    """
    match = _DURATION.fullmatch(text.strip())
    if not text.strip() or match is None:
        raise SandboxError(f"{text!r} is no duration; write it like 90s, 10m, 2h, 1d or 1h30m.")
    try:
        return timedelta(**{unit: float(number or 0) for unit, number in match.groupdict().items()}).total_seconds()
    except OverflowError as error:
        raise SandboxError(f"{text!r} is longer than any clock goes.") from error


def show_duration(seconds: float) -> str:
    """A duration for people, e.g. ``1h30m``; ``0s`` for none."""
    rest, parts = round(seconds), []
    for size, letter in _UNITS:
        count, rest = divmod(rest, size)
        parts += [f"{count}{letter}"] if count else []
    parts += [f"{rest}s"] if rest or not parts else []
    return "".join(parts)
