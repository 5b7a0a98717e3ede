"""What trebuche.yaml says of the actors' functions, held against what they are; the policy pack does not know it."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from infra.actors import ACTORS_FOLDER, find_actors
from infra.config import CONFIG_FILE, ActorSettings, load_config
from infra.naming import Names, actor_role
from policies.model import FUNCTION, Problem, Rule, Stack

ID: Final = "as-configured"
_PROPERTIES: Final = {"memorySize": "memory", "timeout": "timeout"}


def as_configured(wanted: Mapping[str, ActorSettings]) -> Rule:
    """The rule for a checkout.

    Args:
        wanted: Name of a function to what trebuche.yaml says of its actor.
    """

    def check(stack: Stack) -> Iterator[Problem]:
        for function in stack.all(FUNCTION):
            settings = wanted.get(function.text("name"))
            for prop, name in _PROPERTIES.items() if settings else ():
                value, said = function.number(prop), getattr(settings, name)
                if value is not None and value != said:
                    what = f"its {prop} is {value:g}, and trebuche.yaml says {said}"
                    yield Problem(function, what, "deploy again, and look for what changes it: a transform, or a hand")

    return Rule(
        id=ID,
        title="The actors' functions have the memory and the time that trebuche.yaml says",
        sources=("docs/configuration.md: actors",),
        check=check,
    )


def wanted_of(root: Path, stack: str) -> dict[str, ActorSettings]:
    """What a checkout's trebuche.yaml says of the actors' functions of a stack, by their names.

    Raises:
        ConfigError: It cannot be read, or an actor cannot.
    """
    config = load_config(root / CONFIG_FILE)
    names = Names(config.name, stack)
    return {names.function(actor_role(one.name)): config.actor(one.name) for one in find_actors(root / ACTORS_FOLDER)}
