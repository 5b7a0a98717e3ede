"""Where the runtime finds the actors."""

import json

from infra.discovery import ActorDirectory, ActorDirectoryArgs
from infra.grants import policy
from tests.infra.project import small_function
from tests.infra.recording import Recording, deploy, resolve


def directory() -> ActorDirectory:
    """Two actors in one namespace."""
    functions = {"todos": small_function("todo-list"), "game": small_function("game-room")}
    return ActorDirectory("d", ActorDirectoryArgs(namespace="my-app", region="eu-west-1", functions=functions))


def made() -> Recording:
    """What a directory deploys."""
    return deploy(directory)


def test_namespace_needs_no_network() -> None:
    """Found by API calls: no VPC, no DNS zone."""
    assert made().one("d-namespace").inputs == {"name": "my-app"}
    assert made().one("d-service").inputs == {
        "name": "trebuche-actors",
        "namespaceId": "d-namespace-id",
        "type": "HTTP",
    }


def test_every_exposed_name_is_an_instance() -> None:
    """With the alias of its function, so that a deployment moves callers in one step."""
    assert made().one("d-actor-todos").inputs == {
        "serviceId": "d-service-id",
        "instanceId": "todos",
        "attributes": {
            "actorId": "todos",
            "ENDPOINT": "arn:my-todo-list:live",
            "REGION": "eu-west-1",
            "PROVIDER": "aws",
            "SCHEME": "lambda",
        },
    }
    assert made().one("d-actor-game").inputs["attributes"]["ENDPOINT"] == "arn:my-game-room:live"


def test_lookup_is_granted_in_this_namespace_only() -> None:
    """DiscoverInstances knows no resources, but names the namespace and the service."""
    assert json.loads(resolve(lambda: policy([directory().grant_discover()])))["Statement"] == [
        {
            "Sid": "Discover",
            "Effect": "Allow",
            "Action": ["servicediscovery:DiscoverInstances"],
            "Resource": ["*"],
            "Condition": {
                "StringEqualsIfExists": {
                    "servicediscovery:NamespaceName": "my-app",
                    "servicediscovery:ServiceName": "trebuche-actors",
                }
            },
        }
    ]
