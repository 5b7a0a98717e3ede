"""trebuche.yaml as typed, frozen models. No Pulumi in here: the command line reads the same models."""

import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from infra.auth_config import OptionalAuth, as_tuple
from infra.limits_config import LimitsConfig
from infra.mistakes import describe, dotted, mistake, rule
from infra.naming import STAGE_LIMIT, TABLE_LIMIT, kebab
from infra.yaml_source import KeyPath, YamlSource, read_yaml
from trebuche.contract import DEFAULT_RETENTION_HOURS, INTEGRATION_TIMEOUT_SECONDS, RETENTION_HOURS_LIMIT
from trebuche.errors import ConfigError

CONFIG_FILE = "trebuche.yaml"
ROUTES = ("$connect", "$disconnect", "$default")

_NAME_LIMIT = 40
"""Leaves room for the longest role and a short stack name in a function's 64 characters."""
SHORTEST_WINDOW_MS = 50
LONGEST_WINDOW_MS = 1_000
"""For so long other actors of the same shard may wait."""
DEFAULT_WINDOW = "250ms"
_REGION = r"^[a-z]{2}(-[a-z]+)+-[0-9]$"


def _all_routes(routes: tuple[str, ...]) -> tuple[str, ...]:
    missing = [route for route in ROUTES if route not in routes]
    if missing:
        raise mistake(f"{', '.join(missing)} missing; it must list {', '.join(ROUTES)}")
    if len(routes) > len(ROUTES):
        raise mistake(f"a route is there twice; it must list {', '.join(ROUTES)} once each")
    return routes


def _window(text: str) -> str:
    if not re.fullmatch(r"[0-9]{1,4}ms", text) or not SHORTEST_WINDOW_MS <= int(text[:-2]) <= LONGEST_WINDOW_MS:
        raise ValueError(text)
    return text


AppName = Annotated[
    str,
    Field(pattern=rf"^[A-Za-z][A-Za-z0-9_-]{{0,{_NAME_LIMIT - 1}}}$"),
    rule(f"1 to {_NAME_LIMIT} letters, digits, hyphens and underscores, a letter first"),
]
ActorName = Annotated[
    str,
    Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=_NAME_LIMIT),
    rule(f"the name of a Python class: up to {_NAME_LIMIT} letters, digits and underscores, a letter first"),
]
TableName = Annotated[
    str,
    Field(pattern=rf"^[A-Za-z0-9_.-]{{3,{TABLE_LIMIT}}}$"),
    rule(f"3 to {TABLE_LIMIT} letters, digits, hyphens, underscores and dots"),
]
NamespaceName = Annotated[
    str,
    Field(pattern=r"^[A-Za-z0-9_.-]{1,255}$"),
    rule("1 to 255 letters, digits, hyphens, underscores and dots"),
]
StageName = Annotated[
    str,
    Field(pattern=rf"^[A-Za-z0-9_-]{{1,{STAGE_LIMIT}}}$"),
    rule(f"1 to {STAGE_LIMIT} letters, digits, hyphens and underscores ($default is for HTTP APIs)"),
]
MemoryMB = Annotated[int, Field(ge=128, le=10240), rule("a whole number of MB from 128 to 10240")]
TimeoutSeconds = Annotated[int, Field(ge=1, le=900), rule("a whole number of seconds from 1 to 900")]
RetentionHours = Annotated[
    int,
    Field(ge=1, le=RETENTION_HOURS_LIMIT),
    rule(f"a whole number of hours from 1 to {RETENTION_HOURS_LIMIT}"),
]
IdleSeconds = Annotated[
    int,
    Field(ge=10, le=600),
    rule("a whole number of seconds from 10 to 600 (API Gateway closes a silent connection after 600)"),
]
Delivery = Annotated[Literal["every", "latest"], rule("every or latest", ["every", "latest"])]
Window = Annotated[
    str,
    AfterValidator(_window),
    rule(f"milliseconds from {SHORTEST_WINDOW_MS}ms to {LONGEST_WINDOW_MS}ms, such as 250ms"),
]
Flag = Annotated[bool, rule("true or false")]
Region = Annotated[str, Field(pattern=_REGION), rule("the name of an AWS region, such as us-east-1")]
Version = Annotated[Literal["1"], rule('"1", in quotes')]
Provider = Annotated[Literal["aws"], rule('"aws"', ["aws"])]
StoreType = Annotated[Literal["dynamodb"], rule('"dynamodb"', ["dynamodb"])]
RegistryType = Annotated[Literal["cloudmap"], rule('"cloudmap"', ["cloudmap"])]
Route = Annotated[Literal["$connect", "$disconnect", "$default"], rule(f"one of {', '.join(ROUTES)}", ROUTES)]
Routes = Annotated[tuple[Route, ...], BeforeValidator(as_tuple), AfterValidator(_all_routes)]


class _Section(BaseModel):
    # Strict, so that a text is no number and a number no text: `version: 1` is another thing than "1".
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Defaults(_Section):
    """What holds for every function unless its actor says otherwise."""

    provider: Provider = "aws"
    region: Region = "us-east-1"
    memory: MemoryMB = 512
    timeout: TimeoutSeconds = 30


class ActorConfig(_Section):
    """Settings of one actor type."""

    memory: MemoryMB | None = None
    timeout: TimeoutSeconds | None = None
    stateful: Flag = False
    delivery: Delivery = "every"
    window: Window | None = None

    @field_validator("window")
    @classmethod
    def _goes_with_latest(cls, window: str | None, info: ValidationInfo) -> str | None:
        if window is not None and info.data.get("delivery", "latest") != "latest":
            raise mistake("a window goes with delivery: latest; with delivery: every, each value is delivered")
        return window

    @property
    def window_ms(self) -> int:
        """Milliseconds per value; 0 when every one is delivered."""
        return int((self.window or DEFAULT_WINDOW).removesuffix("ms")) if self.delivery == "latest" else 0


