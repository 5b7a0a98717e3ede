"""The tables. Keys, index and stream view are no choices; names and protection are."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_aws import dynamodb

from infra.grants import Grant
from infra.scaling import Scaling, ScalingArgs
from infra.stack_settings import Capacity
from trebuche.contract import ACCESS_ID, ACTOR_ID, ACTOR_INDEX, CONNECTION_ID, ENTRY, STREAM_ID, STREAM_VIEW, TTL


@dataclass(frozen=True, slots=True, kw_only=True)
class TableArgs:
    """What all tables have in common."""

    table_name: str
    protect: bool = False
    """Refuse to be deleted: by Pulumi, and by DynamoDB itself."""
    point_in_time_recovery: bool = False
    capacity: Capacity | None = None
    """None bills each request."""
    encryption_key_arn: str | None = None
    """A key of one's own; None is DynamoDB's own key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Schema:
    hash_key: str
    range_key: str | None = None
    index_keys: tuple[str, ...] = ()
    """Hash and range key of the index by actor; none: no index."""
    expires: bool = True
    stream_view: str | None = None


class _Table(pulumi.ComponentResource):
    """A table; what a subclass adds is its schema and its grants."""

    table: dynamodb.Table
    table_name: pulumi.Output[str]

    def __init__(
        self, token: str, name: str, args: TableArgs, schema: _Schema, opts: pulumi.ResourceOptions | None
    ) -> None:
        super().__init__(token, name, {}, opts)
        units = args.capacity.minimum if args.capacity else None
        self.table = dynamodb.Table(
            f"{name}-table",
            name=args.table_name,
            billing_mode="PROVISIONED" if args.capacity else "PAY_PER_REQUEST",
            read_capacity=units,
            write_capacity=units,
            hash_key=schema.hash_key,
            range_key=schema.range_key,
            attributes=_attributes(schema),
            global_secondary_indexes=[_index(schema, units)] if schema.index_keys else None,
            stream_enabled=True if schema.stream_view else None,
            stream_view_type=schema.stream_view,
            ttl=dynamodb.TableTtlArgs(attribute_name=TTL, enabled=True) if schema.expires else None,
            point_in_time_recovery=dynamodb.TablePointInTimeRecoveryArgs(enabled=args.point_in_time_recovery),
            server_side_encryption=_encryption(args),
            deletion_protection_enabled=args.protect,
            opts=pulumi.ResourceOptions(parent=self, protect=args.protect, ignore_changes=_ignored(args, schema)),
        )
        if args.capacity and args.capacity.scales:
            scaling = ScalingArgs(table=self.table, indexed=bool(schema.index_keys), capacity=args.capacity)
            Scaling(f"{name}-scaling", scaling, pulumi.ResourceOptions(parent=self))
        self.table_name = self.table.name
        self.register_outputs(self._outputs())

    def _outputs(self) -> Mapping[str, pulumi.Output[str]]:
        return {"table_name": self.table.name}

    def _grant(self, sid: str, *actions: str) -> Grant:
        return Grant(sid, tuple(f"dynamodb:{action}" for action in actions), (self.table.arn,))


def _attributes(schema: _Schema) -> list[dynamodb.TableAttributeArgs]:
    """Key attributes of the table and its index, each once; DynamoDB refuses any other."""
    keys = (schema.hash_key, schema.range_key, *schema.index_keys)
    return [dynamodb.TableAttributeArgs(name=key, type="S") for key in dict.fromkeys(keys) if key]


def _index(schema: _Schema, units: int | None) -> dynamodb.TableGlobalSecondaryIndexArgs:
    # For whoever looks at a deployment: what must not be missed is read strongly, which no index offers.
    return dynamodb.TableGlobalSecondaryIndexArgs(
        name=ACTOR_INDEX,
        projection_type="ALL",
        key_schemas=[
            dynamodb.TableGlobalSecondaryIndexKeySchemaArgs(attribute_name=key, key_type=kind)
            for key, kind in zip(schema.index_keys, ("HASH", "RANGE"), strict=True)
        ],
        read_capacity=units,
        write_capacity=units,
    )


def _encryption(args: TableArgs) -> dynamodb.TableServerSideEncryptionArgs | None:
    if not args.encryption_key_arn:
        return None
    return dynamodb.TableServerSideEncryptionArgs(enabled=True, kms_key_arn=args.encryption_key_arn)


def _ignored(args: TableArgs, schema: _Schema) -> list[str] | None:
    """What autoscaling changes, and a deployment must not change back."""
    if not args.capacity or not args.capacity.scales:
        return None
    units = ["readCapacity", "writeCapacity"]
    return units + [f"globalSecondaryIndexes[0].{unit}" for unit in units] if schema.index_keys else units


