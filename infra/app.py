"""The application: the only module that knows all the others."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pulumi

from infra.access_logs import AccessLogs, AccessLogsArgs, AccountLogRole, AccountLogRoleArgs
from infra.alarms import Alarms, AlarmsArgs
from infra.auth_config import AuthConfig
from infra.authorizer import TIMEOUT_SECONDS as AUTHORIZER_TIMEOUT_SECONDS
from infra.authorizer import AuthSecret, AuthSecretArgs, ConnectAuthorizer, ConnectAuthorizerArgs
from infra.catch_ups import CatchUpQueue, CatchUpQueueArgs, CatchUpWorker, CatchUpWorkerArgs, grant_remind
from infra.dashboard import Dashboard, DashboardArgs
from infra.discovery import ActorDirectory, ActorDirectoryArgs
from infra.domain import CustomDomain, CustomDomainArgs
from infra.function import LambdaFunction, LambdaFunctionArgs, Operation, grant_invoke
from infra.grants import Grant
from infra.plan import AUTHORIZER, STREAM_PROCESSOR, WEBSOCKET, Plan, PlannedActor
from infra.promotion import Standing
from infra.releases import Release, with_interface, with_release
from infra.streams import FailureQueue, FailureQueueArgs, Pace, StreamSubscription, StreamSubscriptionArgs
from infra.tables import AccessTable, ConnectionTable, JournalTable, StateTable, SubscriptionTable, TableArgs, grant_key
from infra.watched import Watched, WatchedDelivery
from infra.websocket_api import WebSocketApi, WebSocketApiArgs, WebSocketStage, WebSocketStageArgs
from trebuche.contract import (
    ACTOR_HANDLER,
    AUTHORIZER_HANDLER,
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
    INTEGRATION_TIMEOUT_SECONDS,
    STREAM_HANDLER,
    WEBSOCKET_HANDLER,
)

STREAM_TIMEOUT_SECONDS = 60
"""Time of one invocation of the stream processor to push a batch."""

Environment = Mapping[str, pulumi.Input[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamingAppArgs:
    """A checked plan, and what its stack had before."""

    plan: Plan
    standing: Standing = field(default_factory=lambda: Standing(pulumi.Output.from_input({})))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Access:
    """What there is only with ``auth``."""

    auth: AuthConfig
    table: AccessTable
    secret: AuthSecret | None
    """None when nothing would be in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Realtime:
    """What there is only with the WebSocket enabled."""

    api: WebSocketApi
    connections: ConnectionTable
    subscriptions: SubscriptionTable
    failures: FailureQueue
    catch_ups: Mapping[str, CatchUpQueue]
    """By role of the actor's function; of those that keep state, since nothing else can be observed."""
    access: _Access | None
    departures: CatchUpQueue | None
    """Messages about connections that may have to go; None where none has to by itself."""


