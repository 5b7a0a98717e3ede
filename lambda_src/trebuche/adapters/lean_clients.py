"""Clients of a function whose surroundings are ordinary, made in a few milliseconds of which most are for TLS."""

from typing import TYPE_CHECKING, Any

from trebuche.adapters.service_http import Service, ServiceHttp

if TYPE_CHECKING:
    from trebuche.adapters.surroundings import Surroundings
    from trebuche.adapters.trust import Tls


def lean_client(service: str, surroundings: "Surroundings", tls: "Tls", *, read_timeout: float, attempts: int) -> Any:
    """What takes the place of botocore's client of a service.

    Args:
        service: As botocore calls it.
        surroundings: Of the function.
        tls: Shared by all clients.
        read_timeout: Seconds.
        attempts: At most.
    """
    from trebuche.adapters.dynamodb_client import with_bytes

    place = Service(_address(service, surroundings), service, surroundings.region, surroundings.identity)
    hook = with_bytes if service == "dynamodb" else None
    http = ServiceHttp(place, answer_seconds=read_timeout, attempts=attempts, tls=tls, hook=hook)
    return _client(service, http)


def _client(service: str, http: ServiceHttp) -> Any:
    if service == "dynamodb":
        from trebuche.adapters.dynamodb_client import DynamoDBHttp

        return DynamoDBHttp(http, "DynamoDB_20120810", "1.0")
    from trebuche.adapters import small_clients

    if service == "lambda":
        return small_clients.LambdaHttp(http)
    if service == "sqs":
        return small_clients.SQSHttp(http, "AmazonSQS", "1.0")
    if service == "servicediscovery":
        return small_clients.ServiceDiscoveryHttp(http, "Route53AutoNaming_v20170314", "1.1")
    return small_clients.SecretsManagerHttp(http, "secretsmanager", "1.1")


def _address(service: str, surroundings: "Surroundings") -> str:
    variable = "SECRETS_MANAGER" if service == "secretsmanager" else service.upper()
    address = surroundings.address(service, variable)
    # What DiscoverInstances is asked at (Cloud Map API reference); botocore has it so in the operation's model.
    if service == "servicediscovery" and surroundings.with_host_prefix:
        return address.replace("://", "://data-", 1)
    return address
