"""Time to live: what expires goes, late but never early, and its record says who did it."""

import time
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from sandbox.client import RunningSandbox
from tests.support.front import Turn, on_turnable
from tests.support.sandbox import Aws, Json, eventually

HOUR_SECONDS = 3600.0
SPECIFICATION: Any = {"AttributeName": "ttl", "Enabled": True}
SERVICE = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}


def expiring(aws: Aws) -> tuple[str, str]:
    """A table whose items expire by ``ttl``, and its stream."""
    table, stream = aws.table()
    aws.dynamodb.update_time_to_live(TableName=table, TimeToLiveSpecification=SPECIFICATION)
    return table, stream


def left(aws: Aws, table: str) -> set[str]:
    """The range keys of the items that are there."""
    return {item["entry"]["S"] for item in aws.dynamodb.scan(TableName=table)["Items"]}


def in_seconds(seconds: float) -> Json:
    """A time attribute so long after now."""
    return {"N": str(int(time.time() + seconds))}


def refusal_of(aws: Aws, table: str, **specification: Any) -> str:
    """The text with which a change of time to live is refused, or nothing."""
    try:
        wanted: Any = SPECIFICATION | specification
        aws.dynamodb.update_time_to_live(TableName=table, TimeToLiveSpecification=wanted)
    except ClientError as error:
        return f"{error.response['Error']['Code']}: {error.response['Error']['Message']}"
    return ""


def test_expired_item_goes_and_its_record_names_the_service(sandbox: RunningSandbox, tmp_path: Path) -> None:
    """A day later the row is gone; functions see who removed it, and nobody else's removals are marked so."""

    def steps(endpoint: str, turn: Turn) -> None:
        aws = Aws(endpoint, tmp_path)
        table, stream = expiring(aws)
        function = aws.function("record(event)")
        aws.functions.create_event_source_mapping(
            EventSourceArn=stream, FunctionName=function.name, StartingPosition="TRIM_HORIZON"
        )
        aws.put(table, "todos", "kept")
        aws.put(table, "todos", "mine", ttl=in_seconds(24 * HOUR_SECONDS))
        aws.put(table, "todos", "expired", ttl=in_seconds(24 * HOUR_SECONDS))
        aws.dynamodb.delete_item(TableName=table, Key={"actorId": {"S": "todos"}, "entry": {"S": "mine"}})
        turn(23 * HOUR_SECONDS)
        assert left(aws, table) == {"kept", "expired"}
        turn(2 * HOUR_SECONDS)
        assert eventually(lambda: left(aws, table), lambda rows: "expired" not in rows) == {"kept"}

        def removals() -> dict[str, Json | None]:
            records = [record for event in function.events() for record in event["Records"]]
            gone = [record for record in records if record["eventName"] == "REMOVE"]
            return {record["dynamodb"]["Keys"]["entry"]["S"]: record.get("userIdentity") for record in gone}

        assert eventually(removals, lambda got: len(got) == 2) == {"mine": None, "expired": SERVICE}

    on_turnable(sandbox.record.emulator_endpoint, steps)


