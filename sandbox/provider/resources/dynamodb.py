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
    order,
    set_of,
)
from sandbox.provider.table import Autoname, Edit, Handler, ResourceType
from sandbox.provider.translate import named, to_api, unnamed
from sandbox.provider.wire import has_unknown

_ACTIVE_SECONDS = 30
_KEY_TYPES = {"HASH": "hashKey", "RANGE": "rangeKey"}

_THROUGHPUT = fields(maxReadRequestUnits=INTEGER.but(default=-1), maxWriteRequestUnits=INTEGER.but(default=-1))
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
    onDemandThroughput=_THROUGHPUT,
)


def _index_keys(index: Mapping[str, Any]) -> list[dict[str, str]]:
    """The key schema of an index in the API's form, whichever of the SDK's two forms it was given in."""
    if index.get("keySchemas"):
        return [{"AttributeName": k["attributeName"], "KeyType": k["keyType"]} for k in index["keySchemas"]]
    return [{"AttributeName": index[name], "KeyType": kind} for kind, name in _KEY_TYPES.items() if index.get(name)]


def _canonical_indexes(indexes: list[Props]) -> list[Any]:
    return sorted((_canonical_index(index) for index in indexes), key=order)


def _canonical_index(index: Props) -> Props:
    return {
        "name": index["name"],
        "keys": _index_keys(index),
        "projection": index["projectionType"],
        "attributes": sorted(index.get("nonKeyAttributes") or []),
        "read": index.get("readCapacity") or 0,
        "write": index.get("writeCapacity") or 0,
        "limits": {key: value for key, value in (index.get("onDemandThroughput") or {}).items() if value != -1},
    }


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
    used |= {key["AttributeName"] for index in indexes for key in _index_keys(index)}
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
            "KeySchema": _index_keys(inputs),
            "AttributeDefinitions": _attributes(inputs),
            "DeletionProtectionEnabled": bool(inputs.get("deletionProtectionEnabled")),
            "Tags": named(inputs.get("tags")),
            "TableClass": inputs.get("tableClass") or "STANDARD",
            **_billing(inputs),
        }
        if inputs.get("globalSecondaryIndexes"):
            indexes = inputs["globalSecondaryIndexes"]
            request["GlobalSecondaryIndexes"] = [_index_request(inputs, index) for index in indexes]
        if inputs.get("localSecondaryIndexes"):
            key = {"AttributeName": inputs["hashKey"], "KeyType": "HASH"}
            locals_ = [_index_request(inputs, index, (key,)) for index in inputs["localSecondaryIndexes"]]
            request["LocalSecondaryIndexes"] = locals_
        if inputs.get("streamEnabled"):
            request["StreamSpecification"] = _stream(inputs)
        if inputs.get("serverSideEncryption"):
            request["SSESpecification"] = _encryption(inputs)
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
            **_described(table),
            "ttl": _ttl(client.describe_time_to_live(TableName=ident)["TimeToLiveDescription"], state),
            "pointInTimeRecovery": _recovery(backups.get("PointInTimeRecoveryDescription", {})),
            "tags": unnamed(client.list_tags_of_resource(ResourceArn=table["TableArn"]).get("Tags")),
        }

    def update(self, scope: Scope, ident: str, edit: Edit) -> None:
        """One UpdateTable per kind of change, waiting in between, as DynamoDB wants it."""
        for request in _table_edits(edit):
            scope.client("dynamodb").update_table(TableName=ident, **request)
            _active(scope, ident)
        if edit.touches("ttl"):
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


def _attributes(inputs: Props) -> list[dict[str, str]]:
    return [{"AttributeName": item["name"], "AttributeType": item["type"]} for item in inputs.get("attributes") or []]


def _billing(inputs: Props) -> Props:
    """Billing mode with the capacity or the cap that goes with it."""
    if (inputs.get("billingMode") or "PROVISIONED") == "PROVISIONED":
        return {"BillingMode": "PROVISIONED", "ProvisionedThroughput": _capacity(inputs)}
    limits = inputs.get("onDemandThroughput")
    return {
        "BillingMode": "PAY_PER_REQUEST",
        **({"OnDemandThroughput": to_api(_THROUGHPUT.fields, limits)} if limits else {}),
    }


