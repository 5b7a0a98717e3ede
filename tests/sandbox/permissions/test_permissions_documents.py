"""Resource policies and trust policies, judged without anything running."""

from typing import Any

import pytest

from sandbox.permissions import Access
from sandbox.permissions.documents import SOURCE_ACCOUNT, SOURCE_ARN, allows

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:f"
ROUTE = "arn:aws:execute-api:us-east-1:000000000000:a1b2/live/$connect"
ACCESS = Access(
    principal="apigateway.amazonaws.com",
    action="lambda:InvokeFunction",
    resource=FUNCTION,
    context={SOURCE_ARN: ROUTE, SOURCE_ACCOUNT: "000000000000"},
)


def statement(**changes: Any) -> dict[str, Any]:
    """A statement that allows the access, with changes."""
    usual = {
        "Effect": "Allow",
        "Principal": {"Service": "apigateway.amazonaws.com"},
        "Action": "lambda:InvokeFunction",
        "Resource": FUNCTION,
    }
    return usual | changes


def when(operator: str, **keys: Any) -> dict[str, Any]:
    """The statement under a condition on the source."""
    names = {"arn": "AWS:SourceArn", "account": "aws:SourceAccount", "other": "aws:PrincipalOrgID"}
    return statement(Condition={operator: {names[key]: value for key, value in keys.items()}})


@pytest.mark.parametrize(
    "allowing",
    [
        statement(),
        statement(Principal="*"),
        statement(Principal={"AWS": "*"}),
        statement(Principal={"Service": ["events.amazonaws.com", "apigateway.amazonaws.com"]}),
        statement(Action=["lambda:GetFunction", "lambda:invoke*"]),
        statement(Resource=["arn:aws:lambda:us-east-1:000000000000:function:*"]),
        when("ArnLike", arn=ROUTE),
        when("ArnLike", arn="arn:aws:execute-api:us-east-1:000000000000:a1b2/*"),
        when("ArnEquals", arn="arn:aws:execute-api:*:*:a1b2/*/$connect"),
        when("StringLike", arn="arn:aws:execute-api:*/live/?connect"),
        when("StringEquals", account=["111111111111", "000000000000"]),
        when("StringNotEquals", account="111111111111"),
        when("StringNotEquals", other="o-1"),
        when("StringEqualsIfExists", other="o-1"),
        when("Null", other="true"),
    ],
)
def test_statement_that_fits_allows(allowing: dict[str, Any]) -> None:
    """One statement that names principal, action and resource, and whose conditions hold, is enough."""
    assert allows({"Statement": [statement(Action="lambda:GetFunction"), allowing]}, ACCESS)
    assert allows({"Statement": allowing}, ACCESS)


@pytest.mark.parametrize(
    "other",
    [
        statement(Principal={"Service": "events.amazonaws.com"}),
        statement(Principal={"AWS": "arn:aws:iam::000000000000:root"}),
        statement(Principal="apigateway.amazonaws.com"),
        statement(Action="lambda:GetFunction"),
        statement(Resource=f"{FUNCTION}:live"),
        statement(Resource=f"{FUNCTION[:-1]}"),
        when("ArnLike", arn="arn:aws:execute-api:us-east-1:000000000000:a1b2/live/$default"),
        when("ArnLike", arn="arn:aws:execute-api:*a1b2/live/$connect"),
        when("ArnLike", arn="arn:aws:execute-api:us-east-1:111111111111:*"),
        when("StringEquals", arn="arn:aws:execute-api:*"),
        when("StringEquals", account="111111111111"),
        when("StringNotEquals", account=["111111111111", "000000000000"]),
        when("StringEquals", other="o-1"),
        when("Null", other="false"),
        when("BinaryEquals", account="0"),
    ],
)
def test_statement_that_does_not_fit_allows_nothing(other: dict[str, Any]) -> None:
    """Another principal, action, function, alias or source is not this one; what is not understood does not hold."""
    assert not allows({"Statement": [other]}, ACCESS)


def test_denial_goes_before_every_permission() -> None:
    """A Deny that fits counts, wherever it stands; one that does not fit is nothing."""
    assert not allows({"Statement": [statement(), statement(Effect="Deny")]}, ACCESS)
    assert allows({"Statement": [statement(), statement(Effect="Deny", Resource=f"{FUNCTION}:live")]}, ACCESS)


@pytest.mark.parametrize(
    ("denied", "opposite"),
    [
        ("Principal", {"Service": "events.amazonaws.com"}),
        ("Action", "lambda:Get*"),
        ("Resource", [f"{FUNCTION}:live", f"{FUNCTION}:old"]),
    ],
)
def test_denial_of_everything_but(denied: str, opposite: Any) -> None:
    """``NotPrincipal``, ``NotAction`` and ``NotResource`` name what a statement does not speak of."""
    denial = statement(Effect="Deny")
    meant = denial.pop(denied)
    assert not allows({"Statement": [statement(), {**denial, f"Not{denied}": opposite}]}, ACCESS)
    assert allows({"Statement": [statement(), {**denial, f"Not{denied}": meant}]}, ACCESS)


def test_denial_under_a_condition_that_nobody_knows_denies() -> None:
    """What cannot be judged is not allowed by mistake."""
    denial = statement(Effect="Deny", Condition={"NumericEquals": {"aws:SourceAccount": "0"}})
    assert not allows({"Statement": [statement(), denial]}, ACCESS)


def test_empty_document_allows_nothing() -> None:
    """No policy is no permission."""
    assert not allows({}, ACCESS)


@pytest.mark.parametrize(("effect", "secure", "allowed"), [("Deny", "false", True), ("Deny", "true", False)])
def test_services_call_by_tls(effect: str, secure: str, allowed: bool) -> None:
    """What denies plain HTTP denies nothing to a service of AWS."""
    denial = statement(Effect=effect, Condition={"Bool": {"aws:SecureTransport": secure}})
    assert allows({"Statement": [statement(), denial]}, ACCESS) is allowed