def test_other_readers_see_who_removed_an_item(sandbox: RunningSandbox, tmp_path: Path) -> None:
    """GetRecords writes the service's identity with capital letters, as its API does."""

    def steps(endpoint: str, turn: Turn) -> None:
        aws = Aws(endpoint, tmp_path)
        table, stream = expiring(aws)
        aws.put(table, "todos", "expired", ttl=in_seconds(60))
        turn(120)
        eventually(lambda: left(aws, table), lambda rows: not rows)
        streams = aws.client("dynamodbstreams")
        found = []
        for shard in streams.describe_stream(StreamArn=stream)["StreamDescription"]["Shards"]:
            where = {"StreamArn": stream, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
            iterator = streams.get_shard_iterator(**where)["ShardIterator"]
            found += streams.get_records(ShardIterator=iterator)["Records"]
        assert [record["eventName"] for record in found] == ["INSERT", "REMOVE"]
        assert found[1]["userIdentity"] == {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}

    on_turnable(sandbox.record.emulator_endpoint, steps)


def test_item_is_read_for_a_while_after_its_time(sandbox: RunningSandbox, tmp_path: Path) -> None:
    """Deletion is late: a reader that does not look at the time itself sees what has expired."""

    def steps(endpoint: str, turn: Turn) -> None:
        aws = Aws(endpoint, tmp_path)
        table, _ = expiring(aws)
        aws.put(table, "todos", "expired", ttl=in_seconds(600))
        turn(900)
        assert left(aws, table) == {"expired"}
        turn(400)
        eventually(lambda: left(aws, table), lambda rows: not rows)

    on_turnable(sandbox.record.emulator_endpoint, steps, ttl_delay_seconds=600)


def test_deletion_can_be_as_late_as_on_aws(sandbox: RunningSandbox, tmp_path: Path) -> None:
    """Two days late, as AWS may be, if the sandbox is told so."""

    def steps(endpoint: str, turn: Turn) -> None:
        aws = Aws(endpoint, tmp_path)
        table, _ = expiring(aws)
        aws.put(table, "todos", "expired", ttl=in_seconds(600))
        turn(47 * HOUR_SECONDS)
        assert left(aws, table) == {"expired"}
        turn(2 * HOUR_SECONDS)
        eventually(lambda: left(aws, table), lambda rows: not rows)

    on_turnable(sandbox.record.emulator_endpoint, steps, ttl_delay_seconds=48 * HOUR_SECONDS)


def test_item_with_a_new_time_lives_on(sandbox: RunningSandbox, tmp_path: Path) -> None:
    """Until it is deleted an expired item can be given a longer life."""

    def steps(endpoint: str, turn: Turn) -> None:
        aws = Aws(endpoint, tmp_path)
        table, _ = expiring(aws)
        aws.put(table, "todos", "revived", ttl=in_seconds(600))
        aws.put(table, "todos", "expired", ttl=in_seconds(600))
        turn(900)
        aws.put(table, "todos", "revived", ttl=in_seconds(6000))
        turn(400)
        assert eventually(lambda: left(aws, table), lambda rows: "expired" not in rows) == {"revived"}

    on_turnable(sandbox.record.emulator_endpoint, steps, ttl_delay_seconds=600)


def test_each_table_is_looked_at_in_its_own_time(sandbox: RunningSandbox, tmp_path: Path) -> None:
    """A table whose items go early takes nothing from the time of one whose items go late."""

    def steps(endpoint: str, turn: Turn) -> None:
        aws = Aws(endpoint, tmp_path)
        (early, _), (late, _) = expiring(aws), expiring(aws)
        for seconds in (60, 900):
            aws.put(early, "todos", f"after {seconds}", ttl=in_seconds(seconds))
        aws.put(late, "todos", "after an hour", ttl=in_seconds(HOUR_SECONDS))
        turn(120)
        eventually(lambda: left(aws, early), lambda rows: rows == {"after 900"})
        turn(HOUR_SECONDS - 300)
        eventually(lambda: left(aws, early), lambda rows: not rows)
        assert left(aws, late) == {"after an hour"}
        turn(300)
        eventually(lambda: left(aws, late), lambda rows: not rows)

    on_turnable(sandbox.record.emulator_endpoint, steps)


def test_items_expire_by_a_time_that_is_part_of_their_key(sandbox: RunningSandbox, tmp_path: Path) -> None:
    """The attribute that says when may be the range key, and only what is due goes."""

    def steps(endpoint: str, turn: Turn) -> None:
        aws = Aws(endpoint, tmp_path)
        aws.dynamodb.create_table(
            TableName="by-time",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}, {"AttributeName": "ttl", "KeyType": "RANGE"}],
            AttributeDefinitions=[
                {"AttributeName": "id", "AttributeType": "S"},
                {"AttributeName": "ttl", "AttributeType": "N"},
            ],
            BillingMode="PAY_PER_REQUEST",
        )
        aws.dynamodb.update_time_to_live(TableName="by-time", TimeToLiveSpecification=SPECIFICATION)
        times = [in_seconds(60), in_seconds(HOUR_SECONDS)]
        for at in times:
            aws.dynamodb.put_item(TableName="by-time", Item={"id": {"S": "session"}, "ttl": at})
        turn(120)
        eventually(
            lambda: [item["ttl"] for item in aws.dynamodb.scan(TableName="by-time")["Items"]],
            lambda rows: rows == times[1:],
        )

    on_turnable(sandbox.record.emulator_endpoint, steps)


def test_only_numbers_of_the_last_five_years_are_times(sandbox: RunningSandbox, tmp_path: Path) -> None:
    """Text, nothing, a time in milliseconds and one of more than five years ago expire nothing."""

    def steps(endpoint: str, turn: Turn) -> None:
        aws = Aws(endpoint, tmp_path)
        table, _ = expiring(aws)
        aws.put(table, "todos", "text", ttl={"S": in_seconds(60)["N"]})
        aws.put(table, "todos", "none")
        aws.put(table, "todos", "milliseconds", ttl=in_seconds(1000 * time.time()))
        aws.put(table, "todos", "ancient", ttl=in_seconds(-6 * 365 * 86_400))
        aws.put(table, "todos", "old", ttl=in_seconds(-4 * 365 * 86_400))
        turn(120)
        rows = eventually(lambda: left(aws, table), lambda rows: "old" not in rows)
        assert rows == {"text", "none", "milliseconds", "ancient"}

    on_turnable(sandbox.record.emulator_endpoint, steps)


def test_time_to_live_changes_once_an_hour(sandbox: RunningSandbox, tmp_path: Path) -> None:
    """A second change within the hour is refused, one that changes nothing or another attribute always."""

    def steps(endpoint: str, turn: Turn) -> None:
        aws = Aws(endpoint, tmp_path)
        table, _ = expiring(aws)
        already = "ValidationException: TimeToLive is already"
        assert refusal_of(aws, table) == f"{already} enabled"
        assert "active on a different AttributeName" in refusal_of(aws, table, AttributeName="other")
        often = "ValidationException: Time to live has been modified multiple times within a fixed interval"
        assert refusal_of(aws, table, Enabled=False) == often
        turn(HOUR_SECONDS + 1)
        assert refusal_of(aws, table, Enabled=False) == ""
        assert refusal_of(aws, table, Enabled=False) == f"{already} disabled"
        shown = aws.dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
        assert shown == {"TimeToLiveStatus": "DISABLED"}

    on_turnable(sandbox.record.emulator_endpoint, steps)


def test_new_table_of_a_name_has_no_time_to_live(aws: Aws) -> None:
    """Settings die with their table."""
    table, _ = expiring(aws)
    shown = aws.dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
    assert shown == {"TimeToLiveStatus": "ENABLED", "AttributeName": "ttl"}
    aws.dynamodb.delete_table(TableName=table)
    aws.table(table)
    assert aws.dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"] == {
        "TimeToLiveStatus": "DISABLED"
    }
    assert refusal_of(aws, table) == ""


def test_the_emulators_own_reaper_is_kept_off(sandbox: RunningSandbox, aws: Aws) -> None:
    """It would delete on real time and leave no record."""
    table, _ = expiring(aws)
    behind = Aws(sandbox.record.emulator_endpoint, aws.folder)
    shown = behind.dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
    assert shown["TimeToLiveStatus"] == "DISABLED"
