"""Cloud Map: HTTP namespaces, services and their instances."""

# ruff: noqa: ARG002 (a handler's signature is the table's)
from typing import Any

from sandbox.provider.cloud import Scope, existing, until
from sandbox.provider.errors import RejectedValueError
from sandbox.provider.properties import BOOLEAN, REGION, STRING, STRING_MAP, TAGS, Props, between, fields, one_of
from sandbox.provider.table import Autoname, Edit, Handler, ResourceType
from sandbox.provider.translate import named, unnamed

_OPERATION_SECONDS = 30


def _finished(scope: Scope, answer: Props) -> dict[str, str]:
    """Wait for an operation; its targets by kind.

    Raises:
        RejectedValueError: Cloud Map says that it failed.
    """
    operation: dict[str, Any] = {}

    def done() -> bool:
        operation.update(scope.client("servicediscovery").get_operation(OperationId=answer["OperationId"])["Operation"])
        return operation["Status"] in ("SUCCESS", "FAIL")

    until(done, seconds=_OPERATION_SECONDS, waiting_for=f"Cloud Map operation {answer['OperationId']}")
    if operation["Status"] == "FAIL":
        raise RejectedValueError(f"{operation.get('ErrorCode')}: {operation.get('ErrorMessage')}")
    targets: dict[str, str] = operation["Targets"]
    return targets


def _tags(scope: Scope, arn: str) -> dict[str, str]:
    return unnamed(scope.client("servicediscovery").list_tags_for_resource(ResourceARN=arn).get("Tags"))


def _retag(scope: Scope, edit: Edit) -> None:
    added, removed = edit.tag_changes() if edit.touches("tags") else ({}, [])
    if removed:
        scope.client("servicediscovery").untag_resource(ResourceARN=edit.old["arn"], TagKeys=removed)
    if added:
        scope.client("servicediscovery").tag_resource(ResourceARN=edit.old["arn"], Tags=named(added))


class NamespaceHandler(Handler):
    """A namespace whose instances are found by API calls only."""

    def create(self, scope: Scope, inputs: Props) -> str:
        """CreateHttpNamespace, and wait."""
        answer = scope.client("servicediscovery").create_http_namespace(
            Name=inputs["name"],
            Description=inputs.get("description") or "",
            Tags=named(inputs.get("tags")),
            # At most 64 characters (API reference), and the end of a URN tells resources apart.
            CreatorRequestId=scope.urn[-64:],
        )
        return _finished(scope, answer)["NAMESPACE"]

    def read(self, scope: Scope, ident: str, state: Props) -> Props | None:
        """GetNamespace."""
        answer = existing(lambda: scope.client("servicediscovery").get_namespace(Id=ident))
        if answer is None:
            return None
        namespace = answer["Namespace"]
        properties = namespace.get("Properties", {}).get("HttpProperties", {})
        return {
            "name": namespace["Name"],
            "description": namespace.get("Description", ""),
            "arn": namespace["Arn"],
            "httpName": properties.get("HttpName", namespace["Name"]),
            "tags": _tags(scope, namespace["Arn"]),
        }

    def update(self, scope: Scope, ident: str, edit: Edit) -> None:
        """Only tags change in place."""
        _retag(scope, edit)

    def delete(self, scope: Scope, ident: str, state: Props) -> None:
        """DeleteNamespace, and wait."""
        _finished(scope, scope.client("servicediscovery").delete_namespace(Id=ident))