def _capacity(item: Props) -> dict[str, int]:
    return {"ReadCapacityUnits": item.get("readCapacity") or 1, "WriteCapacityUnits": item.get("writeCapacity") or 1}


def _index_request(inputs: Props, index: Props, keys_before: tuple[dict[str, str], ...] = ()) -> Props:
    projection: Props = {"ProjectionType": index["projectionType"]}
    if index.get("nonKeyAttributes"):
        projection["NonKeyAttributes"] = index["nonKeyAttributes"]
    request: Props = {
        "IndexName": index["name"],
        "KeySchema": [*keys_before, *_index_keys(index)],
        "Projection": projection,
    }
    if not keys_before and (inputs.get("billingMode") or "PROVISIONED") == "PROVISIONED":
        request["ProvisionedThroughput"] = _capacity(index)
    if index.get("onDemandThroughput"):
        request["OnDemandThroughput"] = to_api(_THROUGHPUT.fields, index["onDemandThroughput"])
    return request


def _stream(inputs: Props) -> Props:
    return {"StreamEnabled": True, "StreamViewType": inputs["streamViewType"]}


def _encryption(inputs: Props) -> Props:
    wanted = inputs.get("serverSideEncryption") or {}
    key = {"SSEType": "KMS", "KMSMasterKeyId": wanted["kmsKeyArn"]} if wanted.get("kmsKeyArn") else {}
    return {"Enabled": bool(wanted.get("enabled")), **key}


def _described(table: Props) -> Props:
    """``describe_table`` by wire names."""
    billing = table.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED")
    provisioned = billing == "PROVISIONED"
    capacity = table.get("ProvisionedThroughput", {}) if provisioned else {}
    keys = {key["KeyType"]: key["AttributeName"] for key in table["KeySchema"]}
    stream = table.get("StreamSpecification", {})
    encryption = table.get("SSEDescription", {})
    local_indexes = table.get("LocalSecondaryIndexes", [])
    return {
        "name": table["TableName"],
        "arn": table["TableArn"],
        "hashKey": keys["HASH"],
        "rangeKey": keys.get("RANGE"),
        "attributes": [{"name": a["AttributeName"], "type": a["AttributeType"]} for a in table["AttributeDefinitions"]],
        "billingMode": billing,
        "readCapacity": capacity.get("ReadCapacityUnits"),
        "writeCapacity": capacity.get("WriteCapacityUnits"),
        "onDemandThroughput": _limits(table),
        "globalSecondaryIndexes": [_index(index, provisioned) for index in table.get("GlobalSecondaryIndexes", [])],
        "localSecondaryIndexes": [_local_index(index) for index in local_indexes],
        "streamEnabled": bool(stream.get("StreamEnabled")),
        "streamViewType": stream.get("StreamViewType", ""),
        "streamArn": table.get("LatestStreamArn", ""),
        "streamLabel": table.get("LatestStreamLabel", ""),
        "deletionProtectionEnabled": bool(table.get("DeletionProtectionEnabled")),
        "tableClass": table.get("TableClassSummary", {}).get("TableClass", "STANDARD"),
        "serverSideEncryption": {
            "enabled": encryption.get("Status") in ("ENABLED", "ENABLING"),
            "kmsKeyArn": encryption.get("KMSMasterKeyArn", ""),
        },
    }


def _limits(table: Props) -> Props | None:
    limits = table.get("OnDemandThroughput")
    return limits and {
        "maxReadRequestUnits": limits.get("MaxReadRequestUnits", -1),
        "maxWriteRequestUnits": limits.get("MaxWriteRequestUnits", -1),
    }


