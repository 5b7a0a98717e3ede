"""What trebuche.yaml says of the functions, held against what they are; the policy pack does not know it."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from infra.actors import ACTORS_FOLDER, find_actors
from infra.authorizer import TIMEOUT_SECONDS as AUTHORIZER_TIMEOUT_SECONDS
from infra.config import CONFIG_FILE, ActorSettings, AppConfig, load_config
from infra.functions import STREAM_TIMEOUT_SECONDS
from infra.naming import Names, actor_role
from infra.plan import AUTHORIZER, STREAM_PROCESSOR, WEBSOCKET, make_plan
from policies.model import FUNCTION, UNKNOWN, Problem, Rule, Stack
from trebuche.contract import ENV_RETENTION_HOURS, ENV_STATEFUL, ENV_WINDOW_MS, INTEGRATION_TIMEOUT_SECONDS

ID: Final = "as-configured"
Wanted = Mapping[str, Mapping[str, Any]]
"""Name of a function to what its properties and variables should be."""


def as_configured(wanted: Wanted) -> Rule:
    """The rule for a checkout."""

    def check(stack: Stack) -> Iterator[Problem]:
        for function in stack.all(FUNCTION):
            for name, said in wanted.get(function.text("name"), {}).items():
                is_property = name in function.props
                value = function.number(name) if is_property else function.get("environment", "variables", name)
                if value not in (None, UNKNOWN, said):
                    what = f"its {name} is {value:g}" if isinstance(value, float) else f"its {name} is {value}"
                    mend = "deploy again, and look for what changes it: a transform, or a hand"
                    yield Problem(function, f"{what}, and trebuche.yaml says {said}", mend)

    return Rule(
        id=ID,
        title="Functions have the memory, the time and the state that trebuche.yaml says",
        sources=("docs/configuration.md: actors, defaults",),
        check=check,
    )


def as_configured_now(root: Path, stack: str, settings: Mapping[str, object]) -> list[Rule]:
    """The rule for what runs: after a rollback that is another release, and another trebuche.yaml's.

    Raises:
        ConfigError: trebuche.yaml or the stack's settings cannot be read, or an actor cannot.
    """
    is_taken_back = make_plan(root, stack, settings).pin is not None
    return [] if is_taken_back else [as_configured(wanted_of(root, stack))]


def wanted_of(root: Path, stack: str) -> Wanted:
    """What a checkout's trebuche.yaml says of the functions of a stack, by their names.

    Raises:
        ConfigError: It cannot be read, or an actor cannot.
    """
    config = load_config(root / CONFIG_FILE)
    names = Names(config.name, stack)
    wanted = {
        names.function(actor_role(one.name)): _of_actor(config, config.actor(one.name))
        for one in find_actors(root / ACTORS_FOLDER)
    }
    return wanted | {names.function(role): size for role, size in _own_sizes(config).items()}


def _of_actor(config: AppConfig, settings: ActorSettings) -> dict[str, Any]:
    return {
        "memorySize": settings.memory,
        "timeout": settings.timeout,
        ENV_STATEFUL: str(settings.stateful).lower(),
        ENV_WINDOW_MS: str(settings.window_ms),
        ENV_RETENTION_HOURS: str(config.retention.hours),
    }


def _own_sizes(config: AppConfig) -> dict[str, dict[str, int]]:
    """Memory and time of the functions that trebuche.yaml does not name, by role."""
    seconds = {
        WEBSOCKET: INTEGRATION_TIMEOUT_SECONDS,
        STREAM_PROCESSOR: STREAM_TIMEOUT_SECONDS,
        AUTHORIZER: AUTHORIZER_TIMEOUT_SECONDS,
    }
    return {role: {"memorySize": config.defaults.memory, "timeout": time} for role, time in seconds.items()}
