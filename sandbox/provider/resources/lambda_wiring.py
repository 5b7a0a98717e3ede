"""What hangs on a function: aliases, permissions, concurrency and asynchronous settings."""

# ruff: noqa: ARG002 (a handler's signature is the table's)
import json
import threading
from collections.abc import Mapping
from typing import Any

from sandbox.provider.cloud import Scope, existing
from sandbox.provider.properties import (
    BOOLEAN,
    INTEGER,
    NUMBER,
    REGION,
    STRING,
    Kind,
    Property,
    Props,
    between,
    fields,
)
from sandbox.provider.resources.lambda_function import FUNCTION_REFERENCE, invoke_arn
from sandbox.provider.table import Autoname, Edit, Handler, ResourceType
from sandbox.provider.translate import from_api, to_api


class AliasHandler(Handler):
    """A named pointer to a version; id is its ARN."""

    def create(self, scope: Scope, inputs: Props) -> str:
        """CreateAlias."""
        return str(scope.client("lambda").create_alias(Name=inputs["name"], **_alias(inputs))["AliasArn"])

    def read(self, scope: Scope, ident: str, state: Props) -> Props | None:
        """GetAlias."""
        function, _, name = ident.rpartition(":")
        answer = existing(lambda: scope.client("lambda").get_alias(FunctionName=function, Name=name))
        if answer is None:
            return None
        weights = (answer.get("RoutingConfig") or {}).get("AdditionalVersionWeights")
        return {
            "name": answer["Name"],
            "arn": answer["AliasArn"],
            "invokeArn": invoke_arn(scope, answer["AliasArn"]),
            "functionName": function,
            "functionVersion": answer["FunctionVersion"],
            "description": answer.get("Description", ""),
            "routingConfig": {"additionalVersionWeights": weights} if weights else None,
        }

    def update(self, scope: Scope, ident: str, edit: Edit) -> None:
        """UpdateAlias."""
        function, _, name = ident.rpartition(":")
        if edit.changed:
            scope.client("lambda").update_alias(**{**_alias(edit.new), "FunctionName": function, "Name": name})

    def delete(self, scope: Scope, ident: str, state: Props) -> None:
        """DeleteAlias."""
        function, _, name = ident.rpartition(":")
        scope.client("lambda").delete_alias(FunctionName=function, Name=name)


def _alias(inputs: Props) -> Props:
    weights = (inputs.get("routingConfig") or {}).get("additionalVersionWeights") or {}
    return {
        "FunctionName": inputs["functionName"],
        "FunctionVersion": inputs["functionVersion"],
        "Description": inputs.get("description") or "",
        # Said also when there are none: what UpdateAlias is not told stays.
        "RoutingConfig": {"AdditionalVersionWeights": weights},
    }


class PermissionHandler(Handler):
    """One statement of a function's resource policy; id is the statement's."""

    # AWS loses statements that are added to one function at the same time.
    _one_at_a_time = threading.Lock()

    def create(self, scope: Scope, inputs: Props) -> str:
        """AddPermission."""
        with self._one_at_a_time:
            scope.client("lambda").add_permission(**to_api(_PERMISSION, inputs))
        return str(inputs["statementId"])

    def read(self, scope: Scope, ident: str, state: Props) -> Props | None:
        """The statement as the function's policy holds it."""
        answer = existing(lambda: scope.client("lambda").get_policy(**_qualified(state)))
        statements = json.loads(answer["Policy"])["Statement"] if answer else []
        found = next((statement for statement in statements if statement.get("Sid") == ident), None)
        if found is None:
            return None
        conditions = [test for tests in found.get("Condition", {}).values() for test in tests.items()]
        return {
            "statementId": ident,
            "action": found["Action"],
            "principal": _principal(found["Principal"]),
            "function": state["function"],
            "qualifier": state.get("qualifier"),
            **{_CONDITIONS[key]: value for key, value in conditions if key in _CONDITIONS},
        }

    def delete(self, scope: Scope, ident: str, state: Props) -> None:
        """RemovePermission."""
        with self._one_at_a_time:
            scope.client("lambda").remove_permission(StatementId=ident, **_qualified(state))

    def locate(self, ident: str) -> tuple[str, Props]:
        """``function[:qualifier]/statement``."""
        function, _, statement = ident.rpartition("/")
        name, _, qualifier = function.partition(":")
        return statement, {"function": name, **({"qualifier": qualifier} if qualifier else {})}


_CONDITIONS = {
    # The case of condition keys counts for nothing (IAM guide): both spellings are in use.
    "AWS:SourceArn": "sourceArn",
    "aws:SourceArn": "sourceArn",
    "AWS:SourceAccount": "sourceAccount",
    "aws:SourceAccount": "sourceAccount",
    "aws:PrincipalOrgID": "principalOrgId",
}


def _qualified(state: Props) -> Props:
    qualifier = {"Qualifier": state["qualifier"]} if state.get("qualifier") else {}
    return {"FunctionName": state["function"], **qualifier}


def _principal(principal: Any) -> str:
    return next(iter(principal.values())) if isinstance(principal, dict) else str(principal)


