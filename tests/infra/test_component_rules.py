"""What holds for every component."""

import importlib
import json
import pkgutil
import re
from collections import Counter

import pulumi

import infra
from tests.infra.conftest import Deploy
from tests.infra.project import CONFIG

DOCUMENTED_WILDCARDS = (r".*/(POST|GET|DELETE)/@connections/\*", r"arn:/aws/lambda/[^*]*:\*", r"arn:[^*]*/stream/\*")
WITHOUT_RESOURCES = {"xray:PutTraceSegments", "xray:PutTelemetryRecords", "servicediscovery:DiscoverInstances"}
"""AWS knows no resources for these (service authorization reference)."""
EVERYTHING = {
    "config": CONFIG + "auth: {api_keys: true}\n",
    "tracing": "true",
    "provisionedConcurrency": "1",
    "accessLogs": "true",
    "ownAccountLogRole": "true",
    "capacity": '{"minimum": 5, "maximum": 50}',
    "encryptionKeyArn": "arn:aws:kms:eu-west-1:111122223333:key/0a",
    "domain": json.dumps(
        {"name": "live.example.com", "certificateArn": "arn:aws:acm:eu-west-1:111122223333:certificate/0a"}
    ),
}
"""Settings with which every component is made."""


def components() -> list[type[pulumi.ComponentResource]]:
    """Every component class of the program that can be made."""
    modules = [importlib.import_module(f"infra.{one.name}") for one in pkgutil.iter_modules(infra.__path__)]
    found = {
        value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, pulumi.ComponentResource)
    }
    return [one for one in found if one.__module__.startswith("infra.") and not one.__name__.startswith("_")]


def test_every_component_is_deployed(deployed: Deploy) -> None:
    """A component class that the application does not use is not tested by what follows."""
    recording, _outputs = deployed(**EVERYTHING)

    made = {one.type for one in recording.components()}

    assert made == {f"trebuche:aws:{one.__name__}" for one in components()}


def test_type_tokens_are_unique() -> None:
    """A token names one class."""
    counted = Counter(one.__name__ for one in components())

    assert len(counted) >= 10
    assert set(counted.values()) == {1}


def test_every_component_registers_its_outputs(deployed: Deploy) -> None:
    """Else the engine never learns that a component is complete."""
    recording, _outputs = deployed(**EVERYTHING)

    assert {one.name for one in recording.components()} <= recording.with_outputs


def test_children_are_named_after_their_parent(deployed: Deploy) -> None:
    """Names of children start with their parent's, which is what aliases rely on."""
    recording, _outputs = deployed(**EVERYTHING)

    below = [one for one in recording.resources if one.parent]
    assert len(below) > 40
    assert [one.name for one in below if not one.name.startswith(f"{one.parent}-")] == []


def test_names_are_unique(deployed: Deploy) -> None:
    """No two resources share a logical name."""
    recording, _outputs = deployed(**EVERYTHING)

    counted = Counter(one.name for one in recording.resources)

    assert [name for name, times in counted.items() if times > 1] == []


def test_every_name_is_ours(deployed: Deploy) -> None:
    """Nothing that AWS names by ``name`` gets a random suffix from Pulumi."""
    recording, _outputs = deployed(**EVERYTHING)
    nameless = {
        "aws:apigatewayv2/integration:Integration",
        "aws:apigatewayv2/route:Route",
        "aws:apigatewayv2/integrationResponse:IntegrationResponse",
        "aws:apigatewayv2/routeResponse:RouteResponse",
        "aws:apigatewayv2/deployment:Deployment",
        "aws:lambda/permission:Permission",
        "aws:lambda/eventSourceMapping:EventSourceMapping",
        "aws:lambda/provisionedConcurrencyConfig:ProvisionedConcurrencyConfig",
        "aws:appautoscaling/target:Target",
        "aws:apigateway/account:Account",
        "aws:apigatewayv2/apiMapping:ApiMapping",
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        "aws:servicediscovery/instance:Instance",
        # These have a name of another name.
        "aws:apigatewayv2/domainName:DomainName",
        "aws:cloudwatch/dashboard:Dashboard",
    }

    assert {one.type for one in recording.custom() if "name" not in one.inputs} == nameless


def test_permissions_are_exact(deployed: Deploy) -> None:
    """No action and no resource is a pattern, but for those that cannot be otherwise."""
    recording, _outputs = deployed(**EVERYTHING)

    documents = [json.loads(one["policy"]) for one in recording.inputs("aws:iam/rolePolicy:RolePolicy")]
    statements = [statement for document in documents for statement in document["Statement"]]
    limited = [statement for statement in statements if not WITHOUT_RESOURCES.issuperset(statement["Action"])]
    resources = {arn for statement in limited for arn in statement["Resource"]}
    actions = {action for statement in statements for action in statement["Action"]}

    assert len(documents) == 5
    assert [action for action in actions if "*" in action] == []
    patterns = [arn for arn in resources if "*" in arn]
    assert patterns
    assert [arn for arn in patterns if not any(re.fullmatch(one, arn) for one in DOCUMENTED_WILDCARDS)] == []


def test_no_resource_policy_is_open(deployed: Deploy) -> None:
    """API Gateway may invoke a function for one route of one stage."""
    recording, _outputs = deployed(**EVERYTHING)

    permissions = recording.inputs("aws:lambda/permission:Permission")

    assert len(permissions) == 6
    assert all("*" not in one["sourceArn"] and one["qualifier"] == "live" for one in permissions)
