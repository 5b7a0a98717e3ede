"""The application: the only module that knows all the others."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pulumi

from infra.access_logs import AccessLogs, AccessLogsArgs, AccountLogRole, AccountLogRoleArgs
from infra.alarms import Alarms, AlarmsArgs
from infra.authorizer import ConnectAuthorizer, ConnectAuthorizerArgs
from infra.dashboard import Dashboard, DashboardArgs
from infra.domain import CustomDomain, CustomDomainArgs
from infra.function import LambdaFunction
from infra.functions import Functions
from infra.plan import AUTHORIZER, STREAM_PROCESSOR, WEBSOCKET, Plan
from infra.promotion import Standing
from infra.realtime import Access, Realtime, make_realtime, passing
from infra.releases import Release, with_interface, with_release
from infra.tables import JournalTable, StateTable, TableArgs
from infra.watched import Watched, WatchedDelivery
from infra.websocket_api import WebSocketStage, WebSocketStageArgs


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamingAppArgs:
    """A checked plan, and what its stack had before."""

    plan: Plan
    standing: Standing = field(default_factory=lambda: Standing(pulumi.Output.from_input({})))


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
        config, names = self._plan.config, self._plan.names
        self._state = StateTable(f"{name}-state", self._kept(names.table(config.state_table)), self._child)
        self._journal = JournalTable(f"{name}-journal", self._kept(names.own_table("journal")), self._child)
        realtime = make_realtime(name, self._plan, self._child) if config.websocket.enabled else None
        functions = self._functions(realtime)
        self._observe(functions, realtime)
        domain = self._custom_domain(realtime) if realtime else {}
        self.outputs = self._outputs(functions, realtime) | domain
        self.register_outputs(dict(self.outputs))

    def _kept(self, table_name: str) -> TableArgs:
        """A table whose content is the users'."""
        return replace(passing(self._plan, table_name), point_in_time_recovery=self._plan.point_in_time_recovery)

    def _functions(self, realtime: Realtime | None) -> dict[str, LambdaFunction]:
        """All functions, by role, and what leads to them."""
        make = Functions(
            name=self._name,
            plan=self._plan,
            state=self._state,
            journal=self._journal,
            realtime=realtime,
            namespace=self._plan.names.staged(self._plan.config.namespace),
            child=self._child,
        )
        functions = {actor.role: make.actor(actor) for actor in self._plan.actors}
        if not realtime:
            return functions
        exposed = {realtime.exposed[role]: function for role, function in functions.items()}
        functions[WEBSOCKET] = make.websocket(realtime, exposed)
        functions[STREAM_PROCESSOR] = make.stream_processor(realtime)
        if realtime.access:
            functions[AUTHORIZER] = make.authorizer(realtime.access)
        self._stage = self._serve(realtime, functions, exposed)
        return functions

    def _serve(
        self, realtime: Realtime, functions: Mapping[str, LambdaFunction], exposed: dict[str, LambdaFunction]
    ) -> WebSocketStage:
        """The routes, live: those of connections, and one for each actor type."""
        access = realtime.access
        args = WebSocketStageArgs(
            api=realtime.api,
            routes=dict.fromkeys(self._plan.config.websocket.routes, functions[WEBSOCKET]) | exposed,
            messages_per_second=self._settings.messagesPerSecond,
            message_burst=self._settings.messageBurst,
            access_logs=self._access_logs(),
            gate=self._gate(realtime, access, functions[AUTHORIZER]) if access else None,
        )
        return WebSocketStage(f"{self._name}-stage", args, self._child)

    def _gate(self, realtime: Realtime, access: Access, function: LambdaFunction) -> ConnectAuthorizer:
        args = ConnectAuthorizerArgs(
            authorizer_name=self._plan.names.authorizer(),
            api=realtime.api,
            auth=access.auth,
            function=function,
        )
        return ConnectAuthorizer(f"{self._name}-gate", args, self._child)

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

    def _custom_domain(self, realtime: Realtime) -> dict[str, pulumi.Input[object]]:
        """The host name of the stack file, where there is one; gives what the owner of its DNS must know."""
        if not self._settings.domain:
            return {}
        args = CustomDomainArgs(domain=self._settings.domain, api=realtime.api, stage=self._stage)
        domain = CustomDomain(f"{self._name}-domain", args, self._child)
        return {"domain_endpoint": domain.endpoint, "domain_target": domain.target}

    def _observe(self, functions: Mapping[str, LambdaFunction], realtime: Realtime | None) -> None:
        """Alarms and the dashboard."""
        plan = self._plan
        delivery = (
            WatchedDelivery(
                api=realtime.api,
                stream_processor=functions[STREAM_PROCESSOR],
                failures=realtime.failures,
                catch_ups=realtime.catch_ups,
            )
            if realtime
            else None
        )
        watched = Watched(
            stage=plan.stage,
            functions=functions,
            tables=self._table_names(realtime is not None),
            actors=tuple(actor.declared.exposed_as for actor in plan.actors),
            delivery=delivery,
        )
        alarms = AlarmsArgs(watched=watched, topic_arn=self._settings.alarmTopicArn)
        Alarms(f"{self._name}-alarms", alarms, self._child)
        dashboard = DashboardArgs(dashboard_name=plan.names.base, region=plan.region, watched=watched)
        Dashboard(f"{self._name}-dashboard", dashboard, self._child)

    def _table_names(self, realtime: bool) -> dict[str, str]:
        """By what is kept in each."""
        names, config = self._plan.names, self._plan.config
        tables = {"state": names.table(config.state_table), "journal": names.own_table("journal")}
        if realtime:
            tables["connections"] = names.table(config.connections_table)
            tables["subscriptions"] = names.own_table("subscriptions")
            tables |= {"access": names.own_table("access")} if config.auth else {}
        return tables

    def _outputs(
        self, functions: Mapping[str, LambdaFunction], realtime: Realtime | None
    ) -> dict[str, pulumi.Input[object]]:
        return {
            "state_table": self._state.table_name,
            "journal_table": self._journal.table_name,
            "functions": {role: function.alias_arn for role, function in functions.items()},
            "stream_enabled": self._state.stream_enabled,
            "release": self._plan.running_release,
            **self._history(functions),
            **(realtime.outputs if realtime else {}),
        }

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
