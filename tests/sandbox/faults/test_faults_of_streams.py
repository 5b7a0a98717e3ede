"""Batches that come again, alone or with others, and changes that come late."""

from sandbox.handle import Handle
from tests.support.sandbox import Aws, Function, eventually

TAKE = "record(event)"


def batches(function: Function) -> list[list[str]]:
    """The range keys of each batch that a function got."""
    return [[record["dynamodb"]["Keys"]["entry"]["S"] for record in event["Records"]] for event in function.events()]


def mapped(aws: Aws) -> tuple[str, Function]:
    """A table whose stream is mapped to a function, and has been read once."""
    table, stream = aws.table()
    function = aws.function(TAKE)
    mapping = aws.functions.create_event_source_mapping(
        EventSourceArn=stream, FunctionName=function.name, StartingPosition="TRIM_HORIZON"
    )
    aws.put(table, "todos", "first")
    # The function writes its file before the pump has its answer; a fault that is set in between would strike already.
    eventually(lambda: aws.functions.get_event_source_mapping(UUID=mapping["UUID"])["LastProcessingResult"] == "OK")
    assert batches(function) == [["first"]]
    return table, function


def test_a_batch_is_delivered_twice(aws: Aws, handle: Handle) -> None:
    """At least once: the same records come again, and then the stream goes on."""
    table, function = mapped(aws)
    handle.faults.set("duplicated-batch", count=1, table=table)
    aws.put(table, "todos", "a")
    eventually(lambda: batches(function), lambda got: got == [["first"], ["a"], ["a"]])
    aws.put(table, "todos", "b")
    eventually(lambda: batches(function), lambda got: got == [["first"], ["a"], ["a"], ["b"]])


def test_a_batch_is_delivered_again_with_later_records(aws: Aws, handle: Handle) -> None:
    """A batch that was taken comes again together with the next change."""
    table, function = mapped(aws)
    handle.faults.set("overlapping-batch", count=1, function=function.name)
    aws.put(table, "todos", "a")
    eventually(lambda: batches(function), lambda got: got == [["first"], ["a"]])
    aws.put(table, "todos", "b")
    eventually(lambda: batches(function), lambda got: got == [["first"], ["a"], ["a", "b"]])


def test_changes_reach_the_stream_late(aws: Aws, handle: Handle) -> None:
    """What is written comes when the clock has moved on by the lag, not before."""
    table, function = mapped(aws)
    other, witness = mapped(aws)
    handle.faults.set("stream-lag", table=table, seconds=300)
    aws.put(table, "todos", "late")
    aws.put(other, "todos", "at once")
    eventually(lambda: batches(witness), lambda got: got == [["first"], ["at once"]])
    handle.clock.advance(200)
    assert batches(function) == [["first"]]
    handle.clock.advance(101)
    eventually(lambda: batches(function), lambda got: got == [["first"], ["late"]])
