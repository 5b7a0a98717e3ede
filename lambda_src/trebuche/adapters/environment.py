"""The ports of a deployed function, as its environment variables name them."""

import importlib
import json
import os
import random
from typing import TYPE_CHECKING, Any

from trebuche.adapters import clients
from trebuche.adapters.api_gateway import APIGatewayConnectionSender
from trebuche.adapters.cloud_map import CloudMapRegistry
from trebuche.adapters.dynamodb_access import DynamoDBAccessBook
from trebuche.adapters.dynamodb_connections import DynamoDBConnectionStorage
from trebuche.adapters.dynamodb_states import DynamoDBStateStore
from trebuche.adapters.dynamodb_subscriptions import DynamoDBSubscriptionStorage
from trebuche.adapters.lambda_invoke import LambdaFunctionInvoker
from trebuche.adapters.sqs_catch_ups import SQSCatchUpQueue
from trebuche.adapters.sqs_departures import SQSDepartureQueue
from trebuche.adapters.system import StandardOutput, SystemClock, SystemEntropy, when_restored
from trebuche.auth.access import Access
from trebuche.auth.limits import Limits, read_limits
from trebuche.auth.remembered import Patience
from trebuche.auth.rules import read_rules
from trebuche.contract import (
    DEFAULT_RETENTION_HOURS,
    ENV_ACCESS_RULES,
    ENV_ACCESS_TABLE,
    ENV_ACTOR,
    ENV_AUTH,
    ENV_AUTH_SECRET,
    ENV_CATCH_UP_QUEUES,
    ENV_CONNECTION_TABLE,
    ENV_DEPARTURE_QUEUE,
    ENV_IDLE_SECONDS,
    ENV_JOURNAL_TABLE,
    ENV_LIMITS,
    ENV_NAMESPACE,
    ENV_RETENTION_HOURS,
    ENV_STAGE,
    ENV_STATE_TABLE,
    ENV_STATEFUL,
    ENV_SUBSCRIPTION_TABLE,
    ENV_WEBSOCKET_ENDPOINT,
    ENV_WINDOW_MS,
)
from trebuche.errors import ConfigError
from trebuche.metrics import Source
from trebuche.ports import FrameLimiter, NobodyLimited, NothingRevoked, Ports, Revocations

if TYPE_CHECKING:
    from trebuche.actors import Actor
    from trebuche.auth.authorizer import Authorizer


_KEY_SET = Patience(fresh_ms=600_000, pause_ms=10_000, stale_ms=3_600_000)
"""An issuer's keys: a withdrawn one counts for ten minutes, for an hour more while its issuer is away."""
_SNAP_START = "snap-start"
_MADE_READY = frozenset({"provisioned-concurrency", _SNAP_START})
"""Ways of starting in which nobody waits for the initialisation (Lambda developer guide, runtime variables)."""


def ports() -> Ports:
    """The ports of this function.

    A name that the function is not given stays empty and fails where it is used: not every function uses every table.
    """
    way = _name("AWS_LAMBDA_INITIALIZATION_TYPE")
    if way in _MADE_READY:
        clients.warm(_name(ENV_WEBSOCKET_ENDPOINT))
    if way == _SNAP_START:
        when_restored(random.seed, clients.reconnect)
    return Ports(
        states=DynamoDBStateStore(clients.dynamodb, _name(ENV_STATE_TABLE), _name(ENV_JOURNAL_TABLE)),
        subscriptions=DynamoDBSubscriptionStorage(clients.dynamodb, _name(ENV_SUBSCRIPTION_TABLE)),
        connections=DynamoDBConnectionStorage(clients.dynamodb, _name(ENV_CONNECTION_TABLE)),
        sender=APIGatewayConnectionSender(clients.management, _name(ENV_WEBSOCKET_ENDPOINT)),
        catch_ups=SQSCatchUpQueue(clients.queues, json.loads(_name(ENV_CATCH_UP_QUEUES) or "{}")),
        functions=LambdaFunctionInvoker(clients.functions),
        registry=CloudMapRegistry(clients.discovery, _name(ENV_NAMESPACE), SystemClock()),
        clock=SystemClock(),
        entropy=SystemEntropy(),
        logs=StandardOutput(),
        retention_seconds=int(_name(ENV_RETENTION_HOURS) or DEFAULT_RETENTION_HOURS) * 3600,
        source=_source(),
        access=_access(),
        limits=(limits := read_limits(_name(ENV_LIMITS))),
        limiter=_limiter(limits),
        departures=SQSDepartureQueue(clients.queues, _name(ENV_DEPARTURE_QUEUE)),
        idle_seconds=int(_name(ENV_IDLE_SECONDS) or 0),
        revocations=_revocations(),
    )


