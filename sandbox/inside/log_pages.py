"""FilterLogEvents answers 1 MB or 10,000 events at a time, and a token for the next ones (its API reference).

The emulator answers with the first 10,000 of all: what was logged last is what nobody would see.
"""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from ministack.core.responses import error_response_json
from ministack.services import cloudwatch_logs

Event = dict[str, Any]
Search = Callable[[dict[str, Any]], Any]
MOST_EVENTS = 10_000
MOST_BYTES = 1024 * 1024


def install() -> None:
    """Have FilterLogEvents answer in pages."""
    cloudwatch_logs._filter_log_events = paged(cloudwatch_logs._filter_log_events)


def paged(search: Search) -> Search:
    """The search, which goes on behind a token: the time of the last event, and how many of that time were answered."""

    def run(data: dict[str, Any]) -> Any:
        start, answered = data.get("startTime"), 0
        if token := data.get("nextToken"):
            try:
                start, answered = map(int, token.split(":"))
            except ValueError:
                return error_response_json("InvalidParameterException", "The specified nextToken is invalid.", 400)
        limit = data.get("limit", MOST_EVENTS)
        if not 1 <= limit <= MOST_EVENTS:
            text = f"Value '{limit}' at 'limit' failed to satisfy constraint: it is from 1 to {MOST_EVENTS}"
            return error_response_json("InvalidParameterException", text, 400)
        most = min(limit + answered, MOST_EVENTS)
        status, headers, body = search({**data, "startTime": start, "limit": most})
        if status != 200:
            return status, headers, body
        found = json.loads(body)
        events: list[Event] = found["events"]
        end = end_of_page(events, answered)
        if end < len(events) or len(events) == most:
            found["nextToken"] = token_behind(events[:end], end > answered)
        found["events"] = events[answered:end]
        return status, headers, json.dumps(found, ensure_ascii=False).encode()

    return run


def end_of_page(events: Sequence[Event], begin: int) -> int:
    """Behind the last event that a page holds; one that alone is too long has a page of its own."""
    size = 0
    for end, event in enumerate(events[begin:], begin):
        size += len(event["message"].encode())
        if size > MOST_BYTES and end > begin:
            return end
    return len(events)


def token_behind(events: Sequence[Event], brought_any: bool) -> str:
    """Where the next page begins. Of one millisecond more than 10,000 cannot be told apart: the rest is left out."""
    last = events[-1]["timestamp"]
    if not brought_any:
        return f"{last + 1}:0"
    return f"{last}:{Counter(event['timestamp'] for event in events)[last]}"
