"""DynamoDB tables."""

# ruff: noqa: ARG002 (a handler's signature is the table's)
from collections.abc import Iterator, Mapping
from typing import Any

from sandbox.provider.checking import Failure
from sandbox.provider.cloud import Scope, existing, until
from sandbox.provider.properties import (
    BOOLEAN,
    INTEGER,
    REGION,
    STRING,
    STRING_SET,
    TAGS,
    Props,
    between,
    fields,
    list_of,
    one_of,
    set_of,
)
from sandbox.provider.resources.dynamodb_description import described, recovery, time_to_live
from sandbox.provider.resources.dynamodb_requests import (
    THROUGHPUT,
    attributes,
    billing,
    canonical_indexes,
    encryption,
    index_keys,
    index_request,
    stream,
    table_edits,
)
from sandbox.provider.table import Autoname, Edit, Handler, ResourceType
from sandbox.provider.translate import named, unnamed
from sandbox.provider.wire import has_unknown

_ACTIVE_SECONDS = 30


_INDEX = {
    "name": STRING.but(required=True),
    "projectionType": one_of("ALL", "INCLUDE", "KEYS_ONLY").but(required=True),
    "nonKeyAttributes": STRING_SET,
    "rangeKey": STRING,
}


_GLOBAL_INDEX = fields(
    **_INDEX,
    hashKey=STRING,
    keySchemas=list_of(
        fields(attributeName=STRING.but(required=True), keyType=one_of("HASH", "RANGE").but(required=True))
    ),
    readCapacity=INTEGER,
    writeCapacity=INTEGER,
    onDemandThroughput=THROUGHPUT,
)


def _rules(inputs: Mapping[str, Any]) -> Iterator[Failure]:
    """What CreateTable refuses across properties."""
    yield from _capacity_rules(inputs)
    if inputs.get("streamEnabled") is True and not inputs.get("streamViewType"):
        yield Failure("streamViewType", "'streamViewType' is required when 'streamEnabled' is true")
    if not inputs.get("hashKey"):
        yield Failure("hashKey", "'hashKey' is required")
    indexes = [*(inputs.get("globalSecondaryIndexes") or []), *(inputs.get("localSecondaryIndexes") or [])]
    if has_unknown([indexes, inputs.get("attributes"), inputs.get("hashKey"), inputs.get("rangeKey")]):
        return
    used = {str(inputs[name]) for name in ("hashKey", "rangeKey") if inputs.get(name)}
    used |= {key["AttributeName"] for index in indexes for key in index_keys(index)}
    declared = {attribute["name"] for attribute in inputs.get("attributes") or []}
    if used != declared:
        wrong = f"missing {sorted(used - declared)}, superfluous {sorted(declared - used)}"
        yield Failure("attributes", f"'attributes' must name exactly the keys of the table and its indexes: {wrong}")


def _capacity_rules(inputs: Mapping[str, Any]) -> Iterator[Failure]:
    if (inputs.get("billingMode") or "PROVISIONED") != "PROVISIONED":
        return
    for name in ("readCapacity", "writeCapacity"):
        if inputs.get(name) is None:
            yield Failure(name, f"'{name}' is required while 'billingMode' is PROVISIONED (its default)")


class TableHandler(Handler):
    """CreateTable, then what can only be set on an active table: time to live and point-in-time recovery."""

    def create(self, scope: Scope, inputs: Props) -> str:
        """Make the table; streams, indexes, encryption and tags with it."""
        request: Props = {
            "TableName": inputs["name"],
            "KeySchema": index_keys(inputs),
            "AttributeDefinitions": attributes(inputs),
            "DeletionProtectionEnabled": bool(inputs.get("deletionProtectionEnabled")),
            "Tags": named(inputs.get("tags")),
            "TableClass": inputs.get("tableClass") or "STANDARD",
            **billing(inputs),
        }
        if inputs.get("globalSecondaryIndexes"):
            indexes = inputs["globalSecondaryIndexes"]
            request["GlobalSecondaryIndexes"] = [index_request(inputs, index) for index in indexes]
        if inputs.get("localSecondaryIndexes"):
            key = {"AttributeName": inputs["hashKey"], "KeyType": "HASH"}
            locals_ = [index_request(inputs, index, (key,)) for index in inputs["localSecondaryIndexes"]]
            request["LocalSecondaryIndexes"] = locals_
        if inputs.get("streamEnabled"):
            request["StreamSpecification"] = stream(inputs)
        if inputs.get("serverSideEncryption"):
            request["SSESpecification"] = encryption(inputs)
        scope.client("dynamodb").create_table(**request)
        return str(inputs["name"])

    def settle(self, scope: Scope, ident: str, inputs: Props) -> None:
        """Wait until the table is active, then set what needs an active table."""
        _active(scope, ident)
        if inputs.get("ttl"):
            _set_ttl(scope, ident, inputs["ttl"])
        if inputs.get("pointInTimeRecovery"):
            _set_recovery(scope, ident, inputs["pointInTimeRecovery"])

    def read(self, scope: Scope, ident: str, state: Props) -> Props | None:
        """The table with its time to live, its recovery setting and its tags."""
        client = scope.client("dynamodb")
        answer = existing(lambda: client.describe_table(TableName=ident))
        if answer is None:
            return None
        table = answer["Table"]
        backups = client.describe_continuous_backups(TableName=ident)["ContinuousBackupsDescription"]
        return {
            **described(table),
            "ttl": time_to_live(client.describe_time_to_live(TableName=ident)["TimeToLiveDescription"], state),
            "pointInTimeRecovery": recovery(backups.get("PointInTimeRecoveryDescription", {})),
            "tags": unnamed(client.list_tags_of_resource(ResourceArn=table["TableArn"]).get("Tags")),
        }

    def update(self, scope: Scope, ident: str, edit: Edit) -> None:
        """One UpdateTable per kind of change, waiting in between, as DynamoDB wants it."""
        for request in table_edits(edit):
            scope.client("dynamodb").update_table(TableName=ident, **request)
            _active(scope, ident)
        if edit.touches("ttl"):
            # UpdateTimeToLive wants the attribute's name for switching it off, too.
            switched_off = {"attributeName": (edit.old.get("ttl") or {}).get("attributeName"), "enabled": False}
            _set_ttl(scope, ident, edit.new.get("ttl") or switched_off)
        if edit.touches("pointInTimeRecovery"):
            _set_recovery(scope, ident, edit.new.get("pointInTimeRecovery") or {"enabled": False})
        if edit.touches("tags"):
            _retag(scope, str(edit.old["arn"]), edit)

    def delete(self, scope: Scope, ident: str, state: Props) -> None:
        """Delete the table and wait until its name is free."""
        client = scope.client("dynamodb")
        client.delete_table(TableName=ident)
        until(
            lambda: existing(lambda: client.describe_table(TableName=ident)) is None,
            seconds=_ACTIVE_SECONDS,
            waiting_for=f"table {ident} to be gone",
        )

    def moves(self, changed: frozenset[str], wanted: Mapping[str, Any]) -> frozenset[str]:
        """A stream that is switched or changes its view gets a new ARN."""
        return frozenset({"streamArn", "streamLabel"} if changed & {"streamEnabled", "streamViewType"} else ())


