"""What a history must show: nothing lost, nothing twice, nothing out of order, nobody left without an answer."""

from trebuche_testing.call_checks import check_calls
from trebuche_testing.history import Event
from trebuche_testing.order_checks import check_order
from trebuche_testing.specification import Specification
from trebuche_testing.stream_checks import check_streams
from trebuche_testing.violations import Violation


def check(events: list[Event], specification: Specification) -> list[Violation]:
    """Everything that is wrong with a history; knows of the actor only its specification.

    A history without its end (``quiet``) may go on: who was not answered yet, and what streams have yet to show, is not
    asked then.
    """
    found = [*check_calls(events), *check_order(events, specification)]
    return (
        [*found, *check_streams(events, specification)] if any(event["event"] == "quiet" for event in events) else found
    )