class StreamingApp(pulumi.ComponentResource):
    """Actors with their state, and the WebSocket API through which clients call and watch them."""

    outputs: Mapping[str, pulumi.Input[object]]
    """What a stack exports."""

    def __init__(self, name: str, args: StreamingAppArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("trebuche:aws:StreamingApp", name, {}, opts)
        self._name = name
        self._plan = args.plan
        self._standing = args.standing
        self._settings = args.plan.stack.trebuche
        self._child = pulumi.ResourceOptions(parent=self)
        self._namespace = args.plan.names.staged(args.plan.config.namespace)
        self._state = StateTable(
            f"{name}-state", self._kept(self._plan.names.table(self._plan.config.state_table)), self._child
        )
        self._journal = JournalTable(f"{name}-journal", self._kept(self._plan.names.own_table("journal")), self._child)
        realtime = self._realtime() if self._plan.config.websocket.enabled else None
        actors = {actor.role: self._actor(actor, realtime) for actor in self._plan.actors}
        functions = actors | (self._socket(realtime, actors) if realtime else {})
        self._observe(functions, realtime)
        domain = self._custom_domain(realtime) if realtime else {}
        self.outputs = self._outputs(functions, realtime) | domain
        self.register_outputs(dict(self.outputs))

    def _kept(self, table_name: str) -> TableArgs:
        """A table whose content is the users'."""
        return replace(self._passing(table_name), point_in_time_recovery=self._plan.point_in_time_recovery)

    def _passing(self, table_name: str) -> TableArgs:
        """A table whose content lives as long as its connections."""
        return TableArgs(
            table_name=table_name,
            protect=self._plan.protect,
            capacity=self._settings.capacity,
            encryption_key_arn=self._settings.encryptionKeyArn,
        )

    def _realtime(self) -> _Realtime:
        plan, name, child = self._plan, self._name, self._child
        connections = self._passing(plan.names.table(plan.config.connections_table))
        subscriptions = self._passing(plan.names.own_table("subscriptions"))
        failures = FailureQueueArgs(queue_name=plan.names.queue(f"{STREAM_PROCESSOR}-failures"))
        return _Realtime(
            api=WebSocketApi(f"{name}-api", WebSocketApiArgs(api_name=plan.names.api(), stage=plan.stage), child),
            connections=ConnectionTable(f"{name}-connections", connections, child),
            subscriptions=SubscriptionTable(f"{name}-subscriptions", subscriptions, child),
            failures=FailureQueue(f"{name}-failures", failures, child),
            catch_ups={actor.role: self._catch_ups(actor) for actor in plan.actors if actor.settings.stateful},
            access=self._access(plan.config.auth) if plan.config.auth else None,
            departures=self._departures() if plan.config.auth or plan.config.delivery.idle_timeout else None,
        )

    def _departures(self) -> CatchUpQueue:
        args = CatchUpQueueArgs(
            queue_name=self._plan.names.queue("departures"),
            function_timeout_seconds=INTEGRATION_TIMEOUT_SECONDS,
        )
        return CatchUpQueue(f"{self._name}-departures", args, self._child)

    def _access(self, auth: AuthConfig) -> _Access:
        names, name = self._plan.names, f"{self._name}-access"
        secret = AuthSecretArgs(secret_name=names.auth_secret())
        return _Access(
            auth=auth,
            table=AccessTable(name, self._passing(names.own_table("access")), self._child),
            secret=AuthSecret(f"{self._name}-auth", secret, self._child) if auth.has_secret else None,
        )

    def _catch_ups(self, actor: PlannedActor) -> CatchUpQueue:
        args = CatchUpQueueArgs(
            queue_name=self._plan.names.queue(f"catch-up-{actor.declared.exposed_as}"),
            function_timeout_seconds=actor.settings.timeout,
        )
        return CatchUpQueue(f"{self._name}-{actor.role}-catch-ups", args, self._child)

    def _queue_urls(self, realtime: _Realtime, *roles: str) -> Environment:
        """Which queue each of some types has, as functions read it."""
        exposed = {actor.role: actor.declared.exposed_as for actor in self._plan.actors}
        urls = {exposed[role]: realtime.catch_ups[role].url for role in roles if role in realtime.catch_ups}
        return {ENV_CATCH_UP_QUEUES: pulumi.Output.all(**urls).apply(_sorted_json)} if urls else {}

    def _socket(self, realtime: _Realtime, actors: Mapping[str, LambdaFunction]) -> dict[str, LambdaFunction]:
        """The functions that serve connections, and what leads to them."""
        exposed = {actor.declared.exposed_as: actors[actor.role] for actor in self._plan.actors}
        websocket = self._websocket(realtime, exposed)
        authorizer = self._authorizer(realtime.access) if realtime.access else None
        self._stage = WebSocketStage(
            f"{self._name}-stage",
            WebSocketStageArgs(
                api=realtime.api,
                routes=dict.fromkeys(self._plan.config.websocket.routes, websocket) | exposed,
                messages_per_second=self._settings.messagesPerSecond,
                message_burst=self._settings.messageBurst,
                access_logs=self._access_logs(),
                gate=self._gate(realtime, authorizer) if authorizer else None,
            ),
            self._child,
        )
        own = {WEBSOCKET: websocket, STREAM_PROCESSOR: self._stream_processor(realtime)}
        return own | ({AUTHORIZER: authorizer} if authorizer else {})

    def _authorizer(self, access: _Access) -> LambdaFunction:
        environment: dict[str, pulumi.Input[str]] = {
            ENV_AUTH: access.auth.settings_json,
            ENV_ACCESS_TABLE: access.table.table_name,
        }
        grants = [access.table.grant_admit()]
        if access.secret:
            environment[ENV_AUTH_SECRET] = access.secret.arn
            grants.append(access.secret.grant_read())
        size = self._plan.config.defaults.memory, AUTHORIZER_TIMEOUT_SECONDS
        return self._function(AUTHORIZER, AUTHORIZER_HANDLER, size, environment, grants)

    def _gate(self, realtime: _Realtime, function: LambdaFunction) -> ConnectAuthorizer:
        assert realtime.access
        args = ConnectAuthorizerArgs(
            authorizer_name=self._plan.names.authorizer(),
            api=realtime.api,
            auth=realtime.access.auth,
            function=function,
        )
        return ConnectAuthorizer(f"{self._name}-gate", args, self._child)

    def _actor(self, actor: PlannedActor, realtime: _Realtime | None) -> LambdaFunction:
        own: dict[str, pulumi.Input[str]] = {
            ENV_ACTOR: actor.declared.reference,
            ENV_STATEFUL: str(actor.settings.stateful).lower(),
            ENV_WINDOW_MS: str(actor.settings.window_ms),
        }
        grants = [self._state.grant_turn(), self._journal.grant_append()]
        if realtime:
            grants += [
                realtime.connections.grant_note(),
                realtime.subscriptions.grant_subscribe(),
                *_posting(realtime),
            ]
            own |= {**self._queue_urls(realtime, actor.role), **_rules(realtime.access), **self._limits()}
        queue = realtime.catch_ups.get(actor.role) if realtime else None
        function = self._function(
            actor.role,
            ACTOR_HANDLER,
            (actor.settings.memory, actor.settings.timeout),
            {**self._addresses(realtime), ENV_JOURNAL_TABLE: self._journal.table_name, **own},
            [*grants, *queue.grant_work()] if queue else grants,
        )
        if queue:
            worker = CatchUpWorkerArgs(queue=queue, function=function)
            CatchUpWorker(f"{self._name}-{actor.role}-worker", worker, self._child)
        return function

    def _limits(self) -> Environment:
        """How much one caller may ask for; without limits a function counts nothing."""
        limits = self._plan.config.limits.as_json
        return {ENV_LIMITS: limits} if limits else {}

    def _websocket(self, realtime: _Realtime, exposed: Mapping[str, LambdaFunction]) -> LambdaFunction:
        directory = ActorDirectory(
            f"{self._name}-directory",
            ActorDirectoryArgs(namespace=self._namespace, region=self._plan.region, functions=exposed),
            self._child,
        )
        grants = [
            realtime.connections.grant_lifecycle(),
            realtime.subscriptions.grant_detach(),
            directory.grant_discover(),
            realtime.api.grant_post(),
        ]
        own: Environment = {}
        if realtime.access:
            own = {ENV_ACCESS_TABLE: realtime.access.table.table_name}
            grants.append(realtime.access.table.grant_look())
        if realtime.departures:
            own = {**own, **self._watching(realtime.departures)}
            grants += [*realtime.departures.grant_work(), realtime.api.grant_close()]
            grants += [realtime.api.grant_ask()] if self._plan.config.delivery.idle_timeout else []
        # IAM refuses a statement without resources.
        if exposed:
            grants.append(grant_invoke(exposed.values()))
        function = self._function(
            WEBSOCKET,
            WEBSOCKET_HANDLER,
            # It waits for the actors' functions, and API Gateway waits no longer for it.
            (self._plan.config.defaults.memory, INTEGRATION_TIMEOUT_SECONDS),
            {**self._addresses(realtime), **own},
            grants,
        )
        if realtime.departures:
            worker = CatchUpWorkerArgs(queue=realtime.departures, function=function)
            CatchUpWorker(f"{self._name}-departures-worker", worker, self._child)
        return function

    def _watching(self, queue: CatchUpQueue) -> Environment:
        """What the websocket function has to know of connections that may have to go."""
        idle = self._plan.config.delivery.idle_timeout
        return {ENV_DEPARTURE_QUEUE: queue.url, **({ENV_IDLE_SECONDS: str(idle)} if idle else {})}

    def _stream_processor(self, realtime: _Realtime) -> LambdaFunction:
        function = self._function(
            STREAM_PROCESSOR,
            STREAM_HANDLER,
            (self._plan.config.defaults.memory, STREAM_TIMEOUT_SECONDS),
            {
                **self._addresses(realtime),
                ENV_JOURNAL_TABLE: self._journal.table_name,
                **self._queue_urls(realtime, *realtime.catch_ups),
            },
            [
                self._state.grant_stream(),
                realtime.connections.grant_forget(),
                realtime.subscriptions.grant_fan_out(),
                *_posting(realtime),
                realtime.failures.grant_send(),
                *([grant_remind(list(realtime.catch_ups.values()))] if realtime.catch_ups else []),
            ],
        )
        settings = self._settings
        subscription = StreamSubscriptionArgs(
            stream_arn=self._state.stream_arn,
            function=function,
            failures=realtime.failures,
            pace=Pace(
                batch_size=settings.streamBatchSize,
                batch_window_seconds=settings.streamBatchWindowSeconds,
                parallelization_factor=settings.streamParallelizationFactor,
                retries=settings.streamRetries,
                maximum_age_seconds=settings.streamMaximumAgeSeconds,
            ),
        )
        StreamSubscription(f"{self._name}-stream", subscription, self._child)
        return function

    def _access_logs(self) -> AccessLogs | None:
        names, settings = self._plan.names, self._settings
        role = None
        # Also where this stage writes no log: the role is the account's, and its other APIs may.
        if settings.ownAccountLogRole:
            role_args = AccountLogRoleArgs(role_name=names.account_role())
            role = AccountLogRole(f"{self._name}-account-logs", role_args, self._child)
        if not settings.accessLogs:
            return None
        logs = AccessLogsArgs(log_group=names.access_log_group(), retention_days=settings.logRetentionDays, role=role)
        return AccessLogs(f"{self._name}-access-logs", logs, self._child)

    def _custom_domain(self, realtime: _Realtime) -> dict[str, pulumi.Input[object]]:
        """The host name of the stack file, where there is one; gives what the owner of its DNS must know."""
        if not self._settings.domain:
            return {}
        args = CustomDomainArgs(domain=self._settings.domain, api=realtime.api, stage=self._stage)
        domain = CustomDomain(f"{self._name}-domain", args, self._child)
        return {"domain_endpoint": domain.endpoint, "domain_target": domain.target}

    def _observe(self, functions: Mapping[str, LambdaFunction], realtime: _Realtime | None) -> None:
        """Alarms and the dashboard."""
        plan, processor = self._plan, functions.get(STREAM_PROCESSOR)
        watched = Watched(
            stage=plan.stage,
            functions=functions,
            tables=self._table_names(realtime),
            actors=tuple(actor.declared.exposed_as for actor in plan.actors),
            delivery=WatchedDelivery(
                api=realtime.api,
                stream_processor=processor,
                failures=realtime.failures,
                catch_ups=realtime.catch_ups,
            )
            if realtime and processor
            else None,
        )
        alarms = AlarmsArgs(watched=watched, topic_arn=self._settings.alarmTopicArn)
        Alarms(f"{self._name}-alarms", alarms, self._child)
        dashboard = DashboardArgs(dashboard_name=plan.names.base, region=plan.region, watched=watched)
        Dashboard(f"{self._name}-dashboard", dashboard, self._child)

    def _table_names(self, realtime: _Realtime | None) -> list[pulumi.Input[str]]:
        names: list[pulumi.Input[str]] = [self._state.table_name, self._journal.table_name]
        if realtime:
            names += [realtime.connections.table_name, realtime.subscriptions.table_name]
            names += [realtime.access.table.table_name] if realtime.access else []
        return names

    def _addresses(self, realtime: _Realtime | None) -> Environment:
        """What every function is told."""
        common: Environment = {
            ENV_STATE_TABLE: self._state.table_name,
            ENV_NAMESPACE: self._namespace,
            ENV_STAGE: self._plan.stage,
            ENV_RETENTION_HOURS: str(self._plan.config.retention.hours),
        }
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
        key = self._settings.encryptionKeyArn
        return LambdaFunction(
            f"{self._name}-{role}",
            LambdaFunctionArgs(
                function_name=self._plan.names.function(role),
                handler=handler,
                archive=self._plan.archives[role],
                memory_mb=memory_mb,
                timeout_seconds=timeout_seconds,
                operation=self._operation(role),
                environment=environment,
                grants=[*grants, grant_key(key, self._plan.region)] if key else grants,
                pinned_version=self._plan.pin.versions.get(role) if self._plan.pin else None,
            ),
            self._child,
        )

    def _operation(self, role: str) -> Operation:
        settings = self._settings
        return Operation(
            log_retention_days=settings.logRetentionDays,
            tracing=settings.tracing,
            snap_start=settings.snapStart,
            provisioned_concurrency=settings.provisionedConcurrency,
            reserved_concurrency=settings.reservedConcurrency.get(role),
        )

    def _outputs(
        self, functions: Mapping[str, LambdaFunction], realtime: _Realtime | None
    ) -> dict[str, pulumi.Input[object]]:
        outputs: dict[str, pulumi.Input[object]] = {
            "state_table": self._state.table_name,
            "journal_table": self._journal.table_name,
            "functions": {role: function.alias_arn for role, function in functions.items()},
            "stream_enabled": self._state.stream_enabled,
            "release": self._plan.running_release,
            **self._history(functions),
        }
        if realtime:
            outputs |= {
                "wss_endpoint": realtime.api.wss_endpoint,
                "management_endpoint": realtime.api.management_endpoint,
                "connections_table": realtime.connections.table_name,
                "subscriptions_table": realtime.subscriptions.table_name,
            }
        if realtime and realtime.access:
            outputs["access_table"] = realtime.access.table.table_name
            if realtime.access.secret:
                outputs["auth_secret"] = realtime.access.secret.secret_name
        return outputs

    def _history(self, functions: Mapping[str, LambdaFunction]) -> dict[str, pulumi.Input[object]]:
        """What the next deployment and a rollback have to know."""
        plan, standing = self._plan, self._standing
        versions = pulumi.Output.all(**{role: function.version for role, function in functions.items()})
        releases = pulumi.Output.all(standing.releases, versions).apply(
            lambda both: with_release(both[0], Release(digest=plan.running_release, versions=both[1]), plan.pin)
        )
        # After a rollback another release runs than this program, whose interface is not what clients meet.
        own = None if plan.pin else standing.interface
        interfaces = pulumi.Output.all(standing.interfaces, releases).apply(
            lambda both: with_interface(both[0], both[1], own)
        )
        return {"releases": releases, "interfaces": interfaces}


def _posting(realtime: _Realtime) -> list[Grant]:
    """Post to connections, and close those whose right to be there has ended."""
    return [realtime.api.grant_post(), *([realtime.api.grant_close()] if realtime.access else [])]


def _rules(access: _Access | None) -> Environment:
    """Who may do what; without it a function serves everybody."""
    return {ENV_ACCESS_RULES: access.auth.rules_json} if access else {}


def _sorted_json(urls: Mapping[str, str]) -> str:
    """In a fixed order, so that a preview of no change shows none."""
    return json.dumps(urls, sort_keys=True)
