"""What DynamoDB says about a table, by wire names."""

from sandbox.provider.properties import (
    Props,
)


def described(table: Props) -> Props:
    """``describe_table`` by wire names."""
    # A table that was provisioned from the beginning has no summary.
    billing = table.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED")
    provisioned = billing == "PROVISIONED"
    # On demand the capacities are there as well, and 0.
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


def time_to_live(description: Props, state: Props) -> Props | None:
    """Time to live; a table on which it is off has none, unless the program says so."""
    if description.get("TimeToLiveStatus") in ("ENABLED", "ENABLING"):
        return {"attributeName": description["AttributeName"], "enabled": True}
    given = state.get("ttl")
    return {**given, "enabled": False} if given else None


def recovery(description: Props) -> Props:
    """Point-in-time recovery; the period only while it is on."""
    enabled = description.get("PointInTimeRecoveryStatus") == "ENABLED"
    days = {"recoveryPeriodInDays": description.get("RecoveryPeriodInDays", 35)} if enabled else {}
    return {"enabled": enabled, **days}
