"""Counts callers' frames: a token bucket per connection and per principal, shared by all environments.

A bucket is one number, its caller's *mark* (the generic cell rate algorithm): each frame moves it on by the time that a
frame stands for, real time catches up with it, and whoever is further ahead than the burst allows is refused. Lambda
gives every frame that is under way an environment of its own, so a count in memory would let a burst of a hundred meet
a hundred full buckets. What an environment has seen of a mark saves it asking: marks go forward, so a caller that was
too far ahead is refused for nothing until its time has come.
"""

from collections import OrderedDict
from contextlib import suppress
from typing import Final

from trebuche.auth.limits import SECOND_US, Limits, Rate
from trebuche.errors import LimitedError, ServiceError
from trebuche.ports import Counters

REMEMBERED: Final = 4_096
"""Callers whose marks an environment remembers; whoever was silent for longest is forgotten first."""


class Limiter:
    """Counts frames, for as long as an environment lives.

    Args:
        limits: What callers may ask for.
        counters: Where their marks are.
        remembered: How many of them are remembered here.
    """

    def __init__(self, limits: Limits, counters: Counters, remembered: int = REMEMBERED) -> None:
        self._limits = limits
        self._counters = counters
        self._remembered = remembered
        self._seen: OrderedDict[str, int] = OrderedDict()

    def admit(self, connection_id: str, principal: str | None, now_ms: int) -> None:
        """Count a frame.

        A caller over one limit does not use up another: what is refused costs nobody a token.

        Raises:
            LimitedError: It is one too many; the error says when to come back.
            ServiceError: Nobody can tell.
        """
        buckets = self._buckets(connection_id, principal)
        now_us = now_ms * 1000
        for key, rate in buckets:
            if key in self._seen:
                self._seen.move_to_end(key)
                _refuse_ahead(self._seen[key], rate, now_us)
        for position, (key, rate) in enumerate(buckets):
            try:
                self._take(key, rate, now_us)
            except (LimitedError, ServiceError):
                self._give_back(buckets[:position])
                raise

    def _buckets(self, connection_id: str, principal: str | None) -> list[tuple[str, Rate]]:
        limits = self._limits
        own = [(f"connection#{connection_id}", limits.connection)] if limits.connection else []
        shared = [(f"principal#{principal}", limits.principal)] if limits.principal and principal is not None else []
        return own + shared

    def _take(self, key: str, rate: Rate, now_us: int) -> None:
        latest_us = now_us + rate.ahead_us
        mark = self._counters.move(
            key, now_us=now_us, length_us=rate.length_us, latest_us=latest_us, seen_us=self._seen.get(key, 0)
        )
        self._note(key, mark.at_us)
        if not mark.moved:
            _refuse_ahead(mark.at_us, rate, now_us)

    def _give_back(self, taken: list[tuple[str, Rate]]) -> None:
        for key, rate in taken:
            # What cannot be given back is one token, which time brings anyway: why the frame is refused is to be told.
            with suppress(ServiceError):
                self._note(key, self._counters.give_back(key, rate.length_us))

    def _note(self, key: str, mark_us: int) -> None:
        self._seen[key] = mark_us
        self._seen.move_to_end(key)
        if len(self._seen) > self._remembered:
            self._seen.popitem(last=False)


def _refuse_ahead(mark_us: int, rate: Rate, now_us: int) -> None:
    """Refuse whoever is too far ahead of time for one more frame."""
    ahead_us = mark_us - rate.ahead_us - now_us
    if ahead_us > 0:
        raise LimitedError(ahead_us / SECOND_US)
