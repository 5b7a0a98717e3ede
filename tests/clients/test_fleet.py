"""A fleet of clients that is cut at one moment: when they come back, by their own back-off."""

import heapq
from collections import Counter

import pytest

from tests.support.client_process import LANGUAGES, client_process

CLIENTS = 10_000
UNTOLD_CLIENTS = 600
ATTEMPTS = 12
CONNECTS_PER_SECOND = 500
"""What API Gateway takes by default (its quota page)."""
OUTAGE_SECONDS = 20.0


def attempts_per_second(fleet: list[list[float]], outage: float) -> tuple[Counter[int], int]:
    """Every client tries until it is let in, which nobody is before the outage is over; and how many are in."""
    due = [(delays[0], client, 0) for client, delays in enumerate(fleet)]
    heapq.heapify(due)
    attempts: Counter[int] = Counter()
    admitted: Counter[int] = Counter()
    while due:
        now, client, number = heapq.heappop(due)
        attempts[int(now)] += 1
        if now >= outage and admitted[int(now)] < CONNECTS_PER_SECOND:
            admitted[int(now)] += 1
        else:
            assert number + 1 < ATTEMPTS, "a client was kept out for longer than this looks"
            heapq.heappush(due, (now + fleet[client][number + 1], client, number + 1))
    return attempts, admitted.total()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("outage", [0.0, OUTAGE_SECONDS])
@pytest.mark.parametrize(("clients", "told"), [(CLIENTS, True), (UNTOLD_CLIENTS, False)])
def test_fleet_comes_back_at_fewer_than_500_a_second(language: str, outage: float, clients: int, *, told: bool) -> None:
    """Also after an outage, in which many have tried in vain; all of them are back in the end.

    A fleet of some hundred needs not to be told of: the default, which has the single user back at once, is enough.
    """
    with client_process(language) as client:
        fleet = client.delays(clients, ATTEMPTS, told=told)
    attempts, back = attempts_per_second(fleet, outage)
    assert back == clients
    assert max(attempts.values()) < CONNECTS_PER_SECOND
