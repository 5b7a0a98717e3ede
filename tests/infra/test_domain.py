"""A host name of one's own."""

import pytest

from infra.domain import CustomDomain, CustomDomainArgs
from infra.stack_settings import Domain
from infra.websocket_api import WebSocketApi, WebSocketApiArgs, WebSocketStage, WebSocketStageArgs
from tests.infra.project import small_function
from tests.infra.recording import Recording, deploy

CERTIFICATE = "arn:aws:acm:eu-west-1:111122223333:certificate/0a"


def domain(key: str | None) -> tuple[Recording, CustomDomain]:
    """A domain in front of a stage."""
    made: list[CustomDomain] = []

    def program() -> None:
        api = WebSocketApi("api", WebSocketApiArgs(api_name="my-api", stage="dev"))
        routes = {"$default": small_function()}
        stage = WebSocketStage(
            "ws", WebSocketStageArgs(api=api, routes=routes, messages_per_second=20, message_burst=10)
        )
        wanted = Domain(name="live.example.com", certificateArn=CERTIFICATE, mappingKey=key)
        made.append(CustomDomain("d", CustomDomainArgs(domain=wanted, api=api, stage=stage)))

    return deploy(program), made[0]


def test_domain_leads_to_the_stage() -> None:
    """Regional, TLS 1.2 at least, mapped to this API and stage."""
    recording, _domain = domain("v1")

    assert recording.one("d-name").inputs == {
        "domainName": "live.example.com",
        "domainNameConfiguration": {
            "certificateArn": CERTIFICATE,
            "endpointType": "REGIONAL",
            "securityPolicy": "TLS_1_2",
        },
    }
    assert recording.one("d-mapping").inputs == {
        "apiId": "api-api-id",
        "domainName": "live.example.com",
        "stage": "dev",
        "apiMappingKey": "v1",
    }


@pytest.mark.parametrize(("key", "endpoint"), [(None, "wss://live.example.com"), ("v1", "wss://live.example.com/v1")])
def test_clients_connect_to_the_domain(key: str | None, endpoint: str) -> None:
    """With the mapping's key where there is one; the stage's name is no part of it."""
    assert domain(key)[1].endpoint == endpoint
