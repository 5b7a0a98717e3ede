"""Registries: the same in memory and in Cloud Map; and what only Cloud Map can do wrong."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.stub import Stubber

from trebuche.adapters.cloud_map import PAUSE_MS, TTL_MS, CloudMapRegistry
from trebuche.adapters.memory import InMemoryRegistry, ManualClock
from trebuche.contract import DISCOVERY_SERVICE
from trebuche.errors import ActorNotRegisteredError, ServiceError
from trebuche.ports import ActorRegistry

if TYPE_CHECKING:
    from types_boto3_servicediscovery import ServiceDiscoveryClient

NAMESPACE = "my-app-dev"
LISTS = "arn:aws:lambda:us-east-1:000000000000:function:my-app-dev-actor-todo-list:live"
ROOMS = "arn:aws:lambda:us-east-1:000000000000:function:my-app-dev-actor-game-room:live"
REQUEST = {
    "NamespaceName": NAMESPACE,
    "ServiceName": DISCOVERY_SERVICE,
    "MaxResults": 1_000,
    "HealthStatus": "ALL",
}


def attributes(name: str, function: str) -> dict[str, str]:
    """What the deployment writes into an entry."""
    return {"actorId": name, "ENDPOINT": function, "REGION": "us-east-1", "PROVIDER": "aws", "SCHEME": "lambda"}


def answer(entries: Mapping[str, str]) -> dict[str, Any]:
    """DiscoverInstances' answer."""
    return {"Instances": [{"InstanceId": name, "Attributes": attributes(name, arn)} for name, arn in entries.items()]}


class CloudMap:
    """Cloud Map as moto plays it, with one namespace and one service."""

    def __init__(self, client: "ServiceDiscoveryClient") -> None:
        self.client = client
        operation = client.create_http_namespace(Name=NAMESPACE)["OperationId"]
        namespace = client.get_operation(OperationId=operation)["Operation"]["Targets"]["NAMESPACE"]
        service = client.create_service(Name=DISCOVERY_SERVICE, NamespaceId=namespace, Type="HTTP")
        self._service = service["Service"]["Id"]

    def register(self, name: str, entry: dict[str, str]) -> None:
        """Write an entry."""
        self.client.register_instance(ServiceId=self._service, InstanceId=name, Attributes=entry)

    def deregister(self, name: str) -> None:
        """Delete an entry."""
        self.client.deregister_instance(ServiceId=self._service, InstanceId=name)


@pytest.fixture
def cloud_map(aws: str) -> CloudMap:
    """An empty service."""
    return CloudMap(boto3.client("servicediscovery", region_name=aws))


@pytest.fixture
def clock() -> ManualClock:
    """A clock to turn."""
    return ManualClock()


@pytest.fixture
def registry(cloud_map: CloudMap, clock: ManualClock) -> CloudMapRegistry:
    """The registry that is deployed, with two entries."""
    cloud_map.register("todos", attributes("todos", LISTS))
    cloud_map.register("game", attributes("game", ROOMS))
    return CloudMapRegistry(lambda: cloud_map.client, NAMESPACE, clock)


@pytest.fixture(params=["memory", "cloud map"])
def any_registry(request: pytest.FixtureRequest) -> ActorRegistry:
    """Either registry with the same two entries."""
    if request.param == "memory":
        return InMemoryRegistry({"todos": LISTS, "game": ROOMS})
    found: CloudMapRegistry = request.getfixturevalue("registry")
    return found


def test_a_name_leads_to_its_function(any_registry: ActorRegistry) -> None:
    """As often as one asks."""
    assert [any_registry.resolve(name) for name in ("todos", "game", "todos")] == [LISTS, ROOMS, LISTS]


def test_a_name_without_entry_is_an_error_that_names_it(any_registry: ActorRegistry) -> None:
    """And says which there are."""
    with pytest.raises(ActorNotRegisteredError, match=r"'nobody' is not registered.*there are: game, todos"):
        any_registry.resolve("nobody")


def test_what_is_forgotten_can_be_found_again(any_registry: ActorRegistry) -> None:
    """Also a name that was never there."""
    any_registry.resolve("todos")
    any_registry.forget("todos")
    any_registry.forget("nobody")
    assert any_registry.resolve("todos") == LISTS


def test_an_entry_without_address_is_an_error_that_says_so(registry: CloudMapRegistry, cloud_map: CloudMap) -> None:
    """The others are found all the same."""
    cloud_map.register("todos", {"actorId": "todos", "REGION": "us-east-1"})
    with pytest.raises(ActorNotRegisteredError, match=r"'todos' is registered in .* without ENDPOINT"):
        registry.resolve("todos")
    assert registry.resolve("game") == ROOMS


