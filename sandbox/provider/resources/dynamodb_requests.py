"""A table's properties as CreateTable and UpdateTable take them."""

from collections.abc import Iterator, Mapping
from typing import Any

from sandbox.provider.properties import (
    INTEGER,
    Props,
    fields,
    order,
)
from sandbox.provider.table import Edit
from sandbox.provider.translate import to_api

_KEY_TYPES = {"HASH": "hashKey", "RANGE": "rangeKey"}


THROUGHPUT = fields(maxReadRequestUnits=INTEGER.but(default=-1), maxWriteRequestUnits=INTEGER.but(default=-1))


def index_keys(index: Mapping[str, Any]) -> list[dict[str, str]]:
    """The key schema of an index in the API's form, whichever of the SDK's two forms it was given in."""
    if index.get("keySchemas"):
        return [{"AttributeName": k["attributeName"], "KeyType": k["keyType"]} for k in index["keySchemas"]]
    return [{"AttributeName": index[name], "KeyType": kind} for kind, name in _KEY_TYPES.items() if index.get(name)]


def canonical_indexes(indexes: list[Props]) -> list[Any]:
    """Indexes by name, in whichever of the SDK's two forms their keys were given."""
    return sorted((_canonical_index(index) for index in indexes), key=order)


def _canonical_index(index: Props) -> Props:
    return {**_structure(index), **_tuning(index)}


def _structure(index: Props) -> Props:
    """What of an index can only be had by making it anew."""
    return {
        "name": index["name"],
        "keys": index_keys(index),
        "projection": index["projectionType"],
        "attributes": sorted(index.get("nonKeyAttributes") or []),
    }


def _tuning(index: Props) -> Props:
    """What of an index changes in place."""
    return {
        "read": index.get("readCapacity") or 0,
        "write": index.get("writeCapacity") or 0,
        "limits": {key: value for key, value in (index.get("onDemandThroughput") or {}).items() if value != -1},
    }


def attributes(inputs: Props) -> list[dict[str, str]]:
    """The declared key attributes."""
    return [{"AttributeName": item["name"], "AttributeType": item["type"]} for item in inputs.get("attributes") or []]


def billing(inputs: Props) -> Props:
    """Billing mode with the capacity or the cap that goes with it."""
    if (inputs.get("billingMode") or "PROVISIONED") == "PROVISIONED":
        return {"BillingMode": "PROVISIONED", "ProvisionedThroughput": _capacity(inputs)}
    limits = inputs.get("onDemandThroughput")
    return {
        "BillingMode": "PAY_PER_REQUEST",
        **({"OnDemandThroughput": to_api(THROUGHPUT.fields, limits)} if limits else {}),
    }


def _capacity(item: Props) -> dict[str, int]:
    return {"ReadCapacityUnits": item.get("readCapacity") or 1, "WriteCapacityUnits": item.get("writeCapacity") or 1}


def index_request(inputs: Props, index: Props, keys_before: tuple[dict[str, str], ...] = ()) -> Props:
    """One index to be made; ``keys_before`` is the table's hash key for a local one."""
    projection: Props = {"ProjectionType": index["projectionType"]}
    if index.get("nonKeyAttributes"):
        projection["NonKeyAttributes"] = index["nonKeyAttributes"]
    request: Props = {
        "IndexName": index["name"],
        "KeySchema": [*keys_before, *index_keys(index)],
        "Projection": projection,
    }
    if not keys_before and (inputs.get("billingMode") or "PROVISIONED") == "PROVISIONED":
        request["ProvisionedThroughput"] = _capacity(index)
    if index.get("onDemandThroughput"):
        request["OnDemandThroughput"] = to_api(THROUGHPUT.fields, index["onDemandThroughput"])
    return request


def stream(inputs: Props) -> Props:
    """A stream that is on."""
    return {"StreamEnabled": True, "StreamViewType": inputs["streamViewType"]}


def encryption(inputs: Props) -> Props:
    """Encryption at rest."""
    wanted = inputs.get("serverSideEncryption") or {}
    key = {"SSEType": "KMS", "KMSMasterKeyId": wanted["kmsKeyArn"]} if wanted.get("kmsKeyArn") else {}
    return {"Enabled": bool(wanted.get("enabled")), **key}


def table_edits(edit: Edit) -> Iterator[Props]:
    """The UpdateTable calls that a change takes, in order."""
    new = edit.new
    if edit.touches("billingMode", "readCapacity", "writeCapacity", "onDemandThroughput"):
        yield _billing_edit(edit)
    if edit.touches("streamEnabled", "streamViewType"):
        # A view type cannot be edited: off and on again makes another stream, with another ARN.
        if edit.old.get("streamEnabled"):
            yield {"StreamSpecification": {"StreamEnabled": False}}
        if new.get("streamEnabled"):
            yield {"StreamSpecification": stream(new)}
    if edit.touches("serverSideEncryption"):
        yield {"SSESpecification": encryption(new)}
    if edit.touches("tableClass"):
        yield {"TableClass": new.get("tableClass") or "STANDARD"}
    if edit.touches("deletionProtectionEnabled"):
        yield {"DeletionProtectionEnabled": bool(new.get("deletionProtectionEnabled"))}
    if edit.touches("globalSecondaryIndexes"):
        yield from _index_edits(edit)


def _billing_edit(edit: Edit) -> Props:
    """Billing; a table that becomes provisioned has to say the capacity of its indexes in the same call."""
    request, kept = billing(edit.new), _indexes(edit.old).keys() & _indexes(edit.new).keys()
    if edit.touches("billingMode") and "ProvisionedThroughput" in request and kept:
        wanted = [index for name, index in _indexes(edit.new).items() if name in kept]
        request["GlobalSecondaryIndexUpdates"] = [_tune(index, provisioned=True) for index in wanted]
    return request


def _tune(index: Props, *, provisioned: bool) -> Props:
    limits = {"maxReadRequestUnits": -1, "maxWriteRequestUnits": -1, **(index.get("onDemandThroughput") or {})}
    on_demand = {"OnDemandThroughput": to_api(THROUGHPUT.fields, limits)}
    capacity = {"ProvisionedThroughput": _capacity(index)} if provisioned else on_demand
    return {"Update": {"IndexName": index["name"], **capacity}}


def _indexes(props: Props) -> dict[str, Props]:
    return {index["name"]: index for index in props.get("globalSecondaryIndexes") or []}


def _index_edits(edit: Edit) -> Iterator[Props]:
    """One index change per call, as DynamoDB takes it: keys or projection make the index anew, capacity does not."""
    old, new = _indexes(edit.old), _indexes(edit.new)
    kept = {name for name in old.keys() & new.keys() if _structure(old[name]) == _structure(new[name])}
    provisioned = (edit.new.get("billingMode") or "PROVISIONED") == "PROVISIONED"
    # Away before anew: what is made again keeps its name.
    for name in sorted(old.keys() - kept):
        yield {"GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": name}}]}
    for name in sorted(new.keys() - kept):
        create = {"Create": index_request(edit.new, new[name])}
        yield {"AttributeDefinitions": attributes(edit.new), "GlobalSecondaryIndexUpdates": [create]}
    if not edit.touches("billingMode"):
        for name in sorted(kept):
            if _tuning(old[name]) != _tuning(new[name]):
                yield {"GlobalSecondaryIndexUpdates": [_tune(new[name], provisioned=provisioned)]}
