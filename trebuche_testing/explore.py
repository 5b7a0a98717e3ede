"""The explorer for somebody's own actor."""

from collections.abc import Sequence
from typing import Any

from trebuche.actor_types import ActorType
from trebuche.actors import Actor
from trebuche_testing.campaign import Tally, explore_seeds
from trebuche_testing.ledger import LEDGER, Ledger
from trebuche_testing.plan import draw
from trebuche_testing.replay import replay
from trebuche_testing.schedule import Subject
from trebuche_testing.shrink import shrink
from trebuche_testing.specification import Specification


class ExplorationError(AssertionError):
    """A schedule failed; the text holds the smallest one that was found, step by step."""


def explore(
    actor: type[Actor[Any]],
    specification: Specification,
    *,
    seeds: Sequence[int] = range(200),
    deployed_later: Sequence[type[Actor[Any]]] = (),
) -> Tally:
    """Run the schedules of some seeds with an actor, and hold its histories against a specification.

    Args:
        actor: The class.
        specification: What it does when its calls come one after the other.
        seeds: Which schedules; each has at least three clients, two actors, twelve calls and two disturbances.
        deployed_later: Newer classes of the same actor, that are deployed in the middle of some schedules.

    Raises:
        ExplorationError: A schedule failed.
    """
    subject = Subject([ActorType(one) for one in (actor, *deployed_later)], specification)
    total = Tally()
    for tally in explore_seeds(lambda: subject, seeds):
        total.add(tally)
        if total.failed:
            raise ExplorationError(explain_failure(subject, total.failed[0][0]))
    return total


def explain_failure(subject: Subject, seed: int) -> str:
    """The smallest failing schedule that the one of a seed leads to, step by step."""
    smallest = shrink(draw(seed, subject.specification), subject)
    shown: list[str] = [f"the schedule of seed {seed} fails (seeds=[{seed}] runs it again); made smaller:"]
    replay(smallest.plan, subject, None, shown.append)
    return "\n".join(shown)


def ledger() -> Subject:
    """The actor that is explored when there is no other."""
    return Subject([ActorType(Ledger)], LEDGER)
