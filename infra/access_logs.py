"""A line for each connect, message and disconnect, written by API Gateway itself."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_aws import apigateway, cloudwatch, iam

from infra.grants import trust

_WRITER = "arn:aws:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"
_FIELDS = (
    "requestId",
    "requestTime",
    "connectionId",
    "eventType",
    "routeKey",
    "messageId",
    "status",
    "integration.status",
    "integrationLatency",
    "error.message",
)
ACCESS_LOG_FORMAT = json.dumps({field: f"$context.{field}" for field in _FIELDS})
"""No payloads, no addresses of clients; one line, as API Gateway demands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountLogRoleArgs:
    """The role's name."""

    role_name: str


class AccountLogRole(pulumi.ComponentResource):
    """The role with which API Gateway writes logs: one for all APIs of an account and region, so one stack owns it."""

    account: apigateway.Account

    def __init__(self, name: str, args: AccountLogRoleArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("trebuche:aws:AccountLogRole", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        role = iam.Role(
            f"{name}-role", name=args.role_name, assume_role_policy=trust("apigateway.amazonaws.com"), opts=child
        )
        writer = iam.RolePolicyAttachment(f"{name}-writer", role=role.name, policy_arn=_WRITER, opts=child)
        self.account = apigateway.Account(
            f"{name}-account",
            cloudwatch_role_arn=role.arn,
            # API Gateway refuses a role that may not write yet.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[writer]),
        )
        self.register_outputs({})


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessLogsArgs:
    """Where the lines go, and for how long."""

    log_group: str
    retention_days: int
    role: AccountLogRole | None = None
    """The account's role where this stack owns it; None: another one has set it."""


class AccessLogs(pulumi.ComponentResource):
    """The log group of a stage's access log."""

    destination_arn: pulumi.Output[str]
    needs: Sequence[pulumi.Resource]
    """What must be there before a stage can write."""

    def __init__(self, name: str, args: AccessLogsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("trebuche:aws:AccessLogs", name, {}, opts)
        group = cloudwatch.LogGroup(
            f"{name}-group",
            name=args.log_group,
            retention_in_days=args.retention_days,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.destination_arn = group.arn
        # CreateStage refuses an access log while the account has no role for it (developer guide, "Set up logging").
        self.needs = [args.role.account] if args.role else []
        self.register_outputs({"destination_arn": self.destination_arn})
