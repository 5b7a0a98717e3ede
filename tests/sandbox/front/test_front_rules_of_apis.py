"""What API Gateway refuses of APIs, how many parts one may have, and how often the control plane may be asked."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from sandbox.client import RunningSandbox
from sandbox.quotas import Quotas
from tests.support.front import turnable_front
from tests.support.refusals import refused
from tests.support.sandbox import Aws

CHOSEN = "$request.body.action"


@pytest.mark.parametrize("expression", [{}, {"RouteSelectionExpression": ""}])
def test_route_selection_expression_is_required(aws: Aws, expression: dict[str, str]) -> None:
    """A WebSocket API has no other way to choose a route; it cannot be taken away either."""
    code, text = refused(aws.gateway.create_api, Name="a", ProtocolType="WEBSOCKET", **expression)
    assert (code, CHOSEN in text) == ("BadRequestException", True)
    made = aws.gateway.create_api(Name="a", ProtocolType="WEBSOCKET", RouteSelectionExpression=CHOSEN)["ApiId"]
    empty: Any = {"RouteSelectionExpression": ""}
    assert refused(aws.gateway.update_api, ApiId=made, **empty)[0] == "BadRequestException"


@pytest.mark.parametrize("expression", ["$request.header.a", "$default", "${request.body.items[*]}", "$context.stage"])
def test_route_selection_expression_is_about_the_body(aws: Aws, expression: str) -> None:
    """What is not evaluated is refused by name: each message would silently go to $default."""
    there: Any = {"Name": "a", "ProtocolType": "WEBSOCKET"}
    code, text = refused(aws.gateway.create_api, **there, RouteSelectionExpression=expression)
    assert (code, f"'{expression}'" in text) == ("BadRequestException", True)
    made = aws.gateway.create_api(**there, RouteSelectionExpression="${request.body.items[0].kind}/$request.body.a")
    assert refused(aws.gateway.update_api, ApiId=made["ApiId"], RouteSelectionExpression=expression) == (code, text)


def test_api_key_is_found_in_one_of_two_places(aws: Aws) -> None:
    """In the header ``x-api-key``, or in what the authorizer answers."""
    there: Any = {"Name": "a", "ProtocolType": "WEBSOCKET", "RouteSelectionExpression": CHOSEN}
    code, text = refused(aws.gateway.create_api, **there, ApiKeySelectionExpression="$request.header.other")
    assert (code, "usageIdentifierKey" in text) == ("BadRequestException", True)
    aws.gateway.create_api(**there, ApiKeySelectionExpression="$context.authorizer.usageIdentifierKey")


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"CorsConfiguration": {"AllowOrigins": ["*"]}}, "CorsConfiguration"),
        ({"Target": "https://a.example"}, "Target"),
        ({"RouteKey": "$default"}, "RouteKey"),
    ],
)
def test_what_http_apis_alone_have_is_refused_of_apis(aws: Aws, settings: dict[str, Any], name: str) -> None:
    """CORS, for one: a handshake has none."""
    there: Any = {"Name": "a", "ProtocolType": "WEBSOCKET", "RouteSelectionExpression": CHOSEN}
    assert refused(aws.gateway.create_api, **there, **settings) == (
        "BadRequestException",
        f"{name} is supported for HTTP APIs only",
    )


def test_refusals_are_for_web_socket_apis_only(aws: Aws) -> None:
    """An HTTP API is the emulator's, with whatever integration it has."""
    api = aws.gateway.create_api(Name="h", ProtocolType="HTTP")["ApiId"]
    made = aws.gateway.create_integration(
        ApiId=api, IntegrationType="HTTP_PROXY", IntegrationUri="https://example.com", IntegrationMethod="ANY"
    )
    assert made["IntegrationType"] == "HTTP_PROXY"


def test_an_api_has_so_many_parts(sandbox: RunningSandbox, tmp_path: Path) -> None:
    """One route, integration, stage or authorizer more than the quota is refused with 429; another API has its own."""

    def fill(aws: Aws) -> None:
        there: Any = {"ApiId": aws.web_socket({}).api_id}
        uri = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:::function:f/invocations"
        made: Any = {"AuthorizerType": "REQUEST", "AuthorizerUri": uri, "IdentitySource": []}
        aws.gateway.create_route(**there, RouteKey="second")
        aws.gateway.create_integration(**there, IntegrationType="MOCK")
        aws.gateway.create_authorizer(**there, Name="first", **made)
        for call, arguments, noun in (
            (aws.gateway.create_route, {"RouteKey": "third"}, "Routes"),
            (aws.gateway.create_integration, {"IntegrationType": "MOCK"}, "Integrations"),
            (aws.gateway.create_stage, {"StageName": "second"}, "Stages"),
            (aws.gateway.create_authorizer, {"Name": "second", **made}, "Authorizers"),
        ):
            code, text = refused(call, **there, **arguments)
            assert (code, f"number of {noun}" in text) == ("TooManyRequestsException", True)
        aws.gateway.create_route(ApiId=aws.web_socket({}).api_id, RouteKey="second")

    play(sandbox, tmp_path, Quotas(routes=2, integrations=1, stages=1, authorizers=1), fill)


def test_aws_gives_an_api_300_routes_and_10_stages() -> None:
    """As many integrations as routes, and as many authorizers as stages."""
    quotas = Quotas()
    assert (quotas.routes, quotas.integrations, quotas.stages, quotas.authorizers) == (300, 300, 10, 10)


def test_control_plane_takes_so_many_calls(sandbox: RunningSandbox, tmp_path: Path) -> None:
    """With a rate, an account has a burst of 40, reads and writes alike; another account has its own."""

    def ask(aws: Aws) -> None:
        for _ in range(40):
            aws.gateway.get_apis()
        assert refused(aws.gateway.get_apis) == ("TooManyRequestsException", "Too Many Requests")
        Aws(aws.endpoint, tmp_path, account="222222222222").gateway.get_apis()

    play(sandbox, tmp_path, Quotas(control_rate=0.001), ask)


def play(sandbox: RunningSandbox, folder: Path, quotas: Quotas, script: Any) -> None:
    """Run a script against a front with quotas of its own."""

    async def main() -> None:
        async with turnable_front(sandbox.record.emulator_endpoint, quotas) as front:
            await asyncio.to_thread(script, Aws(front.endpoint, folder))

    asyncio.run(main())
