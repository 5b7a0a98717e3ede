"""SQS queues and SNS topics."""

# ruff: noqa: ARG002 (a handler's signature is the table's)
from collections.abc import Iterator, Mapping
from typing import Any

from sandbox.provider.checking import Failure
from sandbox.provider.cloud import Scope, existing
from sandbox.provider.properties import (
    BOOLEAN,
    DOCUMENT,
    POLICY,
    REGION,
    STRING,
    TAGS,
    Kind,
    Property,
    Props,
    between,
    one_of,
)
from sandbox.provider.table import Autoname, Edit, Handler, ResourceType
from sandbox.provider.translate import named, pascal, unnamed


def as_text(member: Property, value: Any) -> str:
    """An attribute as SQS and SNS take it: everything is text."""
    if member.kind is Kind.BOOLEAN:
        return "true" if value else "false"
    return "" if value is None else str(value)


def from_text(member: Property, text: str) -> Any:
    """The reverse of :func:`as_text`."""
    if member.kind is Kind.BOOLEAN:
        return text.lower() == "true"
    return int(text) if member.kind is Kind.INTEGER else text


def _attributes(members: Mapping[str, Property], props: Mapping[str, Any], only: frozenset[str] | None = None) -> Props:
    wanted = {name: member for name, member in members.items() if (only is None and props.get(name) is not None) or
              (only is not None and name in only)}  # fmt: skip
    return {
        member.api or pascal(name): as_text(member, props.get(name, member.default)) for name, member in wanted.items()
    }


def _read_attributes(members: Mapping[str, Property], attributes: Mapping[str, str]) -> Props:
    return {
        name: from_text(member, attributes[member.api or pascal(name)])
        for name, member in members.items()
        if attributes.get(member.api or pascal(name)) not in (None, "")
    }


class QueueHandler(Handler):
    """A queue; id is its URL."""

    def create(self, scope: Scope, inputs: Props) -> str:
        """CreateQueue."""
        attributes = _attributes(_QUEUE_ATTRIBUTES, inputs)
        # SQS refuses FifoQueue=false: a standard queue leaves it out.
        if attributes.get("FifoQueue") != "true":
            attributes.pop("FifoQueue", None)
        answer = scope.client("sqs").create_queue(
            QueueName=inputs["name"], Attributes=attributes, tags=inputs.get("tags") or {}
        )
        return str(answer["QueueUrl"])

    def read(self, scope: Scope, ident: str, state: Props) -> Props | None:
        """Attributes and tags."""
        client = scope.client("sqs")
        answer = existing(lambda: client.get_queue_attributes(QueueUrl=ident, AttributeNames=["All"]))
        if answer is None:
            return None
        attributes = answer.get("Attributes", {})
        return {
            **_read_attributes(_QUEUE_ATTRIBUTES, attributes),
            "name": ident.rsplit("/", 1)[-1],
            "url": ident,
            "arn": attributes["QueueArn"],
            "tags": client.list_queue_tags(QueueUrl=ident).get("Tags", {}),
        }

    def update(self, scope: Scope, ident: str, edit: Edit) -> None:
        """SetQueueAttributes with what changed."""
        client, changed = scope.client("sqs"), edit.changed & frozenset(_QUEUE_ATTRIBUTES)
        if changed:
            client.set_queue_attributes(QueueUrl=ident, Attributes=_attributes(_QUEUE_ATTRIBUTES, edit.new, changed))
        if edit.touches("tags"):
            added, removed = edit.tag_changes()
            if removed:
                client.untag_queue(QueueUrl=ident, TagKeys=removed)
            if added:
                client.tag_queue(QueueUrl=ident, Tags=added)

    def delete(self, scope: Scope, ident: str, state: Props) -> None:
        """DeleteQueue."""
        scope.client("sqs").delete_queue(QueueUrl=ident)


class QueuePolicyHandler(Handler):
    """The policy of a queue; id is the queue's URL."""

    def create(self, scope: Scope, inputs: Props) -> str:
        """Set it."""
        self._set(scope, inputs["queueUrl"], inputs["policy"])
        return str(inputs["queueUrl"])

    def read(self, scope: Scope, ident: str, state: Props) -> Props | None:
        """Read it; a queue without a policy has none."""
        client = scope.client("sqs")
        answer = existing(lambda: client.get_queue_attributes(QueueUrl=ident, AttributeNames=["Policy"]))
        policy = (answer or {}).get("Attributes", {}).get("Policy")
        return {"queueUrl": ident, "policy": policy} if policy else None

    def update(self, scope: Scope, ident: str, edit: Edit) -> None:
        """Set it."""
        self._set(scope, ident, edit.new["policy"])

    def delete(self, scope: Scope, ident: str, state: Props) -> None:
        """Set an empty one."""
        self._set(scope, ident, "")

    def _set(self, scope: Scope, url: str, policy: str) -> None:
        scope.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})


