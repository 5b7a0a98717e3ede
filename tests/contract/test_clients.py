"""The AWS clients of the functions."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import botocore.session
import pytest

from tests.contract.containers import no_clients
from trebuche.adapters import clients
from trebuche.contract import INTEGRATION_TIMEOUT_SECONDS

THREADS = 16
ENDPOINT = "https://abc123.execute-api.us-east-1.amazonaws.com/production"
MAKERS: dict[str, Callable[[], Any]] = {
    "dynamodb": clients.dynamodb,
    "lambda": clients.functions,
    "secretsmanager": clients.secrets,
    "servicediscovery": clients.discovery,
    "sqs": clients.queues,
}


@pytest.fixture(autouse=True)
def container(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A new container in some region."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with no_clients():
        yield


def test_a_slow_actor_is_answered_for_while_the_gateway_still_waits() -> None:
    """The websocket function gives up on an actor's function at least two seconds before API Gateway gives up on it."""
    config: Any = clients.functions().meta.config

    assert config.read_timeout + config.connect_timeout + 2 <= INTEGRATION_TIMEOUT_SECONDS
    assert config.retries["total_max_attempts"] == 1


def test_threads_that_need_a_client_at_once_get_the_same_one() -> None:
    """The first fan-out of a container posts from many threads: a client each would be many cold starts in one."""
    ready = Barrier(THREADS)

    def get(_: int) -> tuple[int, int]:
        ready.wait()
        return id(clients.management(ENDPOINT)), id(clients.dynamodb())

    with ThreadPoolExecutor(THREADS) as pool:
        assert len(set(pool.map(get, range(THREADS)))) == 1


def test_each_stage_has_a_client_of_its_own() -> None:
    """Frames for one stage never go to another."""
    first, other, again = (clients.management(f"{ENDPOINT}-{name}") for name in ("a", "b", "a"))
    assert first is again
    assert first is not other


@pytest.mark.parametrize("service", clients.SERVICES)
def test_a_client_is_the_one_that_botocore_makes_by_itself(service: str) -> None:
    """Same service, same version of its interface, same address: only the search through all services is left out."""
    ours = MAKERS[service]().meta
    theirs = botocore.session.Session().create_client(service).meta
    assert ours.service_model.service_name == service
    assert ours.service_model.api_version == theirs.service_model.api_version
    assert (ours.endpoint_url, ours.region_name) == (theirs.endpoint_url, theirs.region_name)
