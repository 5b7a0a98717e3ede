"""Frames through API Gateway's ``@connections``; error meanings from the AWS API reference of that service."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from trebuche.adapters.failures import code_of, describe
from trebuche.errors import ConfigError, ConnectionGoneError, DeliveryError, ThrottledError, UnsureError
from trebuche.ports import ConnectionInfo

if TYPE_CHECKING:
    from types_boto3_apigatewaymanagementapi import ApiGatewayManagementApiClient


class APIGatewayConnectionSender:
    """Posts to connections of one stage, without asking first whether they live: that would only race.

    Args:
        client: Gives the client of the stage at an ``https://`` or ``http://`` address.
        endpoint: The stage's address; ``wss://`` and ``ws://`` are understood.
    """

    def __init__(self, client: "Callable[[str], ApiGatewayManagementApiClient]", endpoint: str) -> None:
        self._client = client
        self._endpoint = management_endpoint(endpoint)

    def send(self, connection_id: str, text: str) -> None:
        """Post a frame.

        Raises:
            ConnectionGoneError: Closed, or not yet open.
            ThrottledError: Over the account's rate, or this connection reads too slowly.
            UnsureError: The service failed or did not answer.
            DeliveryError: Anything else: permission, address, size.
        """
        with _translated(connection_id):
            self._api().post_to_connection(ConnectionId=connection_id, Data=text.encode())

    def is_alive(self, connection_id: str) -> bool:
        """Whether the connection is open now; never a reason to send or not to send."""
        try:
            self.get_connection_info(connection_id)
        except ConnectionGoneError:
            return False
        return True

    def disconnect(self, connection_id: str) -> None:
        """Close a connection; one that is gone already is fine."""
        try:
            with _translated(connection_id):
                self._api().delete_connection(ConnectionId=connection_id)
        except ConnectionGoneError:
            return

    def get_connection_info(self, connection_id: str) -> ConnectionInfo:
        """When it connected, from where.

        Raises:
            ConnectionGoneError: Closed, or not yet open.
        """
        with _translated(connection_id):
            answer = self._api().get_connection(ConnectionId=connection_id)
        return ConnectionInfo(
            connected_at=int(answer["ConnectedAt"].timestamp() * 1000),
            last_active_at=int(answer["LastActiveAt"].timestamp() * 1000),
            source_ip=answer["Identity"]["SourceIp"],
            user_agent=answer["Identity"]["UserAgent"],
        )

    def _api(self) -> "ApiGatewayManagementApiClient":
        if not self._endpoint:
            raise ConfigError("WEBSOCKET_ENDPOINT is not set, so there is no way to reach a client")
        return self._client(self._endpoint)


def management_endpoint(endpoint: str) -> str:
    """The address that ``@connections`` lies below: a stage's socket address with the protocol of plain requests."""
    for socket, plain in (("wss://", "https://"), ("ws://", "http://")):
        if endpoint.startswith(socket):
            endpoint = plain + endpoint.removeprefix(socket)
    return endpoint.rstrip("/")


@contextmanager
def _translated(connection_id: str) -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        raise _error(connection_id, error) from error
    except BotoCoreError as error:
        # No answer: the frame may have arrived. Posting it again is safe, since readers drop numbers that they have.
        raise UnsureError(f"connection {connection_id}: {error}") from error


def _error(connection_id: str, error: ClientError) -> DeliveryError:
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    text = f"connection {connection_id}: {describe(error)}"
    # A malformed id answers 400; whoever it was, nobody is there.
    if status == 410 or code_of(error) in ("GoneException", "BadRequestException"):
        return ConnectionGoneError(text)
    # One code for two things (@connections API): the account's rate is used up, or this client's buffer is full.
    if status == 429 or code_of(error) in ("LimitExceededException", "ThrottlingException"):
        return ThrottledError(text)
    # A 403 (IAM, wrong stage) and a 413 say nothing about the connection: its rows must stay.
    return UnsureError(text) if isinstance(status, int) and status >= 500 else DeliveryError(text)
