"""Everything that is known before the first resource: read, checked and built. No Pulumi in here."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from infra.actors import ACTORS_FOLDER, ActorClass, find_actors, match
from infra.archives import Archive, actor_files, authorizer_files, release_of, store, stream_files, websocket_files
from infra.config import CONFIG_FILE, ActorSettings, AppConfig, load_config
from infra.naming import PRODUCTION, Names, actor_role
from infra.releases import SHORT, Pin
from infra.stack_settings import StackConfig, applies, check_regions, check_roles, check_stack_name, load_settings
from trebuche.errors import ConfigError

WEBSOCKET = "websocket"
STREAM_PROCESSOR = "stream-processor"
AUTHORIZER = "authorizer"
OPEN_TO_ALL = "Production asks nobody for credentials"
"""Begins the warning of that, by which the doctor knows it."""
_SOURCE_FOLDER = "lambda_src"

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedActor:
    """An actor type and its function."""

    role: str
    """``actor-todo-list``."""
    declared: ActorClass
    settings: ActorSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a stack deploys."""

    config: AppConfig
    stack: StackConfig
    names: Names
    stage: str
    actors: tuple[PlannedActor, ...]
    archives: Mapping[str, Archive]
    """By role of the function."""
    release: str

    @property
    def pin(self) -> Pin | None:
        """The rollback that is in force: the one of this very release."""
        back = self.stack.trebuche.rollback
        if back is None or back.takenBack != self.release:
            return None
        return Pin(taken_back=back.takenBack, release=back.release, versions=back.versions)

    @property
    def running_release(self) -> str:
        """What runs once this is deployed."""
        return self.pin.release if self.pin else self.release

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is deployed all the same."""
        return (*self.config.warnings, *self._open_to_all(), *self._stale_rollback())

    def _open_to_all(self) -> Iterator[str]:
        """Production without credentials, unless its stack file says that this is meant."""
        asked = self.config.auth or not self.config.websocket.enabled
        if self.names.stack == PRODUCTION and not asked and not self.stack.trebuche.allowAnonymous:
            yield (
                f"{OPEN_TO_ALL}: whoever knows the address may call and watch every actor. Add auth to {CONFIG_FILE}, "
                f"or say that it is meant: pulumi config set trebuche:allowAnonymous true --stack {self.names.stack}"
            )

    def _stale_rollback(self) -> Iterator[str]:
        back = self.stack.trebuche.rollback
        if back is not None and not self.pin:
            yield (
                f"Pulumi.{self.names.stack}.yaml: trebuche:rollback took back release {back.takenBack[:SHORT]}; this "
                f"is another one, so all functions run it. Remove the key: pulumi config rm trebuche:rollback "
                f"--stack {self.names.stack}"
            )

    @property
    def protect(self) -> bool:
        """Whether the tables refuse to be deleted."""
        return applies(self.stack.trebuche.protect, self.names.stack)

    @property
    def point_in_time_recovery(self) -> bool:
        """Whether state and journal can be restored to any second."""
        return applies(self.stack.trebuche.pointInTimeRecovery, self.names.stack)

    @property
    def region(self) -> str:
        """The stack's own region, else the one of trebuche.yaml."""
        return self.stack.aws.region or self.config.defaults.region


def make_plan(root: Path, stack: str, stack_config: Mapping[str, object]) -> Plan:
    """Read what is to be deployed, and build its archives below ``.trebuche/``.

    Args:
        root: The project's folder.
        stack: Name of the stack.
        stack_config: The stack's whole configuration, ``namespace:key`` to value.

    Raises:
        ConfigError: Anything that cannot be deployed; nothing has been created then.
    """
    check_stack_name(stack)
    # All three are read before any is refused, so that their mistakes are told together.
    mistakes: list[str] = []
    settings = _attempt(lambda: load_settings(stack, stack_config), mistakes)
    config = _attempt(lambda: load_config(root / CONFIG_FILE), mistakes)
    classes = _attempt(lambda: find_actors(root / ACTORS_FOLDER), mistakes)
    if settings is None or config is None or classes is None:
        raise ConfigError("\n".join(mistakes))
    match(config, classes)
    check_roles(stack, settings.trebuche, _roles(config, classes))
    check_regions(stack, settings.trebuche, settings.aws.region or config.defaults.region)
    names = Names(config.name, stack)
    archives = _archives(root, config, classes)
    return Plan(
        config=config,
        stack=settings,
        names=names,
        # The stage of trebuche.yaml is production's; any other stack is a stage of its own name.
        stage=config.websocket.stage if stack == PRODUCTION else stack,
        actors=_planned(config, classes),
        archives=archives,
        release=release_of(root, archives.values()),
    )


def plan_actors(root: Path) -> tuple[PlannedActor, ...]:
    """The actors alone, as the sources have them now; nothing is built.

    Raises:
        ConfigError: trebuche.yaml or an actor's source cannot be deployed.
    """
    config, classes = load_config(root / CONFIG_FILE), find_actors(root / ACTORS_FOLDER)
    match(config, classes)
    return _planned(config, classes)


def _planned(config: AppConfig, classes: tuple[ActorClass, ...]) -> tuple[PlannedActor, ...]:
    return tuple(
        PlannedActor(role=actor_role(one.name), declared=one, settings=config.actor(one.name)) for one in classes
    )


def _attempt(step: Callable[[], T], mistakes: list[str]) -> T | None:
    try:
        return step()
    except ConfigError as error:
        mistakes.append(str(error))
        return None


def _roles(config: AppConfig, classes: tuple[ActorClass, ...]) -> set[str]:
    """The functions that there will be."""
    own = {actor_role(one.name) for one in classes}
    if not config.websocket.enabled:
        return own
    return own | {WEBSOCKET, STREAM_PROCESSOR} | ({AUTHORIZER} if config.auth else set())


def _archives(root: Path, config: AppConfig, classes: tuple[ActorClass, ...]) -> dict[str, Archive]:
    source = root / _SOURCE_FOLDER
    files = {actor_role(one.name): actor_files(source, one, classes) for one in classes}
    if config.websocket.enabled:
        files |= {WEBSOCKET: websocket_files(source), STREAM_PROCESSOR: stream_files(source)}
    if config.websocket.enabled and config.auth:
        files[AUTHORIZER] = authorizer_files(source)
    return {role: store(root, role, content) for role, content in files.items()}