def authorizer() -> "Authorizer":
    """The authorizer of this stack."""
    from trebuche.adapters.key_sets import fetch_key_set
    from trebuche.adapters.secrets_manager import fetch_secret
    from trebuche.auth.authorizer import Authorizer
    from trebuche.auth.identify import Identification
    from trebuche.auth.remembered import SECRET_PATIENCE, Remembered
    from trebuche.auth.settings import read_settings

    clock, settings = SystemClock(), read_settings(_name(ENV_AUTH))
    url = settings.jwt.key_set_url if settings.jwt else ""
    identification = Identification(
        settings,
        Remembered(lambda: fetch_key_set(url), clock, _KEY_SET),
        Remembered(lambda: fetch_secret(clients.secrets, _name(ENV_AUTH_SECRET)), clock, SECRET_PATIENCE),
    )
    book = DynamoDBAccessBook(clients.dynamodb, _name(ENV_ACCESS_TABLE), clock)
    return Authorizer(settings, identification, book, clock, StandardOutput())


def actor_class() -> "type[Actor[Any]]":
    """The class that this function runs.

    Raises:
        ConfigError: The variable is missing or names no actor class.
    """
    from trebuche.actors import Actor

    reference = _name(ENV_ACTOR)
    module, colon, name = reference.partition(":")
    if not colon:
        raise ConfigError(f"{ENV_ACTOR} should name a class like actors.todo_list:TodoList, got {reference!r}")
    found = getattr(importlib.import_module(module), name, None)
    if not isinstance(found, type) or not issubclass(found, Actor):
        raise ConfigError(f"{ENV_ACTOR} is {reference}, which is no actor class")
    return found


def stateful() -> bool:
    """Whether the actors of this function keep state between calls."""
    return _name(ENV_STATEFUL) != "false"


def window_ms() -> int:
    """Milliseconds per value for subscribers of this function's actors; 0 when they get every one."""
    return int(_name(ENV_WINDOW_MS) or 0)


def _access() -> Access:
    """Of a function that is told rules: an empty list of them, too, asks for an authorizer's word."""
    rules = _name(ENV_ACCESS_RULES)
    return Access(required=True, rules=read_rules(rules)) if rules else Access()


def _limiter(limits: Limits) -> FrameLimiter:
    """Without limits on frames nothing is counted, and nothing imported that counts."""
    if not limits.count_frames:
        return NobodyLimited()
    from trebuche.adapters.dynamodb_counters import DynamoDBCounters
    from trebuche.auth.limiter import Limiter

    return Limiter(limits, DynamoDBCounters(clients.dynamodb, _name(ENV_CONNECTION_TABLE)))


def _revocations() -> Revocations:
    """Of a stack without our authorizer none are written down; an authorizer of the user's own may name principals."""
    table = _name(ENV_ACCESS_TABLE)
    return DynamoDBAccessBook(clients.dynamodb, table, SystemClock()) if table else NothingRevoked()


def _source() -> Source | None:
    stage, function = _name(ENV_STAGE), _name("AWS_LAMBDA_FUNCTION_NAME")
    return Source(stage, function) if stage and function else None


def _name(variable: str) -> str:
    return os.environ.get(variable, "")
