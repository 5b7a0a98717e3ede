"""A Lambda function as all of ours are: arm64, published behind an alias, with its own role and log group."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pulumi
from pulumi_aws import cloudwatch, iam, lambda_

from infra.archives import Archive
from infra.grants import Grant, policy, trust
from infra.naming import log_group

RUNTIME = "python3.13"
ARCHITECTURE = "arm64"
ALIAS = "live"
"""Integrations, mappings and forwards use the alias, so that a deployment switches them in one step."""
_TRACE = Grant("Trace", ("xray:PutTraceSegments", "xray:PutTelemetryRecords"), ("*",))
"""X-Ray knows no resources that these two could be limited to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionRoleArgs:
    """What a role may do."""

    role_name: str
    grants: Sequence[Grant]


class ExecutionRole(pulumi.ComponentResource):
    """The role of one function, with one policy made of grants."""

    arn: pulumi.Output[str]
    policy: iam.RolePolicy

    def __init__(self, name: str, args: ExecutionRoleArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("trebuche:aws:ExecutionRole", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        role = iam.Role(
            f"{name}-role", name=args.role_name, assume_role_policy=trust("lambda.amazonaws.com"), opts=child
        )
        self.policy = iam.RolePolicy(
            f"{name}-policy", name="execution", role=role.name, policy=policy(args.grants), opts=child
        )
        self.arn = role.arn
        self.register_outputs({"arn": self.arn})


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """How a function is run, whatever it does."""

    log_retention_days: int
    tracing: bool = False
    """Record invocations in X-Ray."""
    snap_start: bool = False
    """Start from a snapshot of the initialised function; not together with ``provisioned_concurrency``."""
    provisioned_concurrency: int = 0
    """Environments that are kept warm."""
    reserved_concurrency: int | None = None
    """Environments set aside for this function, which are also the most that it gets; None shares the account's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LambdaFunctionArgs:
    """What differs between functions."""

    function_name: str
    handler: str
    archive: Archive
    memory_mb: int
    timeout_seconds: int
    operation: Operation
    environment: Mapping[str, pulumi.Input[str]]
    grants: Sequence[Grant]
    """All but writing its logs and traces, which every function may."""
    pinned_version: str | None = None
    """What the alias names instead of the newest version, after a rollback."""


class LambdaFunction(pulumi.ComponentResource):
    """A published function behind alias ``live``."""

    function_name: str
    timeout_seconds: int
    reserved_concurrency: int | None
    alias_name: pulumi.Output[str]
    alias_arn: pulumi.Output[str]
    version: pulumi.Output[str]
    """What the alias names."""
    invoke_arn: pulumi.Output[str]
    """The alias, as an API's integration writes it."""

    def __init__(self, name: str, args: LambdaFunctionArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("trebuche:aws:LambdaFunction", name, {}, opts)
        self.function_name = args.function_name
        self.timeout_seconds = args.timeout_seconds
        self.reserved_concurrency = args.operation.reserved_concurrency
        logs = self._logs(name, args)
        role = self._role(name, args, logs)
        function = self._function(name, args, role, logs)
        alias = lambda_.Alias(
            f"{name}-alias",
            name=ALIAS,
            function_name=function.name,
            function_version=args.pinned_version or function.version,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self._keep_warm(name, args, alias)
        self.alias_name = alias.name
        self.alias_arn = alias.arn
        self.version = alias.function_version
        self.invoke_arn = alias.invoke_arn
        self.register_outputs({"alias_arn": self.alias_arn})

    def _logs(self, name: str, args: LambdaFunctionArgs) -> cloudwatch.LogGroup:
        return cloudwatch.LogGroup(
            f"{name}-logs",
            name=log_group(args.function_name),
            retention_in_days=args.operation.log_retention_days,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _role(self, name: str, args: LambdaFunctionArgs, logs: cloudwatch.LogGroup) -> ExecutionRole:
        # The ARN of a log group names the group; the streams in it, which are written to, come after a colon.
        streams = pulumi.Output.concat(logs.arn, ":*")
        write = Grant("Logs", ("logs:CreateLogStream", "logs:PutLogEvents"), (streams,))
        traces = (_TRACE,) if args.operation.tracing else ()
        role_args = ExecutionRoleArgs(role_name=args.function_name, grants=(write, *traces, *args.grants))
        return ExecutionRole(f"{name}-execution", role_args, pulumi.ResourceOptions(parent=self))

    def _function(
        self, name: str, args: LambdaFunctionArgs, role: ExecutionRole, logs: cloudwatch.LogGroup
    ) -> lambda_.Function:
        """After the log group, which Lambda would else make without retention, and after the permissions."""
        operation = args.operation
        return lambda_.Function(
            f"{name}-function",
            name=args.function_name,
            role=role.arn,
            handler=args.handler,
            runtime=RUNTIME,
            architectures=[ARCHITECTURE],
            code=pulumi.FileArchive(args.archive.path.as_posix()),
            memory_size=args.memory_mb,
            timeout=args.timeout_seconds,
            environment=lambda_.FunctionEnvironmentArgs(variables=args.environment),
            # An alias names a published version; SnapStart and provisioned concurrency need one, too.
            publish=True,
            # Lambda filters by level in this format only (developer guide, "Log-level filtering").
            logging_config=lambda_.FunctionLoggingConfigArgs(
                log_format="JSON", application_log_level="INFO", system_log_level="INFO", log_group=logs.name
            ),
            tracing_config=lambda_.FunctionTracingConfigArgs(mode="Active" if operation.tracing else "PassThrough"),
            snap_start=lambda_.FunctionSnapStartArgs(apply_on="PublishedVersions") if operation.snap_start else None,
            reserved_concurrent_executions=operation.reserved_concurrency,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[logs, role.policy]),
        )

    def _keep_warm(self, name: str, args: LambdaFunctionArgs, alias: lambda_.Alias) -> None:
        """On the alias, so that it follows to the next version."""
        if args.operation.provisioned_concurrency:
            lambda_.ProvisionedConcurrencyConfig(
                f"{name}-warm",
                function_name=args.function_name,
                qualifier=alias.name,
                provisioned_concurrent_executions=args.operation.provisioned_concurrency,
                opts=pulumi.ResourceOptions(parent=self, depends_on=[alias]),
            )


def grant_invoke(functions: Iterable[LambdaFunction]) -> Grant:
    """Call functions through their aliases, and no other version of them."""
    return Grant("Invoke", ("lambda:InvokeFunction",), tuple(function.alias_arn for function in functions))
