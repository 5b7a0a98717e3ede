"""How a deployed stack is: asked of AWS part by part."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from cli.account import CLIENT_CONFIG, speaking_to_aws
from cli.deployment import function_name
from cli.target import Target
from infra.plan import STREAM_PROCESSOR

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_lambda import LambdaClient

MISSING = "missing"
ALARM_KINDS = ("cloudwatch/metricAlarm:MetricAlarm", "cloudwatch/compositeAlarm:CompositeAlarm")
_TABLE = "dynamodb/table:Table"
HEALTHY = frozenset({"Active", "ACTIVE", "Enabled", "Inactive"})
"""``Inactive`` is a function that was not called for weeks; the next call wakes it."""
_ALARMS_PER_CALL = 100


@dataclass(frozen=True, slots=True)
class FunctionHealth:
    """A function as its alias serves it; memory in MB."""

    role: str
    name: str
    state: str
    memory: int | None = None
    version: str | None = None


@dataclass(frozen=True, slots=True)
class TableHealth:
    """A table."""

    name: str
    state: str


@dataclass(frozen=True, slots=True)
class MappingHealth:
    """What carries the state table's stream to its function."""

    function: str
    state: str
    last_result: str


@dataclass(frozen=True, slots=True)
class Health:
    """A whole stack; ``alarms`` are those that are going off."""

    functions: tuple[FunctionHealth, ...]
    tables: tuple[TableHealth, ...]
    mappings: tuple[MappingHealth, ...]
    alarms: tuple[str, ...]

    @property
    def is_good(self) -> bool:
        """Whether everything is there and works, and no alarm goes off."""
        states = [one.state for one in self.functions] + [one.state for one in self.tables]
        states += [one.state for one in self.mappings]
        return not self.alarms and all(state in HEALTHY for state in states)


def examine(target: Target) -> Health:
    """Ask AWS for every part of a stack.

    Raises:
        CommandError: AWS refuses or cannot be reached; a part that is gone is no error.
    """
    with speaking_to_aws():
        functions = target.session.client("lambda", config=CLIENT_CONFIG)
        tables = target.session.client("dynamodb", config=CLIENT_CONFIG)
        return Health(
            functions=tuple(_function(functions, role, arn) for role, arn in target.deployment.functions.items()),
            tables=tuple(_table(tables, one.name) for one in target.deployment.of_kind(_TABLE)),
            mappings=tuple(_mappings(functions, target)),
            alarms=tuple(_alarms(target)),
        )


def _function(client: "LambdaClient", role: str, arn: str) -> FunctionHealth:
    name = function_name(arn)
    try:
        found = client.get_function_configuration(FunctionName=name, Qualifier=arn.rsplit(":", 1)[-1])
    except ClientError as error:
        if not _is_gone(error):
            raise
        return FunctionHealth(role, name, MISSING)
    return FunctionHealth(role, name, found.get("State", "Active"), found["MemorySize"], found["Version"])


def _table(client: "DynamoDBClient", name: str) -> TableHealth:
    try:
        return TableHealth(name, client.describe_table(TableName=name)["Table"]["TableStatus"])
    except ClientError as error:
        if not _is_gone(error):
            raise
        return TableHealth(name, MISSING)


def _mappings(client: "LambdaClient", target: Target) -> Iterator[MappingHealth]:
    arn = target.deployment.functions.get(STREAM_PROCESSOR)
    if arn is None:
        return
    # A mapping belongs to the alias with which it was made, not to the function.
    found = client.list_event_source_mappings(FunctionName=arn)["EventSourceMappings"]
    for mapping in found:
        yield MappingHealth(function_name(arn), mapping["State"], mapping.get("LastProcessingResult", ""))
    if not found:
        yield MappingHealth(function_name(arn), MISSING, "")


def _alarms(target: Target) -> Iterator[str]:
    names = [one.name for kind in ALARM_KINDS for one in target.deployment.of_kind(kind)]
    if not names:
        return
    client = target.session.client("cloudwatch", config=CLIENT_CONFIG)
    for start in range(0, len(names), _ALARMS_PER_CALL):
        wanted = names[start : start + _ALARMS_PER_CALL]
        # An answer may hold fewer than were asked for: CloudWatch gives 50 at a time.
        pages = client.get_paginator("describe_alarms").paginate(
            AlarmNames=wanted, AlarmTypes=["MetricAlarm", "CompositeAlarm"]
        )
        for page in pages:
            found = [*page.get("MetricAlarms", ()), *page.get("CompositeAlarms", ())]
            yield from (alarm["AlarmName"] for alarm in found if alarm.get("StateValue") == "ALARM")


def _is_gone(error: ClientError) -> bool:
    return error.response["Error"]["Code"] == "ResourceNotFoundException"
