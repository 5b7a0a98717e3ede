"""Log events come in pages; nothing is left out, nothing comes twice."""

import itertools
import time
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.sandbox import Aws, Json

START_MS = int(time.time() * 1000)
PAGE_BYTES = 1024 * 1024
LONG = 200_000


@pytest.fixture
def logs(aws: Aws) -> Any:
    """The service's client."""
    return aws.client("logs")


def written(logs: Any, messages: list[str], *, of_one_moment: int = 7) -> str:
    """A group with so many messages, some of each millisecond, in two streams in turn."""
    group = f"pages-{uuid.uuid4().hex[:8]}"
    logs.create_log_group(logGroupName=group)
    events: list[Json] = [
        {"timestamp": START_MS + n // of_one_moment, "message": message} for n, message in enumerate(messages)
    ]
    for stream, own in (("even", events[::2]), ("odd", events[1::2])):
        logs.create_log_stream(logGroupName=group, logStreamName=stream)
        most = 4 if len(own[0]["message"]) == LONG else 9_000
        for begin in range(0, len(own), most):
            logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=own[begin : begin + most])
    return group


def pages(logs: Any, group: str, **request: Any) -> list[list[str]]:
    """The messages of each page."""
    found = logs.get_paginator("filter_log_events").paginate(logGroupName=group, **request)
    return [[event["message"] for event in page["events"]] for page in found]


def test_all_events_are_found_ten_thousand_at_a_time(logs: Any) -> None:
    """In the order of their times."""
    messages = [str(number) for number in range(25_000)]
    read = pages(logs, written(logs, messages))
    assert sorted(itertools.chain(*read), key=int) == messages
    assert max(map(len, read)) == 10_000
    moments = [int(message) // 7 for message in itertools.chain(*read)]
    assert moments == sorted(moments)


def test_a_page_holds_one_megabyte(logs: Any) -> None:
    """However few events that are."""
    messages = [str(number).ljust(LONG) for number in range(12)]
    read = pages(logs, written(logs, messages))
    assert sorted(itertools.chain(*read)) == sorted(messages)
    assert max(sum(map(len, page)) for page in read) <= PAGE_BYTES
    assert len(read) <= 4


def test_a_long_log_is_found_to_its_end(aws: Aws, logs: Any) -> None:
    """What an invocation logs last, a traceback perhaps, is there, however much it logged before."""
    function = aws.function("for line in range(12_000):\n    print(line)")
    aws.functions.invoke(FunctionName=function.name)
    start, *lines, end, report = itertools.chain(*pages(logs, f"/aws/lambda/{function.name}"))
    assert [int(line) for line in lines] == [*range(12_000)]
    assert [line.split()[0] for line in (start, end, report)] == ["START", "END", "REPORT"]


def test_a_search_ends_however_much_is_of_one_moment(logs: Any) -> None:
    """Of more than ten thousand it tells no more; what came after them is found."""
    messages = [str(number) for number in range(10_002)]
    read = [*itertools.chain(*pages(logs, written(logs, messages, of_one_moment=10_001)))]
    assert (len(read), read[-1]) == (10_001, messages[-1])


@pytest.mark.parametrize("limit", [0, 10_001])
def test_a_limit_that_is_none_is_refused(logs: Any, limit: int) -> None:
    """By its value."""
    group = written(logs, ["0", "1"])
    with pytest.raises(ClientError, match=f"'{limit}' at 'limit'"):
        logs.filter_log_events(logGroupName=group, limit=limit)


@pytest.mark.parametrize("limit", [1, 3, 7, 1_000])
def test_a_caller_may_want_fewer_at_a_time(logs: Any, limit: int) -> None:
    """Of those that the pattern and the times mean; more than that are of one moment."""
    group = written(logs, [f"{'good' if n % 3 else 'bad'} {n}" for n in range(60)], of_one_moment=20)
    read = pages(logs, group, limit=limit, filterPattern="bad", startTime=START_MS + 1)
    assert sorted(itertools.chain(*read)) == sorted(f"bad {n}" for n in range(21, 60, 3))
    assert max(map(len, read)) <= limit


def test_what_is_logged_between_two_pages_comes_with_the_next(logs: Any) -> None:
    """A token is a place, not a copy of what there was."""
    group = written(logs, ["0", "1"])
    first = logs.filter_log_events(logGroupName=group, limit=1)
    later: list[Json] = [{"timestamp": START_MS + 1, "message": "2"}]
    logs.put_log_events(logGroupName=group, logStreamName="even", logEvents=later)
    rest = logs.filter_log_events(logGroupName=group, nextToken=first["nextToken"])
    assert [event["message"] for event in (*first["events"], *rest["events"])] == ["0", "1", "2"]
    assert "nextToken" not in rest


def test_a_token_that_is_none_is_refused(logs: Any) -> None:
    """By its name."""
    with pytest.raises(ClientError, match="The specified nextToken is invalid") as refused:
        logs.filter_log_events(logGroupName=written(logs, ["0", "1"]), nextToken="mine")
    assert refused.value.response["Error"]["Code"] == "InvalidParameterException"
