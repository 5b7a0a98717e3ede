"""What Lambda says to reservations and to provisioned concurrency."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.sandbox import Aws, Function

SILENT = 'print("x")'


def refusal(call: Any, **request: Any) -> tuple[str, str]:
    """Name and text of the error that a call meets."""
    with pytest.raises(ClientError) as caught:
        call(**request)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


@pytest.fixture
def published(aws: Aws) -> Function:
    """A function with version 1, an alias ``live`` of it, and an alias ``next`` of what is not published."""
    function = aws.function(SILENT)
    aws.functions.publish_version(FunctionName=function.name)
    aws.functions.create_alias(FunctionName=function.name, Name="live", FunctionVersion="1")
    aws.functions.create_alias(FunctionName=function.name, Name="next", FunctionVersion="$LATEST")
    return function


@pytest.mark.parametrize(("number", "value"), [(-1, "'-1'"), (None, "null")])
def test_a_reservation_is_a_number(aws: Aws, number: int | None, value: str) -> None:
    """Nothing is reserved by less than nothing."""
    function = aws.function(SILENT)
    code, text = refusal(
        aws.functions.put_function_concurrency, FunctionName=function.name, ReservedConcurrentExecutions=number
    )
    assert code == "ValidationException"
    assert f"Value {value} at 'reservedConcurrentExecutions' failed to satisfy constraint" in text
    assert "ReservedConcurrentExecutions" not in aws.functions.get_function_concurrency(FunctionName=function.name)


@pytest.mark.parametrize("qualifier", ["$LATEST", "next"])
def test_only_published_versions_are_provisioned(aws: Aws, published: Function, qualifier: str) -> None:
    """``$LATEST`` can change under what is kept warm, and so can its aliases; versions and theirs cannot."""
    provision = aws.functions.put_provisioned_concurrency_config
    request = {"FunctionName": published.name, "ProvisionedConcurrentExecutions": 1}
    assert refusal(provision, **request, Qualifier=qualifier) == (
        "InvalidParameterValueException",
        "Provisioned Concurrency Configs cannot be applied to unpublished function versions.",
    )
    for fit in ("1", "live"):
        made = provision(FunctionName=published.name, Qualifier=fit, ProvisionedConcurrentExecutions=1)
        assert made["RequestedProvisionedConcurrentExecutions"] == 1


def test_provisioned_concurrency_is_at_least_one(aws: Aws, published: Function) -> None:
    """Nothing is taken away, not set to none."""
    request = {"FunctionName": published.name, "Qualifier": "live", "ProvisionedConcurrentExecutions": 0}
    code, text = refusal(aws.functions.put_provisioned_concurrency_config, **request)
    assert code == "ValidationException"
    assert "Value '0' at 'provisionedConcurrentExecutions' failed to satisfy constraint" in text


def test_provisioned_concurrency_is_within_what_is_reserved(aws: Aws, published: Function) -> None:
    """It is taken out of the reservation."""
    aws.functions.put_function_concurrency(FunctionName=published.name, ReservedConcurrentExecutions=2)
    provision = aws.functions.put_provisioned_concurrency_config
    request = {"FunctionName": published.name, "Qualifier": "live"}
    code, text = refusal(provision, **request, ProvisionedConcurrentExecutions=3)
    assert code == "InvalidParameterValueException"
    assert text.startswith("Requested Provisioned Concurrency should not be greater than the reserved")
    provision(FunctionName=published.name, Qualifier="live", ProvisionedConcurrentExecutions=2)
