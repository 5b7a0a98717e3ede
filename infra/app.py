"""The application: the only module that knows all the others."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from infra.function import LambdaFunction, LambdaFunctionArgs, grant_invoke
from infra.grants import Grant
from infra.plan import STREAM_PROCESSOR, WEBSOCKET, Plan, PlannedActor
from infra.streams import FailureQueue, FailureQueueArgs, StreamSubscription, StreamSubscriptionArgs
from infra.tables import ConnectionTable, JournalTable, StateTable, SubscriptionTable, TableArgs
from infra.websocket_api import WebSocketApi, WebSocketApiArgs, WebSocketStage, WebSocketStageArgs
from trebuche.contract import (
    ACTOR_HANDLER,
    ENV_ACTOR,
    ENV_ACTORS,
    ENV_CONNECTION_TABLE,
    ENV_JOURNAL_TABLE,
    ENV_NAMESPACE,
    ENV_STATE_TABLE,
    ENV_STATEFUL,
    ENV_SUBSCRIPTION_TABLE,
    ENV_WEBSOCKET_ENDPOINT,
    INTEGRATION_TIMEOUT_SECONDS,
    STREAM_HANDLER,
    WEBSOCKET_HANDLER,
)

STREAM_TIMEOUT_SECONDS = 60
"""Time of one invocation of the stream processor to push a batch."""

Environment = Mapping[str, pulumi.Input[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamingAppArgs:
    """A checked plan."""

    plan: Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class _Realtime:
    """What there is only with the WebSocket enabled."""

    api: WebSocketApi
    connections: ConnectionTable
    subscriptions: SubscriptionTable


class StreamingApp(pulumi.ComponentResource):
    """Actors with their state, and the WebSocket API through which clients call and watch them."""

    outputs: Mapping[str, pulumi.Input[object]]
    """What a stack exports."""

    def __init__(self, name: str, args: StreamingAppArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("trebuche:aws:StreamingApp", name, {}, opts)
        self._name = name
        self._plan = args.plan
        self._child = pulumi.ResourceOptions(parent=self)
        self._state = StateTable(
            f"{name}-state", self._kept(self._plan.names.table(self._plan.config.state_table)), self._child
        )
        self._journal = JournalTable(f"{name}-journal", self._kept(self._plan.names.own_table("journal")), self._child)
        realtime = self._realtime() if self._plan.config.websocket.enabled else None
        actors = {actor.role: self._actor(actor, realtime) for actor in self._plan.actors}
        functions = actors | (self._socket(realtime, actors) if realtime else {})
        self.outputs = self._outputs(functions, realtime)
        self.register_outputs(dict(self.outputs))

    def _kept(self, table_name: str) -> TableArgs:
        """A table whose content is the users'."""
        plan = self._plan
        return TableArgs(
            table_name=table_name, protect=plan.protect, point_in_time_recovery=plan.point_in_time_recovery
        )

    def _passing(self, table_name: str) -> TableArgs:
        """A table whose content lives as long as its connections."""
        return TableArgs(table_name=table_name, protect=self._plan.protect)

    def _realtime(self) -> _Realtime:
        plan, name, child = self._plan, self._name, self._child
        connections = self._passing(plan.names.table(plan.config.connections_table))
        subscriptions = self._passing(plan.names.own_table("subscriptions"))
        return _Realtime(
            api=WebSocketApi(f"{name}-api", WebSocketApiArgs(api_name=plan.names.api(), stage=plan.stage), child),
            connections=ConnectionTable(f"{name}-connections", connections, child),
            subscriptions=SubscriptionTable(f"{name}-subscriptions", subscriptions, child),
        )

    def _socket(self, realtime: _Realtime, actors: Mapping[str, LambdaFunction]) -> dict[str, LambdaFunction]:
        """The functions that serve connections, and what leads to them."""
        websocket = self._websocket(realtime, actors)
        settings = self._plan.stack.trebuche
        WebSocketStage(
            f"{self._name}-stage",
            WebSocketStageArgs(
                api=realtime.api,
                routes=dict.fromkeys(self._plan.config.websocket.routes, websocket),
                messages_per_second=settings.messagesPerSecond,
                message_burst=settings.messageBurst,
            ),
            self._child,
        )
        return {WEBSOCKET: websocket, STREAM_PROCESSOR: self._stream_processor(realtime)}

    def _actor(self, actor: PlannedActor, realtime: _Realtime | None) -> LambdaFunction:
        own = {ENV_ACTOR: actor.declared.reference, ENV_STATEFUL: str(actor.settings.stateful).lower()}
        grants = [self._state.grant_turn(), self._journal.grant_append()]
        if realtime:
            grants += [
                realtime.connections.grant_note(),
                realtime.subscriptions.grant_subscribe(),
                realtime.api.grant_post(),
            ]
        return self._function(
            actor.role,
            ACTOR_HANDLER,
            (actor.settings.memory, actor.settings.timeout),
            {**self._addresses(realtime), ENV_JOURNAL_TABLE: self._journal.table_name, **own},
            grants,
        )

    def _websocket(self, realtime: _Realtime, actors: Mapping[str, LambdaFunction]) -> LambdaFunction:
        exposed = {actor.declared.exposed_as: actors[actor.role].alias_arn for actor in self._plan.actors}
        grants = [realtime.connections.grant_lifecycle(), realtime.subscriptions.grant_detach()]
        if actors:
            grants.append(grant_invoke(actors.values()))
        return self._function(
            WEBSOCKET,
            WEBSOCKET_HANDLER,
            (self._plan.config.defaults.memory, INTEGRATION_TIMEOUT_SECONDS),
            {**self._addresses(realtime), ENV_ACTORS: pulumi.Output.json_dumps(exposed)},
            grants,
        )

    def _stream_processor(self, realtime: _Realtime) -> LambdaFunction:
        queue_name = self._plan.names.queue(f"{STREAM_PROCESSOR}-failures")
        failures = FailureQueue(f"{self._name}-failures", FailureQueueArgs(queue_name=queue_name), self._child)
        function = self._function(
            STREAM_PROCESSOR,
            STREAM_HANDLER,
            (self._plan.config.defaults.memory, STREAM_TIMEOUT_SECONDS),
            {**self._addresses(realtime), ENV_JOURNAL_TABLE: self._journal.table_name},
            [
                self._state.grant_stream(),
                realtime.connections.grant_forget(),
                realtime.subscriptions.grant_fan_out(),
                realtime.api.grant_post(),
                failures.grant_send(),
            ],
        )
        subscription = StreamSubscriptionArgs(stream_arn=self._state.stream_arn, function=function, failures=failures)
        StreamSubscription(f"{self._name}-stream", subscription, self._child)
        return function

    def _addresses(self, realtime: _Realtime | None) -> Environment:
        """What every function is told."""
        common: Environment = {ENV_STATE_TABLE: self._state.table_name, ENV_NAMESPACE: self._plan.names.base}
        if not realtime:
            return common
        return {
            **common,
            ENV_CONNECTION_TABLE: realtime.connections.table_name,
            ENV_SUBSCRIPTION_TABLE: realtime.subscriptions.table_name,
            ENV_WEBSOCKET_ENDPOINT: realtime.api.management_endpoint,
        }

    def _function(
        self,
        role: str,
        handler: str,
        size: tuple[int, int],
        environment: Environment,
        grants: list[Grant],
    ) -> LambdaFunction:
        """One of the application's functions; ``size`` is memory in MB and time in seconds."""
        memory_mb, timeout_seconds = size
        return LambdaFunction(
            f"{self._name}-{role}",
            LambdaFunctionArgs(
                function_name=self._plan.names.function(role),
                handler=handler,
                archive=self._plan.archives[role],
                memory_mb=memory_mb,
                timeout_seconds=timeout_seconds,
                log_retention_days=self._plan.stack.trebuche.logRetentionDays,
                environment=environment,
                grants=grants,
            ),
            self._child,
        )

    def _outputs(
        self, functions: Mapping[str, LambdaFunction], realtime: _Realtime | None
    ) -> dict[str, pulumi.Input[object]]:
        outputs: dict[str, pulumi.Input[object]] = {
            "state_table": self._state.table_name,
            "journal_table": self._journal.table_name,
            "functions": {role: function.alias_arn for role, function in functions.items()},
            "stream_enabled": self._state.stream_enabled,
            "release": self._plan.release,
        }
        if realtime:
            outputs |= {
                "wss_endpoint": realtime.api.wss_endpoint,
                "management_endpoint": realtime.api.management_endpoint,
                "connections_table": realtime.connections.table_name,
                "subscriptions_table": realtime.subscriptions.table_name,
            }
        return outputs
