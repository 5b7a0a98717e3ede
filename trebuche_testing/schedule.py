"""One schedule: run it, and say what was wrong with it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from trebuche.actor_types import ActorType
from trebuche_testing.checks import check
from trebuche_testing.engine import LivelockError
from trebuche_testing.history import Event, Note
from trebuche_testing.mutants import Mutant
from trebuche_testing.plan import Plan
from trebuche_testing.specification import Specification
from trebuche_testing.system import System, Tell
from trebuche_testing.violations import LOST, UNANSWERED, Violation


@dataclass(frozen=True, slots=True)
class Subject:
    """What is explored.

    Attributes:
        types: The actor's type; those after the first are deployed one day, beside it.
        specification: What it does, one call after the other.
    """

    types: Sequence[ActorType]
    specification: Specification


@dataclass(frozen=True, slots=True)
class Result:
    """How a schedule went.

    Attributes:
        seen: How often what is reported of schedules happened in it.
    """

    plan: Plan
    violations: list[Violation]
    events: list[Event]
    seen: Counter[str]


def run(
    plan: Plan, subject: Subject, mutant: Mutant | None = None, *, tell: Tell | None = None, note: Note | None = None
) -> Result:
    """Run a plan to its end and check its history.

    Args:
        plan: What happens.
        subject: What is explored.
        mutant: What is wrong with the runtime.
        tell: Gets each effect that was carried out.
        note: Gets each event of the history.
    """
    code = [{actor_type.exposed_as: actor_type} for actor_type in subject.types]
    system = System(plan, code, mutant)
    system.tell, system.history.note = tell, note
    try:
        system.run()
    except LivelockError as error:
        return Result(plan, [Violation(UNANSWERED, str(error))], system.history.events, system.seen)
    except Exception as error:
        # The runtime answers mistakes of clients and outlives every fault: whatever comes out of it is a finding.
        defect = Violation(LOST, f"{type(error).__name__} out of the runtime: {error}")
        return Result(plan, [defect], system.history.events, system.seen)
    events = system.history.events
    system.seen["resume"] += any(event["event"] == "start" and event["recovered"] is not None for event in events)
    return Result(plan, check(events, subject.specification), events, system.seen)