class SettingHandler(Handler):
    """A setting of a function that is put, read and deleted whole; id ``function[:qualifier]`` with ``separator``."""

    def __init__(self, operation: str, members: Mapping[str, Property], separator: str) -> None:
        self._operation, self._members, self._separator = operation, members, separator

    def create(self, scope: Scope, inputs: Props) -> str:
        """Put it."""
        getattr(scope.client("lambda"), f"put_{self._operation}")(**to_api(self._members, inputs))
        qualifier = f"{self._separator}{inputs['qualifier']}" if inputs.get("qualifier") else ""
        return f"{inputs['functionName']}{qualifier}"

    def read(self, scope: Scope, ident: str, state: Props) -> Props | None:
        """Read it; the function and the qualifier are the remembered ones."""
        address = to_api(self._members, state, ("functionName", "qualifier"))
        answer = existing(lambda: getattr(scope.client("lambda"), f"get_{self._operation}")(**address))
        return answer and {
            **from_api(self._members, answer),
            "functionName": state["functionName"],
            "qualifier": state.get("qualifier"),
        }

    def update(self, scope: Scope, ident: str, edit: Edit) -> None:
        """Put it again."""
        if edit.changed:
            getattr(scope.client("lambda"), f"put_{self._operation}")(**to_api(self._members, edit.new))

    def delete(self, scope: Scope, ident: str, state: Props) -> None:
        """Delete it."""
        if not state.get("skipDestroy"):
            address = to_api(self._members, state, ("functionName", "qualifier"))
            getattr(scope.client("lambda"), f"delete_{self._operation}")(**address)

    def locate(self, ident: str) -> tuple[str, Props]:
        """``function[separator qualifier]``."""
        function, _, qualifier = ident.partition(self._separator)
        return ident, {"functionName": function, **({"qualifier": qualifier} if qualifier else {})}


_ALIAS_FIELDS = {
    # Not of digits alone, or it could not be told from a version.
    "name": STRING.but(replaces=True, pattern=r"(?!^[0-9]+$)[A-Za-z0-9_-]{1,128}"),
    "functionName": FUNCTION_REFERENCE.but(replaces=True),
    "functionVersion": STRING.but(required=True, pattern=r"\$LATEST|[0-9]+"),
    "description": STRING.but(longest=256),
    "routingConfig": fields(
        additionalVersionWeights=Property(kind=Kind.MAP, item=NUMBER.but(low=0, high=1)),
    ),
    "region": REGION,
}


_REPLACES = STRING.but(replaces=True)


_PERMISSION = {
    "statementId": _REPLACES.but(pattern=r"[A-Za-z0-9_-]{1,100}"),
    "function": FUNCTION_REFERENCE.but(replaces=True, api="FunctionName"),
    "action": _REPLACES.but(required=True, pattern=r"lambda:[*]|lambda:[a-zA-Z]+|[*]"),
    "principal": _REPLACES.but(required=True),
    "qualifier": _REPLACES,
    "sourceArn": _REPLACES,
    "sourceAccount": _REPLACES,
    "principalOrgId": _REPLACES.but(api="PrincipalOrgID"),
    "region": REGION,
}


_PROVISIONED = {
    "functionName": FUNCTION_REFERENCE.but(replaces=True),
    "qualifier": _REPLACES.but(required=True),
    "provisionedConcurrentExecutions": INTEGER.but(required=True, low=1),
    "skipDestroy": BOOLEAN.but(local=True),
    "region": REGION,
}


_INVOKE_CONFIG = {
    "functionName": FUNCTION_REFERENCE.but(replaces=True),
    "qualifier": _REPLACES,
    "maximumRetryAttempts": between(0, 2).but(default=2),
    "maximumEventAgeInSeconds": between(60, 21600).but(default=21600),
    "destinationConfig": fields(
        onFailure=fields(destination=STRING.but(required=True)), onSuccess=fields(destination=STRING.but(required=True))
    ),
    "region": REGION,
}


class ProvisionedHandler(SettingHandler):
    """Provisioned concurrency answers with its own word for what was asked."""

    def read(self, scope: Scope, ident: str, state: Props) -> Props | None:
        """``RequestedProvisionedConcurrentExecutions`` is what was put."""
        found = super().read(scope, ident, state)
        if found is None:
            return None
        address = to_api(_PROVISIONED, state, ("functionName", "qualifier"))
        answer = scope.client("lambda").get_provisioned_concurrency_config(**address)
        return {**found, "provisionedConcurrentExecutions": answer["RequestedProvisionedConcurrentExecutions"]}


ROWS = (
    ResourceType(
        token="aws:lambda/alias:Alias",
        fields=_ALIAS_FIELDS,
        outputs=("arn", "invokeArn"),
        handler=AliasHandler(),
        autoname=Autoname(longest=128),
    ),
    ResourceType(
        token="aws:lambda/permission:Permission",
        fields=_PERMISSION,
        outputs=(),
        handler=PermissionHandler(),
        autoname=Autoname(property="statementId", longest=100),
    ),
    ResourceType(
        token="aws:lambda/provisionedConcurrencyConfig:ProvisionedConcurrencyConfig",
        fields=_PROVISIONED,
        outputs=(),
        handler=ProvisionedHandler("provisioned_concurrency_config", _PROVISIONED, ","),
    ),
    ResourceType(
        token="aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig",
        fields=_INVOKE_CONFIG,
        outputs=(),
        handler=SettingHandler("function_event_invoke_config", _INVOKE_CONFIG, ":"),
    ),
)