class ServiceHandler(Handler):
    """A service of a namespace."""

    def create(self, scope: Scope, inputs: Props) -> str:
        """CreateService."""
        request: Props = {"Name": inputs["name"], "Tags": named(inputs.get("tags")), **_health(inputs)}
        if inputs.get("namespaceId"):
            request["NamespaceId"] = inputs["namespaceId"]
        if inputs.get("description"):
            request["Description"] = inputs["description"]
        if inputs.get("type"):
            request["Type"] = inputs["type"]
        return str(scope.client("servicediscovery").create_service(**request)["Service"]["Id"])

    def read(self, scope: Scope, ident: str, state: Props) -> Props | None:
        """GetService."""
        answer = existing(lambda: scope.client("servicediscovery").get_service(Id=ident))
        if answer is None:
            return None
        service = answer["Service"]
        custom = service.get("HealthCheckCustomConfig")
        return {
            "name": service["Name"],
            "namespaceId": service.get("NamespaceId", ""),
            "description": service.get("Description", ""),
            "type": service.get("Type", "HTTP"),
            "healthCheckCustomConfig": custom and {"failureThreshold": custom.get("FailureThreshold", 1)},
            "arn": service["Arn"],
            "tags": _tags(scope, service["Arn"]),
        }

    def update(self, scope: Scope, ident: str, edit: Edit) -> None:
        """UpdateService."""
        if edit.touches("description"):
            change = {"Description": edit.new.get("description") or ""}
            _finished(scope, scope.client("servicediscovery").update_service(Id=ident, Service=change))
        _retag(scope, edit)

    def delete(self, scope: Scope, ident: str, state: Props) -> None:
        """DeleteService; with ``forceDestroy`` its instances first."""
        client = scope.client("servicediscovery")
        if state.get("forceDestroy"):
            for page in client.get_paginator("list_instances").paginate(ServiceId=ident):
                for instance in page["Instances"]:
                    _finished(scope, client.deregister_instance(ServiceId=ident, InstanceId=instance["Id"]))
        client.delete_service(Id=ident)


def _health(inputs: Props) -> Props:
    given = inputs.get("healthCheckCustomConfig")
    if given is None:
        return {}
    return {"HealthCheckCustomConfig": {"FailureThreshold": given.get("failureThreshold") or 1}}


class InstanceHandler(Handler):
    """An instance of a service."""

    def create(self, scope: Scope, inputs: Props) -> str:
        """RegisterInstance, and wait."""
        self._register(scope, inputs)
        return str(inputs["instanceId"])

    def read(self, scope: Scope, ident: str, state: Props) -> Props | None:
        """GetInstance."""
        service = state["serviceId"]
        client = scope.client("servicediscovery")
        answer = existing(lambda: client.get_instance(ServiceId=service, InstanceId=ident))
        attributes = (answer or {}).get("Instance", {}).get("Attributes", {})
        return answer and {"serviceId": service, "instanceId": ident, "attributes": attributes}

    def update(self, scope: Scope, ident: str, edit: Edit) -> None:
        """RegisterInstance again replaces the attributes."""
        if edit.changed:
            self._register(scope, edit.new)

    def delete(self, scope: Scope, ident: str, state: Props) -> None:
        """DeregisterInstance, and wait."""
        client = scope.client("servicediscovery")
        _finished(scope, client.deregister_instance(ServiceId=state["serviceId"], InstanceId=ident))

    def locate(self, ident: str) -> tuple[str, Props]:
        """``service/instance``."""
        service, _, instance = ident.partition("/")
        return instance, {"serviceId": service}

    def _register(self, scope: Scope, inputs: Props) -> None:
        answer = scope.client("servicediscovery").register_instance(
            ServiceId=inputs["serviceId"], InstanceId=inputs["instanceId"], Attributes=inputs["attributes"]
        )
        _finished(scope, answer)


ROWS = (
    ResourceType(
        token="aws:servicediscovery/httpNamespace:HttpNamespace",
        fields={
            "name": STRING.but(replaces=True, longest=1024),
            # As in the official provider, which knows no update of a namespace but its tags.
            "description": STRING.but(replaces=True, longest=1024),
            "tags": TAGS,
            "region": REGION,
        },
        outputs=("arn", "httpName", "tagsAll"),
        handler=NamespaceHandler(),
        autoname=Autoname(longest=1024),
    ),
    ResourceType(
        token="aws:servicediscovery/service:Service",
        fields={
            "name": STRING.but(replaces=True, longest=127),
            "namespaceId": STRING.but(replaces=True, computed=True),
            "type": one_of("HTTP").but(replaces=True, computed=True),
            "description": STRING.but(longest=1024),
            "healthCheckCustomConfig": fields(failureThreshold=between(1, 10).but(computed=True)).but(replaces=True),
            "forceDestroy": BOOLEAN.but(local=True),
            "tags": TAGS,
            "region": REGION,
        },
        outputs=("arn", "tagsAll"),
        handler=ServiceHandler(),
        autoname=Autoname(longest=127),
    ),
    ResourceType(
        token="aws:servicediscovery/instance:Instance",
        fields={
            "serviceId": STRING.but(required=True, replaces=True),
            "instanceId": STRING.but(required=True, replaces=True, pattern=r"[0-9A-Za-z/_.:@-]{1,64}"),
            "attributes": STRING_MAP.but(required=True),
            "region": REGION,
        },
        outputs=(),
        handler=InstanceHandler(),
    ),
)
