"""Messages that look at connections later, in SQS."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from trebuche.adapters.failures import translated
from trebuche.contract import ENV_DEPARTURE_QUEUE
from trebuche.departures import write_watch
from trebuche.errors import ConfigError

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient


class SQSDepartureQueue:
    """SQS's SendMessage.

    Args:
        client: Gives the SQS client.
        url: Of the queue.
    """

    def __init__(self, client: "Callable[[], SQSClient]", url: str) -> None:
        self._client = client
        self._url = url

    def watch(self, connection_id: str, *, delay_seconds: int) -> None:
        """Have a connection looked at after a delay of up to 15 minutes.

        Raises:
            ConfigError: There is no such queue.
            ServiceError: The message could not be sent.
        """
        if not self._url:
            raise ConfigError(f"{ENV_DEPARTURE_QUEUE} names no queue; deploy again")
        with translated(f"queue {self._url}"):
            self._client().send_message(
                QueueUrl=self._url, MessageBody=write_watch(connection_id), DelaySeconds=delay_seconds
            )
