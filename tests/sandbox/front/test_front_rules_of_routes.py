"""What API Gateway refuses of routes and their responses, and an emulator would let pass."""

from typing import Any

import pytest

from tests.support.refusals import refused
from tests.support.sandbox import Aws, Socket


@pytest.fixture
def socket(aws: Aws) -> Socket:
    """A deployed API, whose only route is ``leads-nowhere``."""
    return aws.web_socket({})


def test_own_route_keys_have_no_dollar(aws: Aws, socket: Socket) -> None:
    """What starts with $ is API Gateway's."""
    code, text = refused(aws.gateway.create_route, ApiId=socket.api_id, RouteKey="$mine")
    assert (code, "$mine" in text) == ("BadRequestException", True)


def test_route_key_is_not_empty(aws: Aws, socket: Socket) -> None:
    """Neither when a route is made, nor later."""
    [route] = aws.gateway.get_routes(ApiId=socket.api_id)["Items"]
    there: Any = {"ApiId": socket.api_id}
    assert refused(aws.gateway.create_route, **there, RouteKey="")[0] == "BadRequestException"
    assert refused(aws.gateway.update_route, **there, RouteId=route["RouteId"], RouteKey="")[0] == "BadRequestException"


def test_route_key_is_taken_once(aws: Aws, socket: Socket) -> None:
    """Of one API; a route may keep its own."""
    there: Any = {"ApiId": socket.api_id, "RouteKey": "leads-nowhere"}
    assert refused(aws.gateway.create_route, **there) == (
        "ConflictException",
        "Route with key leads-nowhere already exists for this API",
    )
    [route] = aws.gateway.get_routes(ApiId=socket.api_id)["Items"]
    aws.gateway.update_route(**there, RouteId=route["RouteId"], OperationName="o")


@pytest.mark.parametrize("target", ["integrations/nosuch", "nosuch", "functions/f"])
def test_target_of_a_route_is_an_integration_that_is_there(aws: Aws, socket: Socket, target: str) -> None:
    """By CreateRoute and UpdateRoute alike."""
    [route] = aws.gateway.get_routes(ApiId=socket.api_id)["Items"]
    expected = ("NotFoundException", f"Invalid Integration identifier specified: {target}")
    there: Any = {"ApiId": socket.api_id, "Target": target}
    assert refused(aws.gateway.create_route, **there, RouteKey="new") == expected
    assert refused(aws.gateway.update_route, **there, RouteId=route["RouteId"]) == expected


def test_route_response_is_the_default_one(aws: Aws, socket: Socket) -> None:
    """WebSocket routes know one response key only."""
    [route] = aws.gateway.get_routes(ApiId=socket.api_id)["Items"]
    there: Any = {"ApiId": socket.api_id, "RouteId": route["RouteId"]}
    code, text = refused(aws.gateway.create_route_response, **there, RouteResponseKey="200")
    assert (code, "$default" in text) == ("BadRequestException", True)


def test_response_expression_is_default(aws: Aws, socket: Socket) -> None:
    """There is no other route response to select."""
    there: Any = {"ApiId": socket.api_id, "RouteKey": "new", "RouteResponseSelectionExpression": "$request.body.a"}
    assert "must be $default" in refused(aws.gateway.create_route, **there)[1]


def test_authorization_is_of_a_kind_that_is_known(aws: Aws, socket: Socket) -> None:
    """What the front would not ask would let everybody in."""
    there: Any = {"ApiId": socket.api_id, "RouteKey": "$connect"}
    for kind in ("JWT", "nonsense"):
        code, text = refused(aws.gateway.create_route, **there, AuthorizationType=kind)
        assert (code, kind in text) == ("BadRequestException", True)
    missing: Any = {"AuthorizationType": "CUSTOM", "AuthorizerId": "nosuch"}
    assert refused(aws.gateway.create_route, **there, **missing) == (
        "NotFoundException",
        "Invalid authorizer identifier specified: nosuch",
    )


@pytest.mark.parametrize("kind", ["CUSTOM", "AWS_IAM"])
def test_authorization_is_for_connect_only(aws: Aws, socket: Socket, kind: str) -> None:
    """Another route is refused with it, and a WebSocket API takes no JWT authorizer for any."""
    make = aws.client("apigatewayv2").create_route
    for key, wanted in (("guarded", kind), ("$connect", "JWT")):
        code, _ = refused(make, ApiId=socket.api_id, RouteKey=key, AuthorizationType=wanted)
        assert code == "BadRequestException"


def test_api_key_is_asked_for_on_connect_only(aws: Aws, socket: Socket) -> None:
    """Messages bring none."""
    there: Any = {"ApiId": socket.api_id, "RouteKey": "new", "ApiKeyRequired": True}
    assert refused(aws.gateway.create_route, **there) == (
        "BadRequestException",
        "Currently, API keys are restricted to the $connect route only",
    )
