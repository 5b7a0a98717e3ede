"""Frames through API Gateway's ``@connections``; error meanings from the AWS API reference of that service."""

import json
from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar

from botocore.exceptions import BotoCoreError

from trebuche.errors import ConfigError, ConnectionGoneError, DeliveryError, ThrottledError, UnsureError
from trebuche.ports import ConnectionInfo

if TYPE_CHECKING:
    from trebuche.adapters.http_answers import Answer
    from trebuche.adapters.management import ManagementApi

T = TypeVar("T")

_OPERATIONS: Final = {"POST": "PostToConnection", "GET": "GetConnection", "DELETE": "DeleteConnection"}


class APIGatewayConnectionSender:
    """Posts to connections of one stage, without asking first whether they live: that would only race.

    Args:
        api: Gives the interface of the stage at an ``https://`` or ``http://`` address.
        endpoint: The stage's address; ``wss://`` and ``ws://`` are understood.
    """

    def __init__(self, api: "Callable[[str], ManagementApi]", endpoint: str) -> None:
        self._api = api
        self._endpoint = management_endpoint(endpoint)

    def send(self, connection_id: str, text: str) -> None:
        """Post a frame, and wait for the answer; raises what ``post`` raises."""
        _complete(self.post(connection_id, text))

    async def post(self, connection_id: str, text: str) -> None:
        """Post a frame.

        Raises:
            ConnectionGoneError: Closed, or not yet open.
            ThrottledError: Over the account's rate, or this connection reads too slowly.
            UnsureError: The service failed or did not answer.
            DeliveryError: Anything else: permission, address, size.
        """
        await self._request("POST", connection_id, text.encode())

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
            _complete(self._request("DELETE", connection_id))
        except ConnectionGoneError:
            return

    def get_connection_info(self, connection_id: str) -> ConnectionInfo:
        """When it connected, from where.

        Raises:
            ConnectionGoneError: Closed, or not yet open.
        """
        answer = json.loads(_complete(self._request("GET", connection_id)).body)
        return ConnectionInfo(
            connected_at=_milliseconds(answer["connectedAt"]),
            last_active_at=_milliseconds(answer["lastActiveAt"]),
            source_ip=answer["identity"]["sourceIp"],
            user_agent=answer["identity"]["userAgent"],
        )

    async def _request(self, method: str, connection_id: str, body: bytes = b"") -> "Answer":
        if not self._endpoint:
            raise ConfigError("WEBSOCKET_ENDPOINT is not set, so there is no way to reach a client")
        if not connection_id.strip("."):
            # No id is empty, and those that are folders would be about another address.
            raise ConnectionGoneError(f"{connection_id!r} is no connection")
        about = f"connection {connection_id}"
        api = self._api(self._endpoint)
        try:
            answer = await api.request(method, connection_id, body)
        except (OSError, BotoCoreError) as error:
            # No answer: the frame may have arrived. Posting it again is safe: readers drop numbers that they have.
            raise UnsureError(f"{about}: {error}", timed_out=isinstance(error, TimeoutError)) from error
        if answer.status >= 300:
            raise _error(about, _OPERATIONS[method], answer, widespread=api.slowed)
        return answer


def _complete(work: Coroutine[Any, Any, T]) -> T:
    from trebuche.side_by_side import complete  # its asyncio takes 15 ms of a start

    return complete(work)


def management_endpoint(endpoint: str) -> str:
    """The address that ``@connections`` lies below: a stage's socket address with the protocol of plain requests."""
    for socket, plain in (("wss://", "https://"), ("ws://", "http://")):
        if endpoint.startswith(socket):
            endpoint = plain + endpoint.removeprefix(socket)
    return endpoint.rstrip("/")


def _error(about: str, operation: str, answer: "Answer", *, widespread: bool) -> DeliveryError:
    from trebuche.adapters.management import describe, error_code

    text = f"{about}: {describe(operation, answer)}"
    code = error_code(answer)
    # A malformed id answers 400; whoever it was, nobody is there.
    if answer.status == 410 or code in ("GoneException", "BadRequestException"):
        return ConnectionGoneError(text)
    # One code for two things (@connections API): the account's rate is used up, or this client's buffer is full.
    if answer.status == 429 or code in ("LimitExceededException", "ThrottlingException"):
        return ThrottledError(text, widespread=widespread)
    # A 403 (IAM, wrong stage) and a 413 say nothing about the connection: its rows must stay.
    # A 408 was on its way before the request was: an idle connection is ended so (RFC 9110, section 15.5.9).
    return UnsureError(text) if answer.status >= 500 or answer.status == 408 else DeliveryError(text)


def _milliseconds(moment: Any) -> int:
    return int(datetime.fromisoformat(moment).timestamp() * 1000)
