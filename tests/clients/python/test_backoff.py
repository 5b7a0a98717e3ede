"""When clients come back that were cut at one moment."""

import random

import pytest

from trebuche_client import Backoff

CONNECTS_PER_SECOND = 500
"""What API Gateway takes by default (its quota page)."""


def peak(clients: int, backoff: Backoff) -> int:
    """The most first attempts in any second when so many clients are cut together."""
    attempts = sorted(next(backoff.delays(random.Random(seed))) for seed in range(clients))
    return max(
        sum(1 for later in attempts[index : index + CONNECTS_PER_SECOND + 1] if later < attempt + 1)
        for index, attempt in enumerate(attempts)
    )


@pytest.mark.parametrize(
    ("clients", "backoff"), [(100, Backoff()), (1_000, Backoff()), (10_000, Backoff.for_fleet(10_000))]
)
def test_clients_cut_together_stay_under_the_rate_of_connections(clients: int, backoff: Backoff) -> None:
    """A fleet that says how large it is comes back without being throttled."""
    assert peak(clients, backoff) <= CONNECTS_PER_SECOND


def test_chance_comes_after_the_cap() -> None:
    """Also the longest delays differ: at the cap they cover everything from nothing to the cap."""
    delays = Backoff(1, 8).delays(random.Random(1))
    late = [next(delays) for _ in range(1_000)][10:]
    assert min(late) < 0.5
    assert 7.5 < max(late) <= 8


def test_ceilings_double_up_to_the_cap() -> None:
    """Each delay stays under its ceiling."""
    for seed in range(200):
        delays = Backoff(1, 8).delays(random.Random(seed))
        assert all(next(delays) <= ceiling for ceiling in (1, 2, 4, 8, 8, 8))
