"""Our clients of AWS in a function of ordinary surroundings, and DynamoDB as moto plays it for them."""

from collections.abc import Callable
from typing import Any

from botocore.awsrequest import AWSPreparedRequest, HeadersDict
from moto.core.models import botocore_stubber

from trebuche.adapters.dynamodb_client import DynamoDBHttp
from trebuche.adapters.http_answers import Answer
from trebuche.adapters.lean_clients import lean_client
from trebuche.adapters.surroundings import Surroundings, read_surroundings
from trebuche.adapters.trust import Tls

FUNCTION = {
    "AWS_LAMBDA_FUNCTION_NAME": "my-app-dev-websocket",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_SESSION_TOKEN": "token",
    "AWS_DEFAULT_REGION": "us-east-1",
}
"""Variables that Lambda sets."""


def surroundings(**variables: str) -> Surroundings:
    """Those of a function with further variables."""
    found = read_surroundings(FUNCTION | variables)
    assert found is not None
    return found


def client(service: str, *, attempts: int = 1, read_timeout: float = 5, **variables: str) -> Any:
    """Our client of a service in such a function."""
    found = surroundings(**variables)
    return lean_client(service, found, Tls(), read_timeout=read_timeout, attempts=attempts)


def lean_dynamodb(exchange: Callable[[bytes], Answer]) -> DynamoDBHttp:
    """Our client of DynamoDB, whose requests somebody answers who is not at the end of a socket."""
    made: DynamoDBHttp = client("dynamodb")
    made._http._connections.exchange = exchange  # type: ignore[method-assign, assignment]
    return made


def moto_answers(request: bytes) -> Answer:
    """What moto's DynamoDB answers to a request as it would go through a socket."""
    head, _, body = request.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    method, path, _ = first.split(" ")
    headers: Any = HeadersDict(line.split(": ", 1) for line in lines)
    prepared = AWSPreparedRequest(method, f"https://{headers['host']}{path}", headers, body, False)
    answer: Any = botocore_stubber.process_request(prepared)
    status, names, document = answer
    written = "".join(f"\r\n{name}: {value}" for name, value in names.items())
    return Answer(
        status, f"HTTP/1.1 {status} X{written}", document if isinstance(document, bytes) else document.encode()
    )
