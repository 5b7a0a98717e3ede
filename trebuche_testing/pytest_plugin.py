"""The explorer as a fixture: the topmost conftest.py says ``pytest_plugins = ["trebuche_testing.pytest_plugin"]``."""

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

import pytest

from trebuche.actors import Actor
from trebuche_testing.campaign import Tally
from trebuche_testing.explore import explore
from trebuche_testing.specification import Specification

DEFAULT_SCHEDULES: Final = 200

Explore: TypeAlias = Callable[..., Tally]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let people say how many schedules, and where to begin."""
    group = parser.getgroup("trebuche")
    group.addoption("--schedules", type=int, default=DEFAULT_SCHEDULES, help="schedules per explored actor")
    group.addoption("--first-seed", type=int, default=0, help="of the schedules of each explored actor")


@pytest.fixture
def explore_actor(request: pytest.FixtureRequest) -> Explore:
    """``explore``, with the seeds that the command line asks for."""
    first, number = request.config.getoption("--first-seed"), request.config.getoption("--schedules")

    def run(
        actor: type[Actor[Any]], specification: Specification, *, deployed_later: Sequence[type[Actor[Any]]] = ()
    ) -> Tally:
        __tracebackhide__ = True  # as explore
        return explore(actor, specification, seeds=range(first, first + number), deployed_later=deployed_later)

    return run
