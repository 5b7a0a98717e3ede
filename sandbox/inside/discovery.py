"""Has Cloud Map find the instances that a request asks for, and keep a service that has any.

The emulator finds all that there are, and lets them go with their service.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from ministack.core.responses import error_response_json, json_response
from ministack.services import servicediscovery

MOST = 100
"""As many as are returned to a request that does not say how many it takes."""
IN_USE = "Service contains registered instances; delete the instances before deleting the service"
HEALTH_CHECKS = ("HealthCheckConfig", "HealthCheckCustomConfig")


def install() -> None:
    """Have DiscoverInstances heed its parameters, and DeleteService what is registered."""
    servicediscovery._discover_instances = narrowed(servicediscovery._discover_instances)
    servicediscovery._delete_service = guarded(servicediscovery._delete_service)


def guarded(delete: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], Any]:
    """The operation, which refuses a service that has instances."""

    def run(data: dict[str, Any]) -> Any:
        if servicediscovery._instances.get(data.get("Id")):
            return error_response_json("ResourceInUse", IN_USE, 400)
        return delete(data)

    return run


def narrowed(discover: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], Any]:
    """The operation, with the parameters that the emulator does not know."""

    def run(data: dict[str, Any]) -> Any:
        answer = discover({**data, "HealthStatus": "ALL"})
        if answer[0] != 200:
            return answer
        found = json.loads(answer[2])["Instances"]
        if found and is_checked(found[0]["ServiceName"], found[0]["NamespaceName"]):
            found = of_health(found, data.get("HealthStatus", "HEALTHY_OR_ELSE_ALL"))
        found = with_attributes(found, data.get("QueryParameters") or {})
        # Wishes: where nothing fulfils them, they are not made.
        found = with_attributes(found, data.get("OptionalParameters") or {}) or found
        return json_response({"Instances": found[: data.get("MaxResults", MOST)]})

    return run


def is_checked(service: str, namespace: str) -> bool:
    """Whether a service has a health check; those of others are all returned, whatever a request asks."""
    spaces = [one["Id"] for one in servicediscovery._namespaces.values() if one["Name"] == namespace]
    named = [one for one in servicediscovery._services.values() if one["Name"] == service]
    return any(one["NamespaceId"] in spaces and any(map(one.get, HEALTH_CHECKS)) for one in named)


def of_health(instances: list[dict[str, Any]], wanted: str) -> list[dict[str, Any]]:
    """The instances in the health that is wanted."""
    if wanted == "ALL":
        return instances
    found = [one for one in instances if one["HealthStatus"] == wanted.partition("_")[0]]
    return found or (instances if wanted == "HEALTHY_OR_ELSE_ALL" else [])


def with_attributes(instances: list[dict[str, Any]], wanted: Mapping[str, str]) -> list[dict[str, Any]]:
    """The instances that have all of these attributes."""
    return [one for one in instances if wanted.items() <= one["Attributes"].items()]