class StateTable(_Table):
    """The actors' state, one item each; its stream feeds the stream processor."""

    stream_arn: pulumi.Output[str]
    stream_enabled: pulumi.Output[bool]

    def __init__(self, name: str, args: TableArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        schema = _Schema(hash_key=ACTOR_ID, stream_view=STREAM_VIEW, expires=False)
        super().__init__("trebuche:aws:StateTable", name, args, schema, opts)
        self.stream_arn = self.table.stream_arn
        self.stream_enabled = self.table.stream_enabled.apply(bool)

    def _outputs(self) -> Mapping[str, pulumi.Output[str]]:
        return {"table_name": self.table.name, "stream_arn": self.table.stream_arn}

    def grant_turn(self) -> Grant:
        """Read an actor's state and write the next one."""
        # A transaction needs the permissions of its parts; TransactWriteItems is no action in IAM.
        return self._grant("State", "GetItem", "PutItem")

    def grant_stream(self) -> Grant:
        """Follow the changes, on whichever stream the table has: its name is the time at which it was made."""
        arn = pulumi.Output.concat(self.table.arn, "/stream/*")
        actions = ("DescribeStream", "GetRecords", "GetShardIterator", "ListStreams")
        return Grant("Stream", tuple(f"dynamodb:{action}" for action in actions), (arn,))


class JournalTable(_Table):
    """Versions and call records of the last day."""

    def __init__(self, name: str, args: TableArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("trebuche:aws:JournalTable", name, args, _Schema(hash_key=ACTOR_ID, range_key=ENTRY), opts)

    def grant_append(self) -> Grant:
        """Write entries with a turn, look up a call, replay versions."""
        return self._grant("Journal", "GetItem", "PutItem", "Query")


class ConnectionTable(_Table):
    """Open connections, found by their id; by actor through the index."""

    def __init__(self, name: str, args: TableArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        schema = _Schema(hash_key=CONNECTION_ID, index_keys=(ACTOR_ID, STREAM_ID))
        super().__init__("trebuche:aws:ConnectionTable", name, args, schema, opts)

    def grant_lifecycle(self) -> Grant:
        """Register connections, take streams off them, forget them."""
        return self._grant("Connections", "GetItem", "PutItem", "UpdateItem", "DeleteItem")

    def grant_note(self) -> Grant:
        """Note on connections what they watch."""
        return self._grant("Connections", "GetItem", "UpdateItem")

    def grant_forget(self) -> Grant:
        """Remove dead connections, for what was known of them comes with it; take streams that are over off others."""
        return self._grant("Connections", "UpdateItem", "DeleteItem")


class SubscriptionTable(_Table):
    """Who watches which actor; read strongly, so keyed by the actor and not by an index."""

    def __init__(self, name: str, args: TableArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        schema = _Schema(hash_key=ACTOR_ID, range_key=STREAM_ID)
        super().__init__("trebuche:aws:SubscriptionTable", name, args, schema, opts)

    def grant_subscribe(self) -> Grant:
        """Open, resume, bring up to date and end single subscriptions."""
        return self._grant("Subscriptions", "GetItem", "PutItem", "UpdateItem", "DeleteItem")

    def grant_detach(self) -> Grant:
        """End single subscriptions, or set them aside for a resume."""
        return self._grant("Subscriptions", "GetItem", "PutItem", "DeleteItem")

    def grant_fan_out(self) -> Grant:
        """All of one actor's subscriptions; note what they missed, end them, set them aside."""
        return self._grant("Subscriptions", "GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query")


class AccessTable(_Table):
    """Who was taken the right to come in, and which tickets were used."""

    def __init__(self, name: str, args: TableArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("trebuche:aws:AccessTable", name, args, _Schema(hash_key=ACCESS_ID), opts)

    def grant_admit(self) -> Grant:
        """Look revocations up, and note that a ticket was used."""
        return self._grant("Access", "BatchGetItem", "PutItem")

    def grant_look(self) -> Grant:
        """Look revocations up."""
        return self._grant("Access", "BatchGetItem")


def grant_key(key_arn: str, region: str) -> Grant:
    """Use tables that are encrypted with a key of one's own: DynamoDB asks for it in the caller's name."""
    conditions = {"StringEquals": {"kms:ViaService": f"dynamodb.{region}.amazonaws.com"}}
    return Grant("Key", ("kms:Decrypt", "kms:DescribeKey"), (key_arn,), conditions)
