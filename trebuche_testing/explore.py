"""The explorer for somebody's own actor."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from trebuche.actor_types import ActorType
from trebuche.actors import Actor
from trebuche.documents import Json
from trebuche.errors import MalformedError
from trebuche.values import from_json, to_json
from trebuche_testing.campaign import Tally, explore_seeds
from trebuche_testing.draws import draw
from trebuche_testing.ledger import LEDGER, BoundLedger, Ledger, SignedLedger
from trebuche_testing.replay import replay
from trebuche_testing.schedule import Subject
from trebuche_testing.shrink import shrink
from trebuche_testing.specification import Plain, Specification, as_it_is


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
        ValueError: There is nothing to explore, or a later class is exposed under another name.
        TypeError: The specification is none.
    """
    __tracebackhide__ = True  # pytest then shows the test, and what it was told
    if not seeds:
        raise ValueError("no seeds, so nothing would be explored; give some, such as range(200)")
    types = [ActorType(one) for one in (actor, *deployed_later)]
    for one in types:
        if one.exposed_as != types[0].exposed_as:
            names = f"'{one.exposed_as}', not '{types[0].exposed_as}'"
            raise ValueError(f"{one.actor_class.__name__} is exposed as {names}: it cannot be deployed later")
    if specification.plain is as_it_is and deployed_later:
        specification = replace(specification, plain=known_to(types[0]))
    subject = Subject(types, specification)
    total = Tally()
    for tally in explore_seeds(lambda: subject, seeds):
        total.add(tally)
        if total.failed:
            raise ExplorationError(explain_failure(subject, total.failed[0][0]))
    return total


def explain_failure(subject: Subject, seed: int) -> str:
    """The smallest failing schedule that the one of a seed leads to, step by step."""
    smallest = shrink(draw(seed, subject.specification), subject)
    shown: list[str] = [f"the schedule of seed {seed} fails (seeds=[{seed}] runs it again)"]
    replay(smallest.plan, subject, None, shown.append, small=True)
    return "\n".join(shown)


def known_to(actor_type: ActorType) -> Plain:
    """What a stored state is without members that this code does not know, however deep they are."""

    def plain(state: Json) -> Json:
        try:
            return to_json(actor_type.state_type, from_json(actor_type.state_type, state))
        except MalformedError:
            return state

    return plain


def ledger() -> Subject:
    """The actor that is explored when there is no other."""
    return Subject([ActorType(one) for one in (Ledger, SignedLedger, BoundLedger)], LEDGER)
