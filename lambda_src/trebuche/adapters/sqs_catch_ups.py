"""Reminders of late subscribers in SQS: one queue per actor type, since only its function can read its states."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from trebuche.adapters.failures import translated
from trebuche.contract import ENV_CATCH_UP_QUEUES
from trebuche.errors import ConfigError
from trebuche.reminders import write_reminder
from trebuche.stored import Reminder

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient


class SQSCatchUpQueue:
    """SQS's SendMessage.

    Args:
        client: Gives the SQS client.
        urls: Exposed name to the URL of its queue.
    """

    def __init__(self, client: "Callable[[], SQSClient]", urls: Mapping[str, str]) -> None:
        self._client = client
        self._urls = urls

    def send(self, reminder: Reminder, *, delay_seconds: int) -> None:
        """Send a message that comes after a delay of up to 15 minutes.

        Raises:
            ConfigError: No queue is known for the actor's type.
            ServiceError: It could not be sent.
        """
        name = reminder.actor_id.partition("/")[0]
        url = self._urls.get(name)
        if url is None:
            raise ConfigError(f"{ENV_CATCH_UP_QUEUES} names no queue for '{name}'; deploy again")
        with translated(f"queue {url}"):
            self._client().send_message(QueueUrl=url, MessageBody=write_reminder(reminder), DelaySeconds=delay_seconds)
