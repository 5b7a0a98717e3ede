"""The application's functions: what each is told, what it may do, how large it is."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from infra.authorizer import TIMEOUT_SECONDS as AUTHORIZER_TIMEOUT_SECONDS
from infra.catch_ups import CatchUpWorker, CatchUpWorkerArgs, grant_remind
from infra.discovery import ActorDirectory, ActorDirectoryArgs
from infra.function import LambdaFunction, LambdaFunctionArgs, Operation, grant_invoke
from infra.grants import Grant
from infra.plan import AUTHORIZER, STREAM_PROCESSOR, WEBSOCKET, Plan, PlannedActor
from infra.realtime import Access, Environment, Realtime
from infra.streams import Pace, StreamSubscription, StreamSubscriptionArgs
from infra.tables import JournalTable, StateTable, grant_key
from trebuche.contract import (
    ACTOR_HANDLER,
    AUTHORIZER_HANDLER,
    ENV_ACCESS_TABLE,
    ENV_ACTOR,
    ENV_AUTH,
    ENV_AUTH_SECRET,
    ENV_DEPARTURE_QUEUE,
    ENV_IDLE_SECONDS,
    ENV_JOURNAL_TABLE,
    ENV_LIMITS,
    ENV_NAMESPACE,
    ENV_RETENTION_HOURS,
    ENV_STAGE,
    ENV_STATE_TABLE,
    ENV_STATEFUL,
    ENV_WINDOW_MS,
    INTEGRATION_TIMEOUT_SECONDS,
    STREAM_HANDLER,
    WEBSOCKET_HANDLER,
)

STREAM_TIMEOUT_SECONDS = 60
"""Time of one invocation of the stream processor to push a batch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Functions:
    """Makes functions as children of the application, around its tables."""

    name: str
    """Of the application."""
    plan: Plan
    state: StateTable
    journal: JournalTable
    realtime: Realtime | None
    namespace: str
    """Where actors are found, and where their metrics are."""
    child: pulumi.ResourceOptions

    def actor(self, actor: PlannedActor) -> LambdaFunction:
        """An actor type's own, with the worker that brings its late subscribers up to date."""
        environment: dict[str, pulumi.Input[str]] = {
            **self._common(),
            ENV_JOURNAL_TABLE: self.journal.table_name,
            ENV_ACTOR: actor.declared.reference,
            ENV_STATEFUL: str(actor.settings.stateful).lower(),
            ENV_WINDOW_MS: str(actor.settings.window_ms),
        }
        grants = [self.state.grant_turn(), self.journal.grant_append()]
        realtime = self.realtime
        if realtime:
            environment |= {**realtime.queue_urls(actor.role), **realtime.rules, **self._limits()}
            grants += [
                realtime.connections.grant_note(),
                realtime.subscriptions.grant_subscribe(),
                *realtime.grant_posting(),
            ]
        queue = realtime.catch_ups.get(actor.role) if realtime else None
        grants += queue.grant_work() if queue else ()
        size = actor.settings.memory, actor.settings.timeout
        function = self._make(actor.role, ACTOR_HANDLER, size, environment, grants)
        if queue:
            worker = CatchUpWorkerArgs(queue=queue, function=function)
            CatchUpWorker(f"{self.name}-{actor.role}-worker", worker, self.child)
        return function

    def websocket(self, realtime: Realtime, exposed: Mapping[str, LambdaFunction]) -> LambdaFunction:
        """Serves the routes of connections, and calls the actors' functions, given by their names on the wire."""
        args = ActorDirectoryArgs(namespace=self.namespace, region=self.plan.region, functions=exposed)
        directory = ActorDirectory(f"{self.name}-directory", args, self.child)
        grants = [
            realtime.connections.grant_lifecycle(),
            realtime.subscriptions.grant_detach(),
            directory.grant_discover(),
            realtime.api.grant_post(),
            *self._departure_grants(realtime),
            # IAM refuses a statement without resources.
            *([grant_invoke(exposed.values())] if exposed else []),
        ]
        # It waits for the actors' functions, and API Gateway waits no longer for it.
        size = self.plan.config.defaults.memory, INTEGRATION_TIMEOUT_SECONDS
        environment = {**self._common(), **self._departure_settings(realtime), **realtime.rules, **self._limits()}
        function = self._make(WEBSOCKET, WEBSOCKET_HANDLER, size, environment, grants)
        if realtime.departures:
            worker = CatchUpWorkerArgs(queue=realtime.departures, function=function)
            CatchUpWorker(f"{self.name}-departures-worker", worker, self.child)
        return function

    def authorizer(self, access: Access) -> LambdaFunction:
        """Asks for credentials at the door."""
        environment: dict[str, pulumi.Input[str]] = {
            ENV_AUTH: access.auth.settings_json,
            ENV_ACCESS_TABLE: access.table.table_name,
        }
        grants = [access.table.grant_admit()]
        if access.secret:
            environment[ENV_AUTH_SECRET] = access.secret.arn
            grants.append(access.secret.grant_read())
        size = self.plan.config.defaults.memory, AUTHORIZER_TIMEOUT_SECONDS
        return self._make(AUTHORIZER, AUTHORIZER_HANDLER, size, environment, grants)

    def stream_processor(self, realtime: Realtime) -> LambdaFunction:
        """Pushes each change to its subscribers."""
        own = {ENV_JOURNAL_TABLE: self.journal.table_name, **realtime.queue_urls(*realtime.catch_ups)}
        environment = {**self._common(), **own}
        grants = [
            self.state.grant_stream(),
            realtime.connections.grant_forget(),
            realtime.subscriptions.grant_fan_out(),
            *realtime.grant_posting(),
            realtime.failures.grant_send(),
            *([grant_remind(list(realtime.catch_ups.values()))] if realtime.catch_ups else []),
        ]
        size = self.plan.config.defaults.memory, STREAM_TIMEOUT_SECONDS
        function = self._make(STREAM_PROCESSOR, STREAM_HANDLER, size, environment, grants)
        settings = self.plan.stack.trebuche
        subscription = StreamSubscriptionArgs(
            stream_arn=self.state.stream_arn,
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
        StreamSubscription(f"{self.name}-stream", subscription, self.child)
        return function

    def _limits(self) -> Environment:
        """How much one caller may ask for; without limits a function counts nothing."""
        limits = self.plan.config.limits.as_json
        return {ENV_LIMITS: limits} if limits else {}

    def _departure_settings(self, realtime: Realtime) -> Environment:
        """What the websocket function has to know of connections that may have to go."""
        settings: dict[str, pulumi.Input[str]] = {}
        if realtime.access:
            settings[ENV_ACCESS_TABLE] = realtime.access.table.table_name
        if realtime.departures:
            settings[ENV_DEPARTURE_QUEUE] = realtime.departures.url
            if idle := self.plan.config.delivery.idle_timeout:
                settings[ENV_IDLE_SECONDS] = str(idle)
        return settings

    def _departure_grants(self, realtime: Realtime) -> list[Grant]:
        """See whose right has ended, and close what may have to go."""
        grants = [realtime.access.table.grant_look()] if realtime.access else []
        if realtime.departures:
            grants += [*realtime.departures.grant_work(), realtime.api.grant_close()]
            grants += [realtime.api.grant_ask()] if self.plan.config.delivery.idle_timeout else []
        return grants

    def _common(self) -> Environment:
        """What every function is told that serves actors."""
        return {
            ENV_STATE_TABLE: self.state.table_name,
            ENV_NAMESPACE: self.namespace,
            ENV_STAGE: self.plan.stage,
            ENV_RETENTION_HOURS: str(self.plan.config.retention.hours),
            **(self.realtime.addresses if self.realtime else {}),
        }

    def _make(
        self, role: str, handler: str, size: tuple[int, int], environment: Environment, grants: list[Grant]
    ) -> LambdaFunction:
        """One of them; ``size`` is memory in MB and time in seconds."""
        plan, (memory_mb, timeout_seconds) = self.plan, size
        key = plan.stack.trebuche.encryptionKeyArn
        args = LambdaFunctionArgs(
            function_name=plan.names.function(role),
            handler=handler,
            archive=plan.archives[role],
            memory_mb=memory_mb,
            timeout_seconds=timeout_seconds,
            operation=self._operation(role),
            environment=environment,
            grants=[*grants, grant_key(key, plan.region)] if key else grants,
            pinned_version=plan.pin.versions.get(role) if plan.pin else None,
        )
        return LambdaFunction(f"{self.name}-{role}", args, self.child)

    def _operation(self, role: str) -> Operation:
        settings = self.plan.stack.trebuche
        return Operation(
            log_retention_days=settings.logRetentionDays,
            tracing=settings.tracing,
            snap_start=settings.snapStart,
            provisioned_concurrency=settings.provisionedConcurrency,
            reserved_concurrency=settings.reservedConcurrency.get(role),
        )
