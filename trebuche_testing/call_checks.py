"""What callers are owed: an answer to each call, and no effect twice."""

from collections import Counter
from collections.abc import Iterator

from trebuche_testing.history import Event, by_kind
from trebuche_testing.violations import DOUBLED, LOST, UNANSWERED, Violation


def check_calls(events: list[Event]) -> Iterator[Violation]:
    """Each call answered, with an answer that makes sense, and written at most once."""
    kinds = by_kind(events)
    returned = {event["call"]: event for event in kinds["return"]}
    for event in kinds["call"]:
        answer = returned.get(event["call"])
        if answer is None and kinds["quiet"]:
            yield Violation(UNANSWERED, f"{named(event)} was never answered")
        elif answer is not None and answer["outcome"] == "failed":
            yield Violation(UNANSWERED, f"{named(event)} was answered: {answer['told']}")
    for call_id, times in Counter(event["call"] for event in kinds["commit"]).items():
        if times > 1:
            yield Violation(DOUBLED, f"call {call_id} was written {times} times")
    for event in kinds["held-up"]:
        yield Violation(UNANSWERED, f"changes were given back at {event['at']}, though only subscribers had failed")
    for quiet in kinds["quiet"][-1:]:
        if quiet["waiting"]:
            yield Violation(UNANSWERED, f"still waiting for something: {', '.join(quiet['waiting'])}")
        if quiet["backlog"]:
            yield Violation(LOST, "changes were left in the stream")


def named(call: Event) -> str:
    """A call for people."""
    return f"{call['method']} of {call['client']} on {call['actor']} (call {call['call']})"
