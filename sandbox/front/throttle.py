"""Who has to wait: token buckets on the sandbox's clock, per account and Region, and per route of a stage."""

from typing import Final

from sandbox.clock import Clock
from sandbox.front.api_model import Limit, Served
from sandbox.quotas import Quotas

TOO_MANY: Final = "Too Many Requests"


class TokenBucket:
    """Holds up to ``burst`` tokens and gains ``rate`` of them per second.

    A rate of 0 lets nothing through at all, however large the burst: a stage whose throttles were left at 0 answers
    429 to everybody.
    """

    def __init__(self, limit: Limit, clock: Clock) -> None:
        self.limit = limit
        self._clock = clock
        self._tokens = limit.burst
        self._filled_at = clock.now()

    def take(self) -> bool:
        """Take one token, if there is one."""
        now = self._clock.now()
        self._tokens = min(self.limit.burst, self._tokens + (now - self._filled_at) * self.limit.rate)
        self._filled_at = now
        if self.limit.rate <= 0 or self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class Throttle:
    """The buckets of all accounts, Regions and routes.

    Args:
        clock: Fills the buckets.
        quotas: Of each account in each Region.
    """

    def __init__(self, clock: Clock, quotas: Quotas) -> None:
        self._clock = clock
        # Nothing is said of a burst of new connections: a second's worth may come at once.
        self._connect_limit = Limit(quotas.connect_rate, max(1.0, quotas.connect_rate))
        self._request_limit = Limit(quotas.request_rate, quotas.request_burst)
        self._buckets: dict[tuple[str, ...], TokenBucket] = {}

    def admit_connection(self, served: Served) -> bool:
        """Whether one more socket may be opened now."""
        return self._take(("connect", *_owner(served)), self._connect_limit) and self.admit(served, "$connect")

    def admit(self, served: Served, route_key: str) -> bool:
        """Whether one more request may take a route: first the route's own throttle, then the account's."""
        limit = self._limit_of(served, route_key)
        key = ("route", served.api.api_id, served.stage.name, route_key)
        # In this order: what a route refuses takes nothing from the account.
        return (limit is None or self._take(key, limit)) and self.admit_callback(served)

    def admit_callback(self, served: Served) -> bool:
        """Whether one more ``@connections`` call may be made; it takes the account's tokens, but no route."""
        return self._take(("request", *_owner(served)), self._request_limit)

    def _limit_of(self, served: Served, route_key: str) -> Limit | None:
        """The throttle of a route, if its stage says anything: what is left open is as the account has it."""
        settings, account = served.stage.settings_of(route_key), self._request_limit
        if settings.rate is None and settings.burst is None:
            return None
        return Limit(
            account.rate if settings.rate is None else settings.rate,
            account.burst if settings.burst is None else settings.burst,
        )

    def _take(self, key: tuple[str, ...], limit: Limit) -> bool:
        bucket = self._buckets.get(key)
        if bucket is None or bucket.limit != limit:  # a stage's settings are live at once
            bucket = self._buckets[key] = TokenBucket(limit, self._clock)
        return bucket.take()


def _owner(served: Served) -> tuple[str, str]:
    return served.api.account, served.api.region