class TopicHandler(Handler):
    """A topic; id is its ARN."""

    def create(self, scope: Scope, inputs: Props) -> str:
        """CreateTopic with its attributes."""
        attributes = _attributes(_TOPIC_ATTRIBUTES, inputs)
        answer = scope.client("sns").create_topic(
            Name=inputs["name"], Attributes=attributes, Tags=named(inputs.get("tags"))
        )
        return str(answer["TopicArn"])

    def read(self, scope: Scope, ident: str, state: Props) -> Props | None:
        """Attributes and tags."""
        client = scope.client("sns")
        answer = existing(lambda: client.get_topic_attributes(TopicArn=ident))
        return answer and {
            **_read_attributes(_TOPIC_ATTRIBUTES, answer["Attributes"]),
            "name": ident.rsplit(":", 1)[-1],
            "arn": ident,
            "owner": answer["Attributes"].get("Owner", scope.account),
            "tags": unnamed(client.list_tags_for_resource(ResourceArn=ident).get("Tags")),
        }

    def update(self, scope: Scope, ident: str, edit: Edit) -> None:
        """One SetTopicAttributes per attribute, as SNS wants it."""
        client = scope.client("sns")
        changed = edit.changed & frozenset(_TOPIC_ATTRIBUTES)
        for name, value in _attributes(_TOPIC_ATTRIBUTES, edit.new, changed).items():
            client.set_topic_attributes(TopicArn=ident, AttributeName=name, AttributeValue=value)
        if edit.touches("tags"):
            added, removed = edit.tag_changes()
            if removed:
                client.untag_resource(ResourceArn=ident, TagKeys=removed)
            if added:
                client.tag_resource(ResourceArn=ident, Tags=named(added))

    def delete(self, scope: Scope, ident: str, state: Props) -> None:
        """DeleteTopic."""
        scope.client("sns").delete_topic(TopicArn=ident)


class SubscriptionHandler(Handler):
    """A subscription of a topic; id is its ARN."""

    def create(self, scope: Scope, inputs: Props) -> str:
        """Subscribe."""
        answer = scope.client("sns").subscribe(
            TopicArn=inputs["topic"],
            Protocol=inputs["protocol"],
            Endpoint=inputs["endpoint"],
            Attributes=_attributes(_SUBSCRIPTION_ATTRIBUTES, inputs),
            # Else the answer is no ARN where the endpoint has to confirm first (SNS API, Subscribe).
            ReturnSubscriptionArn=True,
        )
        return str(answer["SubscriptionArn"])

    def read(self, scope: Scope, ident: str, state: Props) -> Props | None:
        """Attributes."""
        answer = existing(lambda: scope.client("sns").get_subscription_attributes(SubscriptionArn=ident))
        attributes = (answer or {}).get("Attributes")
        return attributes and {
            **_read_attributes(_SUBSCRIPTION_ATTRIBUTES, attributes),
            "topic": attributes["TopicArn"],
            "protocol": attributes["Protocol"],
            "endpoint": attributes["Endpoint"],
            "arn": ident,
            "ownerId": attributes.get("Owner", scope.account),
            "pendingConfirmation": attributes.get("PendingConfirmation") == "true",
        }

    def update(self, scope: Scope, ident: str, edit: Edit) -> None:
        """One SetSubscriptionAttributes per attribute."""
        for name, value in _attributes(_SUBSCRIPTION_ATTRIBUTES, edit.new, edit.changed).items():
            scope.client("sns").set_subscription_attributes(
                SubscriptionArn=ident, AttributeName=name, AttributeValue=value
            )

    def delete(self, scope: Scope, ident: str, state: Props) -> None:
        """Unsubscribe."""
        scope.client("sns").unsubscribe(SubscriptionArn=ident)


def _queue_rules(inputs: Mapping[str, Any]) -> Iterator[Failure]:
    fifo, name = bool(inputs.get("fifoQueue")), str(inputs.get("name") or "")
    if fifo != name.endswith(".fifo"):
        yield Failure("name", f"'{name}': the name of a FIFO queue, and only of one, ends in .fifo")
    if inputs.get("sqsManagedSseEnabled") and inputs.get("kmsMasterKeyId"):
        yield Failure("sqsManagedSseEnabled", "'sqsManagedSseEnabled' and 'kmsMasterKeyId' exclude each other")


