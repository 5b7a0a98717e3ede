"""What there is only with the WebSocket enabled: the API, its tables and its queues."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from infra.auth_config import AuthConfig
from infra.authorizer import AuthSecret, AuthSecretArgs
from infra.catch_ups import CatchUpQueue, CatchUpQueueArgs
from infra.grants import Grant
from infra.plan import STREAM_PROCESSOR, Plan, PlannedActor
from infra.streams import FailureQueue, FailureQueueArgs
from infra.tables import AccessTable, ConnectionTable, SubscriptionTable, TableArgs
from infra.websocket_api import WebSocketApi, WebSocketApiArgs
from trebuche.contract import (
    ENV_ACCESS_RULES,
    ENV_CATCH_UP_QUEUES,
    ENV_CONNECTION_TABLE,
    ENV_SUBSCRIPTION_TABLE,
    ENV_WEBSOCKET_ENDPOINT,
    INTEGRATION_TIMEOUT_SECONDS,
)

Environment = Mapping[str, pulumi.Input[str]]
"""Variables of a function."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What there is only with ``auth``."""

    auth: AuthConfig
    table: AccessTable
    secret: AuthSecret | None
    """None when nothing would be in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Realtime:
    """The way to the clients and back."""

    api: WebSocketApi
    connections: ConnectionTable
    subscriptions: SubscriptionTable
    failures: FailureQueue
    catch_ups: Mapping[str, CatchUpQueue]
    """By role of the actor's function; of those that keep state, since nothing else can be observed."""
    exposed: Mapping[str, str]
    """The actor type's name on the wire, by role."""
    access: Access | None
    departures: CatchUpQueue | None
    """Messages about connections that may have to go; None where none has to by itself."""

    @property
    def addresses(self) -> Environment:
        """What every function is told of it."""
        return {
            ENV_CONNECTION_TABLE: self.connections.table_name,
            ENV_SUBSCRIPTION_TABLE: self.subscriptions.table_name,
            ENV_WEBSOCKET_ENDPOINT: self.api.management_endpoint,
        }

    @property
    def rules(self) -> Environment:
        """Who may do what; without them a function serves everybody."""
        return {ENV_ACCESS_RULES: self.access.auth.rules_json} if self.access else {}

    def queue_urls(self, *roles: str) -> Environment:
        """Which queue each of some types has, as functions read it."""
        urls = {self.exposed[role]: self.catch_ups[role].url for role in roles if role in self.catch_ups}
        return {ENV_CATCH_UP_QUEUES: pulumi.Output.all(**urls).apply(_sorted_json)} if urls else {}

    def grant_posting(self) -> list[Grant]:
        """Post to connections, and close those whose right to be there has ended."""
        return [self.api.grant_post(), *([self.api.grant_close()] if self.access else [])]

    @property
    def outputs(self) -> dict[str, pulumi.Input[object]]:
        """What a stack exports of it."""
        outputs: dict[str, pulumi.Input[object]] = {
            "wss_endpoint": self.api.wss_endpoint,
            "management_endpoint": self.api.management_endpoint,
            "connections_table": self.connections.table_name,
            "subscriptions_table": self.subscriptions.table_name,
        }
        if self.access:
            outputs["access_table"] = self.access.table.table_name
            if self.access.secret:
                outputs["auth_secret"] = self.access.secret.secret_name
        return outputs


def passing(plan: Plan, table_name: str) -> TableArgs:
    """A table whose content lives as long as its connections."""
    settings = plan.stack.trebuche
    return TableArgs(
        table_name=table_name,
        protect=plan.protect,
        capacity=settings.capacity,
        encryption_key_arn=settings.encryptionKeyArn,
    )


def make_realtime(name: str, plan: Plan, child: pulumi.ResourceOptions) -> Realtime:
    """Make it for an application of this name."""
    config, names = plan.config, plan.names
    failures = FailureQueueArgs(queue_name=names.queue(f"{STREAM_PROCESSOR}-failures"))
    subscriptions = passing(plan, names.own_table("subscriptions"))
    return Realtime(
        api=WebSocketApi(f"{name}-api", WebSocketApiArgs(api_name=names.api(), stage=plan.stage), child),
        connections=ConnectionTable(f"{name}-connections", passing(plan, names.table(config.connections_table)), child),
        subscriptions=SubscriptionTable(f"{name}-subscriptions", subscriptions, child),
        failures=FailureQueue(f"{name}-failures", failures, child),
        catch_ups={
            actor.role: _catch_ups(name, plan, actor, child) for actor in plan.actors if actor.settings.stateful
        },
        exposed={actor.role: actor.declared.exposed_as for actor in plan.actors},
        access=_access(name, plan, config.auth, child) if config.auth else None,
        departures=_departures(name, plan, child) if config.auth or config.delivery.idle_timeout else None,
    )


def _access(name: str, plan: Plan, auth: AuthConfig, child: pulumi.ResourceOptions) -> Access:
    secret = AuthSecretArgs(secret_name=plan.names.auth_secret())
    return Access(
        auth=auth,
        table=AccessTable(f"{name}-access", passing(plan, plan.names.own_table("access")), child),
        secret=AuthSecret(f"{name}-auth", secret, child) if auth.has_secret else None,
    )


def _catch_ups(name: str, plan: Plan, actor: PlannedActor, child: pulumi.ResourceOptions) -> CatchUpQueue:
    args = CatchUpQueueArgs(
        queue_name=plan.names.queue(f"catch-up-{actor.declared.exposed_as}"),
        function_timeout_seconds=actor.settings.timeout,
    )
    return CatchUpQueue(f"{name}-{actor.role}-catch-ups", args, child)


def _departures(name: str, plan: Plan, child: pulumi.ResourceOptions) -> CatchUpQueue:
    args = CatchUpQueueArgs(
        queue_name=plan.names.queue("departures"), function_timeout_seconds=INTEGRATION_TIMEOUT_SECONDS
    )
    return CatchUpQueue(f"{name}-departures", args, child)


def _sorted_json(urls: Mapping[str, str]) -> str:
    """In a fixed order, so that a preview of no change shows none."""
    return json.dumps(urls, sort_keys=True)