def test_a_service_without_entries_is_a_failure(cloud_map: CloudMap, clock: ManualClock) -> None:
    """Not a client's mistake: something was not deployed."""
    registry = CloudMapRegistry(lambda: cloud_map.client, NAMESPACE, clock)
    with pytest.raises(ServiceError, match="namespace my-app-dev, service trebuche-actors: no actors are registered"):
        registry.resolve("todos")
    cloud_map.register("todos", attributes("todos", LISTS))
    assert registry.resolve("todos") == LISTS


def test_a_namespace_that_is_gone_is_a_failure_with_its_name(cloud_map: CloudMap, clock: ManualClock) -> None:
    """As Cloud Map calls it."""
    registry = CloudMapRegistry(lambda: cloud_map.client, "other", clock)
    with pytest.raises(ServiceError, match=r"namespace other.*NamespaceNotFound"):
        registry.resolve("todos")


class Answers:
    """Cloud Map with prepared answers; each can be had once, and no other request is right.

    Args:
        stubber: Prepares them.
    """

    def __init__(self, stubber: Stubber) -> None:
        self._stubber = stubber

    def give(self, entries: Mapping[str, str]) -> None:
        """The next answer."""
        self._stubber.add_response("discover_instances", answer(entries), REQUEST)

    def fail(self) -> None:
        """Fail next."""
        self._stubber.add_client_error("discover_instances", "RequestLimitExceeded", "too many", 400)

    def all_given(self) -> None:
        """Every answer was asked for."""
        self._stubber.assert_no_pending_responses()


@pytest.fixture
def prepared(aws: str, clock: ManualClock) -> "tuple[CloudMapRegistry, Answers]":
    """A registry on prepared answers."""
    client = boto3.client("servicediscovery", region_name=aws)
    stubber = Stubber(client)
    stubber.activate()
    give_client: Callable[[], ServiceDiscoveryClient] = lambda: client  # noqa: E731
    return CloudMapRegistry(give_client, NAMESPACE, clock), Answers(stubber)


def test_cloud_map_is_asked_once_a_minute(prepared: tuple[CloudMapRegistry, Answers], clock: ManualClock) -> None:
    """One question answers for every name; after a minute the next frame asks again."""
    registry, answers = prepared
    answers.give({"todos": LISTS, "game": ROOMS})
    registry.resolve("todos")
    clock.pause((TTL_MS - 1) / 1000)
    assert registry.resolve("game") == ROOMS
    answers.give({"todos": ROOMS})
    clock.pause(0.001)
    assert registry.resolve("todos") == ROOMS
    answers.all_given()


def test_a_missing_name_is_asked_for_every_few_seconds(
    prepared: tuple[CloudMapRegistry, Answers], clock: ManualClock
) -> None:
    """Clients that make names up cost nothing, and a new actor is found soon."""
    registry, answers = prepared
    answers.give({"todos": LISTS})
    registry.resolve("todos")
    for name in ("game", "x", "y"):
        with pytest.raises(ActorNotRegisteredError):
            registry.resolve(name)
    clock.pause(PAUSE_MS / 1000)
    answers.give({"todos": LISTS, "game": ROOMS})
    assert registry.resolve("game") == ROOMS
    answers.all_given()


def test_a_forgotten_name_is_asked_for_at_once(prepared: tuple[CloudMapRegistry, Answers], clock: ManualClock) -> None:
    """Unless the last answer is only seconds old."""
    registry, answers = prepared
    answers.give({"todos": LISTS})
    registry.resolve("todos")
    registry.forget("todos")
    assert registry.resolve("todos") == LISTS
    clock.pause(PAUSE_MS / 1000)
    answers.give({"todos": ROOMS})
    assert registry.resolve("todos") == ROOMS
    answers.all_given()


def test_while_cloud_map_fails_its_last_answer_holds(
    prepared: tuple[CloudMapRegistry, Answers], clock: ManualClock
) -> None:
    """It is asked again after some seconds; a name that nobody knows is a failure and not a wrong name."""
    registry, answers = prepared
    answers.give({"todos": LISTS})
    registry.resolve("todos")
    clock.pause(TTL_MS / 1000)
    answers.fail()
    assert [registry.resolve("todos"), registry.resolve("todos")] == [LISTS, LISTS]
    clock.pause(PAUSE_MS / 1000)
    answers.fail()
    with pytest.raises(ServiceError, match="RequestLimitExceeded"):
        registry.resolve("game")
    clock.pause(PAUSE_MS / 1000)
    answers.give({"todos": ROOMS})
    assert registry.resolve("todos") == ROOMS
    answers.all_given()


def test_entries_that_vanish_all_at_once_are_not_believed(
    prepared: tuple[CloudMapRegistry, Answers], clock: ManualClock
) -> None:
    """A service is empty for a moment while it is replaced."""
    registry, answers = prepared
    answers.give({"todos": LISTS})
    registry.resolve("todos")
    clock.pause(TTL_MS / 1000)
    answers.give({})
    assert registry.resolve("todos") == LISTS
    answers.all_given()
