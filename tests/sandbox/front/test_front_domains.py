"""Custom domain names, and the API's own address when it is switched off."""

import contextlib
import secrets
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.support.sandbox import Aws, Socket, eventually

ECHO = 'record(event)\nreturn {"statusCode": 200, "body": event.get("body")}'


def domain(aws: Aws) -> str:
    """A new custom domain name."""
    name = f"chat-{secrets.token_hex(4)}.example.com"
    configuration = {"CertificateArn": "arn:aws:acm:us-east-1:000000000000:certificate/a", "EndpointType": "REGIONAL"}
    aws.gateway.create_domain_name(DomainName=name, DomainNameConfigurations=[configuration])  # type: ignore[list-item]
    return name


@contextlib.contextmanager
def at(aws: Aws, name: str, path: str) -> Iterator[ClientConnection]:
    """A socket that was opened on a custom domain, as its DNS record would lead to the sandbox."""
    address = urlsplit(aws.endpoint)
    sock = socket.create_connection((address.hostname, address.port))
    with connect(f"ws://{name}{path}", sock=sock, proxy=None) as client:
        yield client


def test_mapping_key_leads_to_its_stage(aws: Aws) -> None:
    """Host and key choose API and stage, the longest key first; the event names the custom domain."""
    first, second = aws.function(ECHO), aws.function(ECHO)
    one, two = aws.web_socket({"$default": first}), aws.web_socket({"$default": second})
    name = domain(aws)
    aws.gateway.create_api_mapping(DomainName=name, ApiId=one.api_id, Stage=one.stage)
    aws.gateway.create_api_mapping(DomainName=name, ApiId=two.api_id, Stage=two.stage, ApiMappingKey="v2")
    for path, function in (("", first), ("/v2", second), ("/v2?ticket=1", second)):
        before = len(function.events())
        with at(aws, name, path) as client:
            client.send('{"hello": 1}')
            assert client.recv(timeout=20) == '{"hello": 1}'
        assert len(function.events()) == before + 1
        assert function.events()[-1]["requestContext"]["domainName"] == name


def test_unmapped_key_is_forbidden(aws: Aws) -> None:
    """A domain without a fitting mapping answers 403, and so does one whose mapping is gone."""
    api = aws.web_socket({"$default": aws.function(ECHO)})
    name = domain(aws)
    mapping = aws.gateway.create_api_mapping(DomainName=name, ApiId=api.api_id, Stage=api.stage, ApiMappingKey="v1")[
        "ApiMappingId"
    ]
    with at(aws, name, "/v1"):
        pass
    for path in ("", "/v12"):
        assert refusal(aws, name, path) == 403
    aws.gateway.delete_api_mapping(DomainName=name, ApiMappingId=mapping)
    assert refusal(aws, name, "/v1") == 403


def test_connections_are_reached_through_the_domain(aws: Aws) -> None:
    """``@connections`` below the mapping key posts to the sockets of the mapped stage."""
    function = aws.function(ECHO)
    api = aws.web_socket({"$connect": function})
    name = domain(aws)
    aws.gateway.create_api_mapping(DomainName=name, ApiId=api.api_id, Stage=api.stage, ApiMappingKey="v1")
    with at(aws, name, "/v1") as client:
        identifier = eventually(function.events)[0]["requestContext"]["connectionId"]
        management = aws.management(Socket(api.api_id, api.stage, f"{aws.endpoint}/v1"))
        host(management, name)
        management.post_to_connection(ConnectionId=identifier, Data=b"hello")
        assert client.recv(timeout=20) == "hello"


def test_default_endpoint_can_be_switched_off(aws: Aws) -> None:
    """It takes a deployment; then sockets and ``@connections`` are for custom domains only."""
    api = aws.web_socket({"$default": aws.function(ECHO)})
    name = domain(aws)
    aws.gateway.create_api_mapping(DomainName=name, ApiId=api.api_id, Stage=api.stage)
    aws.gateway.update_api(ApiId=api.api_id, DisableExecuteApiEndpoint=True)
    with connect(api.url):
        pass
    aws.gateway.create_deployment(ApiId=api.api_id, StageName=api.stage)
    with pytest.raises(InvalidStatus) as caught, connect(api.url):
        pass
    assert caught.value.response.status_code == 403
    with pytest.raises(ClientError, match=r"403|Forbidden"):
        aws.management(api).post_to_connection(ConnectionId="AAAAAAAAAAAAAAA=", Data=b"x")
    with at(aws, name, ""):
        pass


def test_http_api_is_not_taken_for_a_socket(aws: Aws) -> None:
    """A request to an HTTP API is answered by it, not told to upgrade."""
    api = aws.gateway.create_api(Name="h", ProtocolType="HTTP")["ApiId"]
    aws.gateway.create_stage(ApiId=api, StageName="s", AutoDeploy=True)
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"{aws.endpoint}/_aws/execute-api/{api}/s")
    assert caught.value.code == 404
    caught.value.close()


def refusal(aws: Aws, name: str, path: str) -> int:
    """The HTTP status of a handshake that must fail."""
    with pytest.raises(InvalidStatus) as caught, at(aws, name, path):
        pass
    return caught.value.response.status_code


def host(client: object, name: str) -> None:
    """Make a client say that it means this host, before it signs."""
    events = client.meta.events  # type: ignore[attr-defined]
    events.register("before-sign", lambda request, **_: request.headers.add_header("Host", name))
