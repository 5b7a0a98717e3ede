"""Hands a message to what a function's settings name: a queue, a topic, an event bus or a bucket."""

import json
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote, urlencode

from sandbox.aws import AwsClient, AwsRefusedError, Json

_FORM: Final = {"Content-Type": "application/x-www-form-urlencoded"}


def is_bucket(arn: str) -> bool:
    """Whether a destination takes objects rather than messages."""
    return arn.split(":")[2] == "s3"


def object_key(origin: str, now: float) -> str:
    """The key of a new object (developer guide, "Destinations").

    Args:
        origin: What has failed, as a path.
        now: Seconds since the epoch.
    """
    at = datetime.fromtimestamp(now, UTC)
    return f"aws/lambda/{origin}/{at:%Y/%m/%d}/{at:%Y-%m-%dT%H.%M.%S}-{uuid.uuid4()}"


class Destinations:
    """Sends as the root of the account that a destination's ARN names.

    Args:
        aws: Reaches the emulator.
    """

    def __init__(self, aws: AwsClient) -> None:
        self._aws = aws

    async def send(self, arn: str, text: str, attributes: Mapping[str, Json] | None = None) -> None:
        """Send one message.

        Args:
            arn: Of an SQS queue, an SNS topic or an EventBridge bus.
            text: Body of the message; the detail of an event.
            attributes: Message attributes as SQS writes them, ``{"DataType": …, "StringValue": …}`` by name.

        Raises:
            AwsRefusedError: The destination does not take it, or is none.
            aiohttp.ClientError: The emulator cannot be reached.
            TimeoutError: No answer in time.
        """
        service = arn.split(":")[2]
        if service == "sqs":
            await self._to_queue(arn, text, attributes or {})
        elif service == "sns":
            await self._to_topic(arn, text, attributes or {})
        elif service == "events":
            await self._to_bus(arn, text)
        else:
            raise AwsRefusedError(400, "InvalidParameterValueException", f"No destination: {arn}")

    async def store(self, bucket_arn: str, key: str, text: str, *, account: str, region: str) -> None:
        """Put one object into a bucket.

        Raises:
            AwsRefusedError: The bucket does not take it.
        """
        path = f"/{bucket_arn.rpartition(':')[2]}/{quote(key)}"
        body = text.encode()
        answer = await self._aws.send("PUT", path, service="s3", region=region, account=account, body=body)
        if answer.status != 200:
            raise answer.refusal()

    async def _to_queue(self, arn: str, text: str, attributes: Mapping[str, Json]) -> None:
        _, _, _, region, account, name = arn.split(":", 5)
        where = {"service": "sqs", "region": region, "account": account}
        queue = await self._aws.call("AmazonSQS.GetQueueUrl", {"QueueName": name}, **where)
        message: Json = {"QueueUrl": queue["QueueUrl"], "MessageBody": text, "MessageAttributes": dict(attributes)}
        await self._aws.call("AmazonSQS.SendMessage", message, **where)

    async def _to_topic(self, arn: str, text: str, attributes: Mapping[str, Json]) -> None:
        await self.publish(arn, text, attributes=attributes)

    async def publish(
        self, arn: str, text: str, *, subject: str | None = None, attributes: Mapping[str, Json] | None = None
    ) -> None:
        """Publish to a topic.

        Raises:
            AwsRefusedError: The topic does not take it.
        """
        _, _, _, region, account, _ = arn.split(":", 5)
        # SNS speaks the query protocol: a form, no JSON.
        fields = {"Action": "Publish", "Version": "2010-03-31", "TopicArn": arn, "Message": text}
        if subject is not None:
            fields["Subject"] = subject
        for number, (name, value) in enumerate((attributes or {}).items(), 1):
            entry = f"MessageAttributes.entry.{number}"
            fields |= {
                f"{entry}.Name": name,
                f"{entry}.Value.DataType": value["DataType"],
                f"{entry}.Value.StringValue": value["StringValue"],
            }
        body = urlencode(fields).encode()
        answer = await self._aws.send(
            "POST", "/", service="sns", region=region, account=account, headers=_FORM, body=body
        )
        if answer.status != 200:
            raise answer.refusal()

    async def _to_bus(self, arn: str, text: str) -> None:
        _, _, _, region, account, _ = arn.split(":", 5)
        succeeded = json.loads(text)["requestContext"]["condition"] == "Success"
        # Source and detail type are Lambda's own (developer guide, destinations of asynchronous invocations).
        entry: Json = {
            "Source": "lambda",
            "DetailType": f"Lambda Function Invocation Result - {'Success' if succeeded else 'Failure'}",
            "Detail": text,
            "EventBusName": arn,
        }
        request: Json = {"Entries": [entry]}
        await self._aws.call("AWSEvents.PutEvents", request, service="events", region=region, account=account)
