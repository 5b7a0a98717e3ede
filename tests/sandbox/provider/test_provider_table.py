"""The table holds the SDK's own names, and AWS's replacement rules."""

import importlib
import inspect
import typing
from collections.abc import Mapping
from typing import Any

import pulumi._types as pulumi_types
import pytest

from sandbox.provider.properties import Kind, Property
from sandbox.provider.resources import RECORD_ONLY, RECORDED_TYPES, TABLE

# What a change replaces, from the official provider's source and documentation; `region` replaces everywhere.
REPLACES = {
    "aws:dynamodb/table:Table": {"name", "hashKey", "rangeKey", "localSecondaryIndexes"},
    "aws:iam/role:Role": {"name", "path"},
    "aws:iam/rolePolicy:RolePolicy": {"name", "role"},
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": {"role", "policyArn"},
    "aws:lambda/function:Function": {"name", "packageType"},
    "aws:lambda/alias:Alias": {"name", "functionName"},
    "aws:lambda/permission:Permission": {
        "statementId",
        "function",
        "action",
        "principal",
        "qualifier",
        "sourceArn",
        "sourceAccount",
        "principalOrgId",
    },
    "aws:lambda/eventSourceMapping:EventSourceMapping": {"eventSourceArn", "startingPosition"},
    "aws:lambda/provisionedConcurrencyConfig:ProvisionedConcurrencyConfig": {"functionName", "qualifier"},
    "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": {"functionName", "qualifier"},
    "aws:apigatewayv2/api:Api": {"protocolType"},
    "aws:apigatewayv2/integration:Integration": {"apiId", "integrationType"},
    "aws:apigatewayv2/route:Route": {"apiId"},
    "aws:apigatewayv2/routeResponse:RouteResponse": {"apiId", "routeId"},
    "aws:apigatewayv2/integrationResponse:IntegrationResponse": {"apiId", "integrationId"},
    "aws:apigatewayv2/authorizer:Authorizer": {"apiId"},
    "aws:apigatewayv2/deployment:Deployment": {"apiId", "triggers"},
    "aws:apigatewayv2/model:Model": {"apiId"},
    "aws:apigatewayv2/stage:Stage": {"apiId", "name"},
    "aws:apigatewayv2/domainName:DomainName": {"domainName"},
    "aws:apigatewayv2/apiMapping:ApiMapping": {"apiId", "domainName"},
    "aws:apigateway/account:Account": set[str](),
    "aws:cloudwatch/logGroup:LogGroup": {"name", "logGroupClass"},
    "aws:cloudwatch/metricAlarm:MetricAlarm": {"name"},
    "aws:cloudwatch/dashboard:Dashboard": {"dashboardName"},
    "aws:sqs/queue:Queue": {"name", "fifoQueue"},
    "aws:sqs/queuePolicy:QueuePolicy": {"queueUrl"},
    "aws:sns/topic:Topic": {"name", "fifoTopic"},
    "aws:sns/topicSubscription:TopicSubscription": {"topic", "protocol", "endpoint"},
    "aws:servicediscovery/httpNamespace:HttpNamespace": {"name", "description"},
    "aws:servicediscovery/service:Service": {"name", "namespaceId", "type", "healthCheckCustomConfig"},
    "aws:servicediscovery/instance:Instance": {"serviceId", "instanceId"},
    "aws:secretsmanager/secret:Secret": {"name"},
    "aws:secretsmanager/secretVersion:SecretVersion": {
        "secretId",
        "secretString",
        "secretBinary",
        "secretStringWoVersion",
    },
    "aws:kms/key:Key": {"customerMasterKeySpec", "keyUsage", "multiRegion"},
    "aws:kms/alias:Alias": {"name"},
    "aws:ssm/parameter:Parameter": {"name", "dataType"},
    "aws:appautoscaling/target:Target": {"resourceId", "scalableDimension", "serviceNamespace"},
    "aws:appautoscaling/policy:Policy": {"name", "resourceId", "scalableDimension", "serviceNamespace"},
}
_ANY_LIST = (list, typing.get_origin(typing.Sequence[str]))


def sdk(token: str, suffix: str = "") -> type:
    """The SDK's class for a token, or its ``…Args``."""
    package, _, name = token.split(":")
    module = package.split("/")[0] if package != "aws" else token.split(":")[1].split("/")[0]
    python = {"lambda": "lambda_"}.get(module, module)
    found: type = getattr(importlib.import_module(f"pulumi_aws.{python}"), name + suffix)
    return found


def args_in(annotation: Any) -> type | None:
    """The ``…Args`` class inside an annotation such as ``Sequence[Input[XArgs]]``."""
    if inspect.isclass(annotation) and annotation.__name__.endswith("Args"):
        return annotation
    return next((found for part in typing.get_args(annotation) if (found := args_in(part))), None)


def wrong_names(fields: Mapping[str, Property], args: type, where: str) -> list[str]:
    """Names in the table, at any depth, that the SDK does not have."""
    known: Mapping[str, Any] = pulumi_types.input_type_types(args)
    wrong = [f"{where}.{name}" for name in fields if name not in known]
    for name, member in fields.items():
        inner = member.item if member.kind is Kind.LIST else member
        if name in known and inner is not None and inner.kind is Kind.OBJECT:
            nested = args_in(known[name])
            wrong += wrong_names(inner.fields, nested, f"{where}.{name}") if nested else [f"{where}.{name} (no object)"]
    return wrong


@pytest.mark.parametrize("token", sorted(TABLE))
def test_every_property_is_the_sdks(token: str) -> None:
    """No property, nested ones included, is misspelled."""
    assert wrong_names(TABLE[token].fields, sdk(token, "Args"), token) == []


@pytest.mark.parametrize("token", sorted(TABLE))
def test_every_output_is_the_sdks(token: str) -> None:
    """No output is misspelled, and none is an input."""
    outputs = set(TABLE[token].outputs)
    assert outputs <= set(pulumi_types.resource_types(sdk(token)))
    assert not outputs & set(TABLE[token].fields)


@pytest.mark.parametrize("token", sorted(TABLE))
def test_what_the_sdk_requires_is_required(token: str) -> None:
    """A program that leaves it out fails alike here and there."""
    args = sdk(token, "Args")
    names: Mapping[str, str] = pulumi_types.input_type_py_to_pulumi_names(args)
    parameters = list(inspect.signature(args).parameters.values())
    required = {names[p.name] for p in parameters if p.default is inspect.Parameter.empty and p.name in names}
    assert required <= {name for name, member in TABLE[token].fields.items() if member.required}


@pytest.mark.parametrize("token", sorted(TABLE))
def test_what_replaces_is_what_replaces_on_aws(token: str) -> None:
    """A change that is made in place there is made in place here, and the reverse."""
    fields = TABLE[token].fields
    assert {name for name, member in fields.items() if member.replaces} - {"region"} == REPLACES[token]
    assert token.startswith("aws:iam/") or fields["region"].replaces


def test_what_is_only_recorded_is_a_short_named_list() -> None:
    """Whatever has no effect in the sandbox is named, so that the documentation can say so."""
    assert RECORDED_TYPES == (
        "aws:apigatewayv2/model:Model",
        "aws:appautoscaling/target:Target",
        "aws:appautoscaling/policy:Policy",
    )
    assert RECORD_ONLY == {
        "aws:apigatewayv2/deployment:Deployment": ("description",),
    }
