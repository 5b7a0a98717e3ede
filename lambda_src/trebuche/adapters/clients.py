"""AWS clients, each made once per container when it is first needed.

In a function they are our own, since importing botocore and building its clients takes most of a cold start. Where its
variables say something out of the ordinary, and elsewhere, they are botocore's.
"""

import os
from collections.abc import Callable
from functools import cache
from threading import RLock
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from trebuche.adapters.surroundings import read_surroundings

if TYPE_CHECKING:
    from botocore.session import Session
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_lambda import LambdaClient
    from types_boto3_servicediscovery import ServiceDiscoveryClient
    from types_boto3_sqs import SQSClient

    from trebuche.adapters.management import ManagementApi
    from trebuche.adapters.secrets_manager import SecretsClient
    from trebuche.adapters.signing import Credentials
    from trebuche.adapters.trust import Tls

DynamoDB: TypeAlias = "Callable[[], DynamoDBClient]"
"""Gives the client; the same at each call."""

SERVICES: Final = ("dynamodb", "lambda", "secretsmanager", "servicediscovery", "sqs")
"""What there is a client for."""

_made: Final[dict[str, Any]] = {}
_stages: "Final[dict[str, ManagementApi]]" = {}
_making: Final = RLock()
"""The posts of a first fan-out come from many threads at once, and a session is not made to be used by several."""


def dynamodb() -> "DynamoDBClient":
    """For tables."""
    return cast("DynamoDBClient", _client("dynamodb", read_timeout=5, attempts=4))


def management(endpoint: str) -> "ManagementApi":
    """For posting to connections of the stage at an ``https://…/<stage>`` address."""
    with _making:
        if endpoint not in _stages:
            from trebuche.adapters.management import ManagementApi

            found = read_surroundings(os.environ)
            _stages[endpoint] = ManagementApi(
                endpoint,
                (lambda: found.identity) if found else _credentials,
                found.region if found else _session().get_config_variable("region") or "",
                authorities=lambda: _tls().authorities,
            )
        return _stages[endpoint]


def functions() -> "LambdaClient":
    """For calling functions, once each: whether a call that timed out took effect is for its caller to find out."""
    # API Gateway waits 29 s: what is left of them must do for a cold start and for telling the caller.
    return cast("LambdaClient", _client("lambda", read_timeout=26, attempts=1))


def discovery() -> "ServiceDiscoveryClient":
    """For finding functions; a caller waits for it, and gives up where an older answer will do."""
    return cast("ServiceDiscoveryClient", _client("servicediscovery", read_timeout=2, attempts=2))


def queues() -> "SQSClient":
    """For reminding workers of subscribers that may fall behind."""
    return cast("SQSClient", _client("sqs", read_timeout=3, attempts=3))


def secrets() -> "SecretsClient":
    """For the stack's secret; a client waits at the door."""
    return cast("SecretsClient", _client("secretsmanager", read_timeout=3, attempts=2))


def warm(endpoint: str) -> None:
    """Make those now that every call or change may need, for an environment that is made ready beforehand.

    No service is called.

    Args:
        endpoint: Where connections are posted to; empty when there are none.
    """
    dynamodb()
    _tls().context()
    if endpoint:
        management(endpoint)
        queues()
        functions()
        discovery()


def reconnect() -> None:
    """Drop connections that are not this environment's own, but those of the snapshot that it was restored from."""
    for client in (*_stages.values(), *_made.values()):
        if hasattr(client, "forget"):
            client.forget()


def _credentials() -> "Credentials":
    """As they are now; botocore replaces temporary ones some minutes before they expire."""
    from botocore.exceptions import NoCredentialsError

    found = _resolved()
    if found is None:
        raise NoCredentialsError
    return cast("Credentials", found.get_frozen_credentials())


def _client(service: str, *, read_timeout: int, attempts: int) -> Any:
    """Timeouts in seconds."""
    with _making:
        if service not in _made:
            found = read_surroundings(os.environ)
            if found is None:
                _made[service] = _botocores(service, read_timeout, attempts)
            else:
                from trebuche.adapters.lean_clients import lean_client

                _made[service] = lean_client(service, found, _tls(), read_timeout=read_timeout, attempts=attempts)
        return _made[service]


def _botocores(service: str, read_timeout: int, attempts: int) -> Any:
    """``standard`` retries throttling and 5xx with backoff, and nothing else."""
    from botocore.config import Config

    config = Config(
        connect_timeout=1,
        read_timeout=read_timeout,
        # Botocore's own are 10: the 32 posts of a fan-out would wait for one another.
        max_pool_connections=64,
        retries={"mode": "standard", "total_max_attempts": attempts},
    )
    return _session().create_client(service, config=config)


@cache
def _tls() -> "Tls":
    from trebuche.adapters.trust import Tls

    return Tls()


@cache
def _resolved() -> Any:
    with _making:
        return _session().get_credentials()


@cache
def _session() -> "Session":
    from botocore.loaders import Loader
    from botocore.session import Session

    class Known(Loader):
        """Knows which services there are; its base looks into 400 folders, file by file, to tell."""

        def list_available_services(self, type_name: str) -> list[str]:  # noqa: ARG002  (its base's)
            return list(SERVICES)

    session = Session()
    session.register_component("data_loader", Known())
    return session