class WebSocketConfig(_Section):
    """The WebSocket API."""

    enabled: Flag = True
    stage: StageName = "production"
    routes: Routes = ("$connect", "$disconnect", "$default")


class TableConfig(_Section):
    """A table that trebuche.yaml may name."""

    type: StoreType = "dynamodb"
    table: TableName | None = None


class DiscoveryConfig(_Section):
    """Where functions find the actors' functions."""

    type: RegistryType = "cloudmap"
    namespace: NamespaceName | None = None


class RetentionConfig(_Section):
    """How long the journal, call records and detached subscriptions are kept."""

    hours: RetentionHours = DEFAULT_RETENTION_HOURS


class DeliveryConfig(_Section):
    """How long connections are served."""

    idle_timeout: IdleSeconds | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActorSettings:
    """An actor type's settings with the defaults filled in."""

    memory: int
    """MB."""
    timeout: int
    """Seconds."""
    stateful: bool
    window_ms: int
    """Of ``delivery: latest``; 0 for every value."""


class AppConfig(_Section):
    """The whole file."""

    name: AppName = Field(examples=["name: my-streaming-app"])
    version: Version = Field(examples=['version: "1"'])
    defaults: Defaults = Defaults()
    actors: dict[ActorName, ActorConfig | None] = Field(examples=["actors: {TodoList: {stateful: true}}"])
    websocket: WebSocketConfig = WebSocketConfig()
    state: TableConfig = TableConfig()
    connections: TableConfig = TableConfig()
    discovery: DiscoveryConfig = DiscoveryConfig()
    retention: RetentionConfig = RetentionConfig()
    auth: OptionalAuth = None
    delivery: DeliveryConfig = DeliveryConfig()
    limits: LimitsConfig = LimitsConfig()

    _source: YamlSource = PrivateAttr(default_factory=lambda: YamlSource(CONFIG_FILE, None, {}))

    def from_source(self, source: YamlSource) -> Self:
        """The same configuration, knowing the lines it was read from."""
        self._source = source
        return self

    def where(self, *path: str) -> str:
        """``trebuche.yaml:13`` of a key, for messages."""
        return self._source.where(path)

    @property
    def state_table(self) -> str:
        """Name without the stack's suffix."""
        return self.state.table or f"{self.name}-actor-state"

    @property
    def connections_table(self) -> str:
        """Name without the stack's suffix."""
        return self.connections.table or f"{self.name}-connections"

    @property
    def namespace(self) -> str:
        """Of Cloud Map, without the stack's suffix."""
        return self.discovery.namespace or self.name

    def actor(self, name: str) -> ActorSettings:
        """Settings of one actor type."""
        own = self.actors[name] or ActorConfig()
        return ActorSettings(
            memory=own.memory or self.defaults.memory,
            timeout=own.timeout or self.defaults.timeout,
            stateful=own.stateful,
            window_ms=own.window_ms,
        )

    @property
    def warnings(self) -> tuple[str, ...]:
        """What deploys, but not as one may expect."""
        if not self.websocket.enabled:
            return ()
        given: list[tuple[KeyPath, int | None]] = [(("defaults", "timeout"), self.defaults.timeout)]
        given += [(("actors", name, "timeout"), own.timeout) for name, own in self.actors.items() if own]
        return tuple(
            f"{self._source.where(path)}: {dotted(path)}: {seconds} s is more than the {INTEGRATION_TIMEOUT_SECONDS} s "
            "that API Gateway waits; a longer call fails at the client while its function runs on"
            for path, seconds in given
            if seconds and seconds > INTEGRATION_TIMEOUT_SECONDS
        )


def load_config(path: Path) -> AppConfig:
    """Read and check trebuche.yaml.

    Raises:
        ConfigError: One line per mistake, each with file and line, key, what was given and what is allowed.
    """
    source = read_yaml(path)
    if not isinstance(source.values, dict):
        raise ConfigError(f"{source.name}: it must be a mapping with the keys {', '.join(AppConfig.model_fields)}")
    try:
        config = AppConfig.model_validate(source.values).from_source(source)
    except ValidationError as error:
        raise ConfigError("\n".join(describe(error, source, AppConfig))) from None
    mistakes = [*_same_function(config), *_same_table(config)]
    if mistakes:
        raise ConfigError("\n".join(mistakes))
    return config


def _same_function(config: AppConfig) -> list[str]:
    by_role: defaultdict[str, list[str]] = defaultdict(list)
    for name in config.actors:
        by_role[kebab(name)].append(name)
    return [
        f"{config.where('actors', names[1])}: actors.{names[1]}: its function would have the name of {names[0]}'s "
        f"(…-actor-{role}); rename one of them"
        for role, names in by_role.items()
        if len(names) > 1
    ]


def _same_table(config: AppConfig) -> list[str]:
    taken = {
        f"{config.name}-journal": "the journal's table",
        f"{config.name}-subscriptions": "the subscriptions' table",
    }
    mistakes = []
    for section, table in (("state", config.state_table), ("connections", config.connections_table)):
        if table in taken:
            place = config.where(section, "table")
            mistakes.append(f"{place}: {section}.table: {table} is already the name of {taken[table]}")
        taken[table] = f"{section}.table"
    return mistakes
