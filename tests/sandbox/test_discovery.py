"""Cloud Map's instances are found by what is asked of them."""

from typing import Any

import pytest

from tests.support.sandbox import Aws, Json, eventually


@pytest.fixture
def discover(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Finds instances of a new service: three, one of them unhealthy; and one of a service without a health check."""
    monkeypatch.setenv("AWS_DISABLE_HOST_PREFIX_INJECTION", "true")  # else the host would begin with "data-"
    cloud = aws.client("servicediscovery")
    space = f"space-{aws.folder.name}"
    operation = cloud.create_http_namespace(Name=space)["OperationId"]
    made = eventually(lambda: cloud.get_operation(OperationId=operation)["Operation"]["Targets"])
    checks: dict[str, Json] = {"checked": {"HealthCheckCustomConfig": {"FailureThreshold": 1}}, "unchecked": {}}
    ids = {}
    for name, check in checks.items():
        ids[name] = cloud.create_service(Name=name, NamespaceId=made["NAMESPACE"], **check)["Service"]["Id"]
        for number, version in (("1", "a"), ("2", "a"), ("3", "b")):
            attributes = {"version": version, "number": number}
            cloud.register_instance(ServiceId=ids[name], InstanceId=number, Attributes=attributes)
        request: Json = {"ServiceId": ids[name], "InstanceId": "2", "Status": "UNHEALTHY"}
        cloud.update_instance_custom_health_status(**request)

    def find(service: str = "checked", **wanted: Any) -> list[str]:
        found = cloud.discover_instances(NamespaceName=space, ServiceName=service, **wanted)["Instances"]
        return sorted(one["InstanceId"] for one in found)

    return find


def test_instances_are_found_by_their_attributes(discover: Any) -> None:
    """All that are asked for; what is wished for counts where there is such an instance."""
    assert discover(HealthStatus="ALL", QueryParameters={"version": "a"}) == ["1", "2"]
    assert discover(HealthStatus="ALL", QueryParameters={"version": "a", "number": "3"}) == []
    assert discover(QueryParameters={"version": "a"}, OptionalParameters={"number": "1"}) == ["1"]
    assert discover(QueryParameters={"version": "b"}, OptionalParameters={"number": "1"}) == ["3"]


def test_instances_are_found_by_their_health(discover: Any) -> None:
    """The healthy ones at first, and all where none is; without a health check nothing is asked of it."""
    assert discover() == ["1", "3"]
    assert [discover(HealthStatus=one) for one in ("HEALTHY", "UNHEALTHY")] == [["1", "3"], ["2"]]
    assert discover(HealthStatus="HEALTHY_OR_ELSE_ALL") == ["1", "3"]
    assert discover("unchecked", HealthStatus="UNHEALTHY") == ["1", "2", "3"]


def test_so_many_instances_are_returned(discover: Any) -> None:
    """As many as the request takes."""
    assert len(discover(HealthStatus="ALL", MaxResults=2)) == 2


def test_a_service_with_instances_stays(aws: Aws) -> None:
    """Until they are gone."""
    cloud = aws.client("servicediscovery")
    operation = cloud.create_http_namespace(Name=f"kept-{aws.folder.name}")["OperationId"]
    made = eventually(lambda: cloud.get_operation(OperationId=operation)["Operation"]["Targets"])
    service = cloud.create_service(Name="kept", NamespaceId=made["NAMESPACE"])["Service"]["Id"]
    cloud.register_instance(ServiceId=service, InstanceId="1", Attributes={"a": "b"})
    with pytest.raises(cloud.exceptions.ResourceInUse, match="contains registered instances"):
        cloud.delete_service(Id=service)
    cloud.deregister_instance(ServiceId=service, InstanceId="1")
    cloud.delete_service(Id=service)
    with pytest.raises(cloud.exceptions.ServiceNotFound):
        cloud.get_service(Id=service)
