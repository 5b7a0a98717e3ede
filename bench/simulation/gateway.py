"""API Gateway's quota, and everything but posts that takes from it: calls, pings and connections."""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final

import simpy

from bench.simulation.times import Process

RATE: Final = 10_000.0
BURST: Final = 5_000.0
CLIENT_PAUSE_SECONDS: Final = 1.0
"""Of a client whose frame or handshake was refused, half of it chance; doubled from time to time."""


class Account:
    """The token bucket that all environments, all clients and all APIs of an account share.

    Args:
        now: The simulated time.
        rate: Requests a second.
        burst: Requests at once.
    """

    def __init__(self, now: Callable[[], float], rate: float = RATE, burst: float = BURST) -> None:
        self._now = now
        self._rate = rate
        self._burst = self._tokens = burst
        self._filled_at = now()
        self.admitted: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()

    def admits(self, kind: str) -> bool:
        """Take a request of a kind, or refuse it with 429."""
        now = self._now()
        self._tokens = min(self._burst, self._tokens + (now - self._filled_at) * self._rate)
        self._filled_at = now
        if self._tokens < 1:
            self.refused[kind] += 1
            return False
        self._tokens -= 1
        self.admitted[kind] += 1
        return True


def insistent(clock: simpy.Environment, account: Account, chance: random.Random, kind: str) -> Process:
    """A client's request, made again after each refusal."""
    pause = CLIENT_PAUSE_SECONDS
    while not account.admits(kind):
        yield clock.timeout(pause * chance.uniform(0.5, 1.0))
        pause = min(2 * pause, 30.0)


def arrivals(chance: random.Random, rate: float, seconds: float) -> Iterator[float]:
    """Times at which something happens by chance, so often a second on average."""
    at = 0.0
    while rate and (at := at + chance.expovariate(rate)) < seconds:
        yield at