def _set_ttl(scope: Scope, table: str, ttl: Props) -> None:
    specification = {"AttributeName": ttl.get("attributeName"), "Enabled": bool(ttl.get("enabled"))}
    current = scope.client("dynamodb").describe_time_to_live(TableName=table)["TimeToLiveDescription"]
    enabled = current.get("TimeToLiveStatus") in ("ENABLED", "ENABLING")
    other = enabled and current.get("AttributeName") != specification["AttributeName"]
    # DynamoDB refuses a change that changes nothing; another attribute it refuses as well, and that has to be told.
    if specification["Enabled"] != enabled or other:
        scope.client("dynamodb").update_time_to_live(TableName=table, TimeToLiveSpecification=specification)


def _set_recovery(scope: Scope, table: str, recovery: Props) -> None:
    specification: Props = {"PointInTimeRecoveryEnabled": bool(recovery.get("enabled"))}
    if recovery.get("recoveryPeriodInDays"):
        specification["RecoveryPeriodInDays"] = recovery["recoveryPeriodInDays"]
    scope.client("dynamodb").update_continuous_backups(TableName=table, PointInTimeRecoverySpecification=specification)


def _retag(scope: Scope, arn: str, edit: Edit) -> None:
    added, removed = edit.tag_changes()
    if removed:
        scope.client("dynamodb").untag_resource(ResourceArn=arn, TagKeys=removed)
    if added:
        scope.client("dynamodb").tag_resource(ResourceArn=arn, Tags=named(added))


def _active(scope: Scope, table: str) -> None:
    def steady() -> bool:
        described = scope.client("dynamodb").describe_table(TableName=table)["Table"]
        indexes = described.get("GlobalSecondaryIndexes", [])
        return described["TableStatus"] == "ACTIVE" and all(i.get("IndexStatus", "ACTIVE") == "ACTIVE" for i in indexes)

    until(steady, seconds=_ACTIVE_SECONDS, waiting_for=f"table {table} to be active")


TABLE_TYPE = ResourceType(
    token="aws:dynamodb/table:Table",
    fields={
        "name": STRING.but(replaces=True, longest=255, pattern=r"[A-Za-z0-9_.-]{3,255}"),
        "attributes": set_of(fields(name=STRING.but(required=True), type=one_of("S", "N", "B").but(required=True))),
        "hashKey": STRING.but(replaces=True),
        "rangeKey": STRING.but(replaces=True),
        "billingMode": one_of("PAY_PER_REQUEST", "PROVISIONED").but(default="PROVISIONED"),
        "readCapacity": INTEGER.but(computed=True, low=1),
        "writeCapacity": INTEGER.but(computed=True, low=1),
        "onDemandThroughput": THROUGHPUT,
        "globalSecondaryIndexes": list_of(_GLOBAL_INDEX).but(canonical=canonical_indexes),
        "localSecondaryIndexes": list_of(fields(**_INDEX)).but(canonical=canonical_indexes, replaces=True),
        "streamEnabled": BOOLEAN,
        "streamViewType": one_of("NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES", "KEYS_ONLY").but(computed=True),
        "ttl": fields(attributeName=STRING, enabled=BOOLEAN),
        "pointInTimeRecovery": fields(
            enabled=BOOLEAN.but(required=True), recoveryPeriodInDays=between(1, 35).but(computed=True)
        ),
        "serverSideEncryption": fields(enabled=BOOLEAN.but(required=True), kmsKeyArn=STRING.but(computed=True)).but(
            computed=True
        ),
        "deletionProtectionEnabled": BOOLEAN,
        "tableClass": one_of("STANDARD", "STANDARD_INFREQUENT_ACCESS").but(default="STANDARD"),
        "tags": TAGS,
        "region": REGION,
    },
    outputs=("arn", "streamArn", "streamLabel", "tagsAll"),
    handler=TableHandler(),
    autoname=Autoname(longest=255),
    rules=_rules,
)


ROWS = (TABLE_TYPE,)
