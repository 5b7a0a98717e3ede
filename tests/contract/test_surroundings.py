"""What a function's variables say about AWS, held against botocore."""

from typing import Any, cast

import boto3
import pytest

from tests.contract.containers import no_clients
from tests.contract.lean import FUNCTION, client
from trebuche.adapters import clients
from trebuche.adapters.blocking_http import CONNECT_SECONDS
from trebuche.adapters.surroundings import EXTRAORDINARY, read_surroundings
from trebuche.contract import INTEGRATION_TIMEOUT_SECONDS

SERVICES = ("dynamodb", "lambda", "secretsmanager", "sqs")
REGIONS = ("us-east-1", "eu-central-1", "ap-southeast-5", "us-gov-west-1", "il-central-1")


@pytest.fixture(autouse=True)
def variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of a function."""
    for name in EXTRAORDINARY:
        monkeypatch.delenv(name, raising=False)
    for name, value in FUNCTION.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.parametrize("service", SERVICES)
def test_services_are_where_botocore_finds_them(service: str, region: str) -> None:
    """In each region of the partitions that are below amazonaws.com."""
    expected = boto3.client(service, region_name=region).meta.endpoint_url  # type: ignore[call-overload]
    assert client(service, AWS_DEFAULT_REGION=region)._http._address == expected


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize(
    "told",
    [
        {"AWS_ENDPOINT_URL": "http://127.0.0.1:4566"},
        {"AWS_ENDPOINT_URL_DYNAMODB": "http://127.0.0.1:1"},
        {"AWS_ENDPOINT_URL": "http://127.0.0.1:4566", "AWS_ENDPOINT_URL_SECRETS_MANAGER": "http://127.0.0.1:2"},
        {
            "AWS_ENDPOINT_URL": "http://127.0.0.1:4566",
            "AWS_ENDPOINT_URL_SQS": "",
            "AWS_ENDPOINT_URL_LAMBDA": "http://a",
        },
    ],
)
def test_variables_say_where_services_are(monkeypatch: pytest.MonkeyPatch, service: str, told: dict[str, str]) -> None:
    """The one of a service before the one of all."""
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    expected = boto3.client(service).meta.endpoint_url  # type: ignore[call-overload]
    assert client(service, **told)._http._address == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(("disabled", "host"), [("", "data-servicediscovery"), ("true", "servicediscovery")])
def test_cloud_map_is_asked_at_its_data_address(disabled: str, host: str) -> None:
    """As the operation's model has it."""
    made = client("servicediscovery", AWS_DISABLE_HOST_PREFIX_INJECTION=disabled)
    assert made._http._address == f"https://{host}.us-east-1.amazonaws.com"


@pytest.mark.parametrize(
    "change",
    [
        {"AWS_LAMBDA_FUNCTION_NAME": None},
        {"AWS_ACCESS_KEY_ID": None},
        {"AWS_SECRET_ACCESS_KEY": ""},
        {"AWS_DEFAULT_REGION": None},
        {"AWS_DEFAULT_REGION": "cn-north-1"},
        {"AWS_DEFAULT_REGION": "us-iso-east-1"},
        {"AWS_DEFAULT_REGION": "eusc-de-east-1"},
        {"AWS_PROFILE": "other"},
        {"AWS_USE_FIPS_ENDPOINT": "true"},
        {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"},
        {"HTTPS_PROXY": "http://proxy:3128"},
    ],
)
def test_what_is_out_of_the_ordinary_is_left_to_botocore(change: dict[str, str | None]) -> None:
    """Another partition, a proxy, a profile; credentials that come another way, as after a snapshot."""
    variables = {name: value for name, value in {**FUNCTION, **change}.items() if value is not None}
    assert read_surroundings(variables) is None
    assert read_surroundings(FUNCTION) is not None


def test_a_slow_actor_is_answered_for_while_the_gateway_still_waits() -> None:
    """The websocket function gives up on an actor's function at least two seconds before API Gateway gives up on it."""
    with no_clients():
        http = cast("Any", clients.functions())._http
    assert http._connections._answer_seconds + CONNECT_SECONDS + 2 <= INTEGRATION_TIMEOUT_SECONDS
    assert http._attempts == 1


def test_a_function_has_clients_of_our_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each service's, once, with the attempts and the patience that botocore's would have."""
    with no_clients():
        makers = (clients.dynamodb, clients.functions, clients.discovery, clients.queues, clients.secrets)
        made = [maker() for maker in makers]
        assert [type(one).__name__ for one in made] == [
            *("DynamoDBHttp", "LambdaHttp", "ServiceDiscoveryHttp", "SQSHttp", "SecretsManagerHttp"),
        ]
        assert all(maker() is one for maker, one in zip(makers, made, strict=True))
        clients.reconnect()
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    with no_clients():
        assert hasattr(clients.dynamodb(), "meta")