def _index(index: Props, provisioned: bool) -> Props:
    capacity = index.get("ProvisionedThroughput", {}) if provisioned else {}
    found = {
        "name": index["IndexName"],
        "keySchemas": [{"attributeName": k["AttributeName"], "keyType": k["KeyType"]} for k in index["KeySchema"]],
        "projectionType": index["Projection"]["ProjectionType"],
        "nonKeyAttributes": index["Projection"].get("NonKeyAttributes"),
        "readCapacity": capacity.get("ReadCapacityUnits"),
        "writeCapacity": capacity.get("WriteCapacityUnits"),
        "onDemandThroughput": _limits(index),
    }
    return {key: value for key, value in found.items() if value}


def _local_index(index: Props) -> Props:
    keys = {key["KeyType"]: key["AttributeName"] for key in index["KeySchema"]}
    projection = index["Projection"]
    found = {"name": index["IndexName"], "rangeKey": keys["RANGE"], "projectionType": projection["ProjectionType"]}
    return {
        **found,
        **({"nonKeyAttributes": projection["NonKeyAttributes"]} if "NonKeyAttributes" in projection else {}),
    }


def _ttl(description: Props, state: Props) -> Props | None:
    """Time to live; a table on which it is off has none, unless the program says so."""
    if description.get("TimeToLiveStatus") in ("ENABLED", "ENABLING"):
        return {"attributeName": description["AttributeName"], "enabled": True}
    given = state.get("ttl")
    return {**given, "enabled": False} if given else None


def _recovery(description: Props) -> Props:
    enabled = description.get("PointInTimeRecoveryStatus") == "ENABLED"
    days = {"recoveryPeriodInDays": description.get("RecoveryPeriodInDays", 35)} if enabled else {}
    return {"enabled": enabled, **days}


def _table_edits(edit: Edit) -> Iterator[Props]:
    new = edit.new
    if edit.touches("billingMode", "readCapacity", "writeCapacity", "onDemandThroughput"):
        yield _billing(new)
    if edit.touches("streamEnabled", "streamViewType"):
        if edit.old.get("streamEnabled"):
            yield {"StreamSpecification": {"StreamEnabled": False}}
        if new.get("streamEnabled"):
            yield {"StreamSpecification": _stream(new)}
    if edit.touches("serverSideEncryption"):
        yield {"SSESpecification": _encryption(new)}
    if edit.touches("tableClass"):
        yield {"TableClass": new.get("tableClass") or "STANDARD"}
    if edit.touches("deletionProtectionEnabled"):
        yield {"DeletionProtectionEnabled": bool(new.get("deletionProtectionEnabled"))}
    if edit.touches("globalSecondaryIndexes"):
        yield from _index_edits(edit)


def _index_edits(edit: Edit) -> Iterator[Props]:
    """Indexes that changed are made anew; DynamoDB takes one index change per call."""
    old = {index["name"]: index for index in edit.old.get("globalSecondaryIndexes") or []}
    new = {index["name"]: index for index in edit.new.get("globalSecondaryIndexes") or []}
    changed = {name for name in {*old, *new} if _shape(old.get(name)) != _shape(new.get(name))}
    for name in sorted(changed & set(old)):
        yield {"GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": name}}]}
    for name in sorted(changed & set(new)):
        create = {"Create": _index_request(edit.new, new[name])}
        yield {"AttributeDefinitions": _attributes(edit.new), "GlobalSecondaryIndexUpdates": [create]}


def _shape(index: Props | None) -> Props | None:
    return index and _canonical_index(index)


def _set_ttl(scope: Scope, table: str, ttl: Props) -> None:
    specification = {"AttributeName": ttl.get("attributeName"), "Enabled": bool(ttl.get("enabled"))}
    current = scope.client("dynamodb").describe_time_to_live(TableName=table)["TimeToLiveDescription"]
    if specification["Enabled"] != (current.get("TimeToLiveStatus") in ("ENABLED", "ENABLING")):
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
        "onDemandThroughput": _THROUGHPUT,
        "globalSecondaryIndexes": list_of(_GLOBAL_INDEX).but(canonical=_canonical_indexes),
        "localSecondaryIndexes": list_of(fields(**_INDEX)).but(canonical=_canonical_indexes, replaces=True),
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