_FIFO = one_of("queue", "messageGroup").but(computed=True)
_QUEUE_ATTRIBUTES = {
    "delaySeconds": between(0, 900).but(default=0),
    "maxMessageSize": between(1024, 1048576).but(computed=True, api="MaximumMessageSize"),
    "messageRetentionSeconds": between(60, 1209600).but(default=345600, api="MessageRetentionPeriod"),
    "receiveWaitTimeSeconds": between(0, 20).but(default=0, api="ReceiveMessageWaitTimeSeconds"),
    "visibilityTimeoutSeconds": between(0, 43200).but(default=30, api="VisibilityTimeout"),
    "policy": POLICY.but(computed=True),
    "redrivePolicy": DOCUMENT,
    "redriveAllowPolicy": DOCUMENT,
    "sqsManagedSseEnabled": BOOLEAN.but(computed=True),
    "kmsMasterKeyId": STRING,
    "kmsDataKeyReusePeriodSeconds": between(60, 86400).but(computed=True),
    "fifoQueue": BOOLEAN.but(replaces=True),
    "contentBasedDeduplication": BOOLEAN,
    "deduplicationScope": _FIFO,
    "fifoThroughputLimit": one_of("perQueue", "perMessageGroupId").but(computed=True),
}
_TOPIC_ATTRIBUTES = {
    "displayName": STRING.but(longest=100),
    "policy": POLICY.but(computed=True),
    "deliveryPolicy": DOCUMENT,
    "kmsMasterKeyId": STRING,
    "fifoTopic": BOOLEAN.but(replaces=True),
    "contentBasedDeduplication": BOOLEAN,
    "signatureVersion": Property(kind=Kind.INTEGER, low=1, high=2, computed=True),
    "tracingConfig": one_of("Active", "PassThrough").but(computed=True),
}
_SUBSCRIPTION_ATTRIBUTES = {
    "filterPolicy": DOCUMENT,
    "filterPolicyScope": one_of("MessageAttributes", "MessageBody").but(computed=True),
    "rawMessageDelivery": BOOLEAN,
    "redrivePolicy": DOCUMENT,
    "deliveryPolicy": DOCUMENT,
}
_REPLACES = STRING.but(required=True, replaces=True)
_PROTOCOLS = ("sqs", "lambda", "http", "https", "email", "email-json", "sms", "application", "firehose")

ROWS = (
    ResourceType(
        token="aws:sqs/queue:Queue",
        fields={
            "name": STRING.but(replaces=True, pattern=r"[A-Za-z0-9_-]{1,80}(\.fifo)?", longest=80),
            **_QUEUE_ATTRIBUTES,
            "tags": TAGS,
            "region": REGION,
        },
        outputs=("arn", "url", "tagsAll"),
        handler=QueueHandler(),
        autoname=Autoname(longest=80, suffix=lambda inputs: ".fifo" if inputs.get("fifoQueue") else ""),
        rules=_queue_rules,
    ),
    ResourceType(
        token="aws:sqs/queuePolicy:QueuePolicy",
        fields={"queueUrl": _REPLACES, "policy": POLICY.but(required=True), "region": REGION},
        outputs=(),
        handler=QueuePolicyHandler(),
    ),
    ResourceType(
        token="aws:sns/topic:Topic",
        fields={
            "name": STRING.but(replaces=True, pattern=r"[A-Za-z0-9_-]{1,256}(\.fifo)?"),
            **_TOPIC_ATTRIBUTES,
            "tags": TAGS,
            "region": REGION,
        },
        outputs=("arn", "owner", "tagsAll"),
        handler=TopicHandler(),
        autoname=Autoname(longest=256, suffix=lambda inputs: ".fifo" if inputs.get("fifoTopic") else ""),
    ),
    ResourceType(
        token="aws:sns/topicSubscription:TopicSubscription",
        fields={
            "topic": _REPLACES,
            "protocol": one_of(*_PROTOCOLS).but(required=True, replaces=True),
            "endpoint": _REPLACES,
            **_SUBSCRIPTION_ATTRIBUTES,
            "region": REGION,
        },
        outputs=("arn", "ownerId", "pendingConfirmation"),
        handler=SubscriptionHandler(),
    ),
)
