"""How fast one execution environment posts.

API Gateway's rate is the account's: 10,000 requests a second in most Regions and 2,500 in newer ones, for the frames
of clients and the posts to them alike, over all environments, and nobody tells an environment what its part is. So it
takes a quarter at most (in those, all), half of what it took when it is throttled, and more again with time (additive
increase, multiplicative decrease, as TCP shares a line).
"""

import math
import time
from collections.abc import Callable
from typing import Final

CEILING: Final = 2_500.0
"""Posts a second."""
FLOOR: Final = 50.0
BURST: Final = 250.0
RECOVERY: Final = 250.0
"""Posts a second that are won back in each second."""
WINDOW_SECONDS: Final = 0.1
REFUSED_SHARE: Final = 0.1
"""Of a window's posts; fewer refusals are about single clients that read too slowly, which get the same answer."""
REFUSED_LEAST: Final = 5
"""In a window; where little is posted, one such client has a large share of it."""
_STEP_SECONDS: Final = 0.02
"""Less is not worth a sleep: it is owed until so much has come together."""


class Pacer:
    """A token bucket whose rate follows what the service lets through.

    Args:
        now: Seconds of a clock that never goes back.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._rate = CEILING
        self._tokens = BURST
        self._filled_at = self._window_at = now()
        self._posted = self._refused = 0

    @property
    def rate(self) -> float:
        """Posts a second that are let through now."""
        return self._rate

    @property
    def slowed(self) -> bool:
        """Whether it was throttled, and has not won back all since."""
        return self._rate < CEILING

    def take(self) -> float:
        """Seconds to wait before one more post."""
        now = self._now()
        self._judge(now)
        elapsed, self._filled_at = now - self._filled_at, now
        self._tokens = min(BURST, self._tokens + elapsed * self._rate) - 1
        self._posted += 1
        owed = -self._tokens / self._rate
        if owed < _STEP_SECONDS:
            return 0.0
        # Up to a full step: those that wait wake together, which costs a tenth of a wake-up for each.
        return math.ceil((now + owed) / _STEP_SECONDS) * _STEP_SECONDS - now

    def throttled(self) -> None:
        """Count a post that was refused."""
        self._refused += 1

    def _judge(self, now: float) -> None:
        """Set the rate for the next window by what came of the last."""
        elapsed = now - self._window_at
        if elapsed < WINDOW_SECONDS:
            return
        if self._refused > max(REFUSED_LEAST, self._posted * REFUSED_SHARE):
            self._rate = max(FLOOR, self._rate / 2)
        else:
            self._rate = min(CEILING, self._rate + elapsed * RECOVERY)
        self._window_at, self._posted, self._refused = now, 0, 0
