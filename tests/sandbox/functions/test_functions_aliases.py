"""What Lambda refuses of aliases, and the resource policies that versions and aliases have of their own."""

import json
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from tests.support.sandbox import Aws, Function, Json

INVALID = "InvalidParameterValueException"
VALIDATION = "ValidationException"
PERMISSION: Json = {"Action": "lambda:InvokeFunction", "Principal": "apigateway.amazonaws.com"}


@pytest.fixture
def published(aws: Aws) -> Function:
    """A function with the versions 1, 2 and 3."""
    function = aws.function('print("x")', permitted=False)
    for description in ("one", "two", "three"):
        aws.functions.update_function_configuration(FunctionName=function.name, Description=description)
        aws.functions.publish_version(FunctionName=function.name)
    return function


def refusal(operation: Any, **request: Any) -> tuple[str, str]:
    """Name and text of the error that a request meets."""
    with pytest.raises(ClientError) as caught:
        operation(**request)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def wish(name: str, version: str, weights: Json | None = None) -> Json:
    """A request for an alias."""
    return {"Name": name, "FunctionVersion": version, "RoutingConfig": {"AdditionalVersionWeights": weights or {}}}


@pytest.mark.parametrize(
    ("alias", "code", "text"),
    [
        (wish("7", "1"), VALIDATION, "Value '7' at 'name' failed to satisfy constraint: Member must satisfy regular"),
        (wish("two words", "1"), VALIDATION, "at 'name' failed"),
        (wish("live", "latest"), VALIDATION, "Value 'latest' at 'functionVersion' failed"),
        (wish("live", "1", {"2": 1.5}), VALIDATION, "Value '{2=1.5}' at 'routingConfig.additionalVersionWeights' fail"),
        (wish("live", "1", {"2": -0.1}), VALIDATION, "Member must have value greater than or equal to 0.0"),
        (wish("live", "1", {"$LATEST": 0.1}), VALIDATION, "Map keys must satisfy constraint"),
        (wish("live", "1", {"2": 0.1, "3": 0.1}), INVALID, "Number of items in AdditionalVersionWeights cannot be"),
        (wish("live", "1", {"1": 0.1}), INVALID, "Function version 1 is already included in routing configuration."),
        (wish("live", "$LATEST", {"1": 0.1}), INVALID, "$LATEST is not supported for an alias pointing to more than 1"),
        (wish("live", "9"), "ResourceNotFoundException", ":9"),
        (wish("live", "1", {"9": 0.1}), "ResourceNotFoundException", ":9"),
        ({"Name": "live"}, VALIDATION, "Value null at 'functionVersion' failed"),
    ],
)
def test_an_alias_has_its_form(aws: Aws, published: Function, alias: Json, code: str, text: str) -> None:
    """One name that is no number, versions that there are, and one more of them by a share from 0 to 1."""
    told = refusal(aws.client("lambda").create_alias, FunctionName=published.name, **alias)
    assert told[0] == code
    assert text in told[1]
    assert aws.functions.list_aliases(FunctionName=published.name)["Aliases"] == []


def test_a_changed_alias_has_its_form_with_what_stays(aws: Aws, published: Function) -> None:
    """What an update does not name counts as it is."""
    update = aws.functions.update_alias
    alias = {"FunctionName": published.name, "Name": "live"}
    aws.functions.create_alias(**cast("Any", alias | wish("live", "1", {"2": 0.5})))
    assert refusal(update, **alias, FunctionVersion="2")[1].startswith("Invalid function version 2.")
    assert refusal(update, **alias, FunctionVersion="$LATEST")[0] == INVALID
    assert refusal(update, **alias, **{"RoutingConfig": {"AdditionalVersionWeights": {"1": 0.1}}})[0] == INVALID
    assert refusal(update, **(alias | {"Name": "other"}), FunctionVersion="1")[0] == "ResourceNotFoundException"
    changed = update(**cast("Any", alias), FunctionVersion="3")
    assert changed["RoutingConfig"]["AdditionalVersionWeights"] == {"2": 0.5}
    weightless = update(**cast("Any", alias), FunctionVersion="$LATEST", RoutingConfig={"AdditionalVersionWeights": {}})
    assert (weightless["FunctionVersion"], "RoutingConfig" in weightless) == ("$LATEST", False)


def test_versions_of_an_alias_share_their_role(aws: Aws, published: Function) -> None:
    """And their dead-letter target: who calls the alias must not meet another's rights by chance."""
    aws.functions.update_function_configuration(FunctionName=published.name, Role=aws.role())
    aws.functions.publish_version(FunctionName=published.name)
    create = aws.client("lambda").create_alias
    assert refusal(create, FunctionName=published.name, **wish("live", "1", {"4": 0.1}))[0] == INVALID
    create(FunctionName=published.name, **wish("live", "1", {"2": 0.1}))


def statements(aws: Aws, function: Function, **qualifier: str) -> list[str]:
    """The ids of the statements of a resource policy; none when there is no policy."""
    get = aws.client("lambda").get_policy
    try:
        policy = json.loads(get(FunctionName=function.name, **qualifier)["Policy"])
    except get.__self__.exceptions.ResourceNotFoundException:
        return []
    return [statement["Sid"] for statement in policy["Statement"]]


def test_each_qualifier_has_its_own_policy(aws: Aws, published: Function) -> None:
    """A statement's id is taken once for the function, and once for each version and alias; none is seen elsewhere."""
    add, name = aws.client("lambda").add_permission, published.name
    aws.functions.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    for qualifier in ({}, {"Qualifier": "live"}, {"Qualifier": "1"}):
        assert statements(aws, published, **qualifier) == []
        add(FunctionName=name, StatementId="api", **PERMISSION, **qualifier)
        taken = refusal(add, FunctionName=name, StatementId="api", **PERMISSION, **qualifier)
        assert taken[0] == "ResourceConflictException"
    add(FunctionName=name, StatementId="more", **PERMISSION)
    aws.functions.remove_permission(FunctionName=name, StatementId="api")
    assert statements(aws, published) == ["more"]
    assert statements(aws, published, Qualifier="live") == statements(aws, published, Qualifier="1") == ["api"]
    remove = aws.functions.remove_permission
    assert refusal(remove, FunctionName=name, StatementId="api")[0] == "ResourceNotFoundException"
    assert refusal(remove, FunctionName=name, StatementId="more", Qualifier="live")[0] == "ResourceNotFoundException"


def test_a_policy_ends_with_its_alias(aws: Aws, published: Function) -> None:
    """Another alias of that name begins without permissions."""
    for _ in range(2):
        aws.functions.create_alias(FunctionName=published.name, Name="live", FunctionVersion="1")
        assert statements(aws, published, Qualifier="live") == []
        aws.permit(f"{published.arn}:live")
        assert len(statements(aws, published, Qualifier="live")) == 1
        aws.functions.delete_alias(FunctionName=published.name, Name="live")


def test_unpublished_code_has_no_policy_of_its_own(aws: Aws, published: Function) -> None:
    """The function's own policy is that of $LATEST."""
    wanted = {"FunctionName": published.name, "StatementId": "api", "Qualifier": "$LATEST", **PERMISSION}
    told = refusal(aws.client("lambda").add_permission, **wanted)
    assert told == (INVALID, "We currently do not support adding policies for $LATEST.")
