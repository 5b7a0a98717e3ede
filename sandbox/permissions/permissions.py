"""What front and pump ask before they act for a service: may it, and if not, why not."""

import json
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final
from urllib.parse import quote

from sandbox.aws import AwsClient, AwsRefusedError, Json
from sandbox.permissions.documents import SOURCE_ACCOUNT, SOURCE_ARN, Access, allows
from sandbox.permissions.roles import Role, Roles

LAMBDA: Final = "lambda.amazonaws.com"
API_GATEWAY: Final = "apigateway.amazonaws.com"
INVOKE: Final = "lambda:InvokeFunction"
FRESH_SECONDS: Final = 5.0
"""So long a yes is believed: writes that do not pass the front, a function's own, say, are seen after that."""
STREAM_ACTIONS: Final = tuple(
    f"dynamodb:{action}" for action in ("GetRecords", "GetShardIterator", "DescribeStream", "ListStreams")
)
ACCESS_NEEDED: Final = (
    "Please ensure the role can perform the GetRecords, GetShardIterator, DescribeStream, and ListStreams Actions on "
    "your stream in IAM."
)
LOG_ACTIONS: Final = ("logs:CreateLogStream", "logs:PutLogEvents")
SEND_ACTIONS: Final = {
    "sqs": "sqs:SendMessage",
    "sns": "sns:Publish",
    "lambda": INVOKE,
    "events": "events:PutEvents",
    "s3": "s3:PutObject",
}
_LIST_BUCKET: Final = "s3:ListBucket"
_UNQUALIFIED: Final = "$LATEST"
"""No permission can be given on it; the function's own counts."""

Verdict = str | None
"""None when it is allowed, else the reason why not, for the developer."""


class Permissions:
    """Judges on the policies that are there now.

    A yes is remembered until a write to IAM or Lambda passes the front, so that messages do not wait; a no is asked
    anew each time, and told once on standard error.

    Args:
        aws: Reaches the emulator as an account's root.
    """

    def __init__(self, aws: AwsClient) -> None:
        self._aws = aws
        self._roles = Roles(aws)
        self._allowed: dict[tuple[object, ...], float] = {}
        self._told: set[str] = set()
        self._writes = 0

    def forget(self) -> None:
        """A role or a policy may have changed."""
        self._writes += 1
        self._allowed.clear()
        self._told.clear()

    async def judge_invocation(self, function_arn: str, principal: str, source_arn: str) -> Verdict:
        """Whether a function's resource policy lets a service invoke it.

        Args:
            function_arn: As the caller names it: a permission counts for exactly this function, version or alias.
            principal: The service.
            source_arn: On whose behalf: a route or an authorizer of an API, say.
        """
        return await self._judge(
            ("invoke", function_arn, principal, source_arn),
            lambda: self._judge_invocation(function_arn, principal, source_arn),
        )

    async def judge_function(self, function_arn: str, actions: Sequence[str], resource: str) -> Verdict:
        """Whether Lambda, in a function's execution role, may do all of the actions on a resource."""
        return await self._judge(
            ("function", function_arn, tuple(actions), resource),
            lambda: self._judge_function(function_arn, actions, resource),
        )

    async def judge_stream(self, function_arn: str, stream_arn: str) -> Verdict:
        """Whether Lambda, in a function's execution role, may follow a stream of DynamoDB."""
        return await self.judge_function(function_arn, STREAM_ACTIONS, stream_arn)

    async def judge_destination(self, function_arn: str, destination_arn: str) -> Verdict:
        """Whether Lambda, in a function's execution role, may hand a message to a destination."""
        service = destination_arn.split(":")[2]
        if service == "s3":
            put = await self.judge_function(function_arn, (SEND_ACTIONS[service],), f"{destination_arn}/*")
            return put or await self.judge_function(function_arn, (_LIST_BUCKET,), destination_arn)
        action = SEND_ACTIONS.get(service)
        return None if action is None else await self.judge_function(function_arn, (action,), destination_arn)

    async def judge_role(self, role_arn: str, principal: str, actions: Sequence[str], resource: str) -> Verdict:
        """Whether a service can take a role, and the role may then do all of the actions on a resource."""
        return await self._judge(
            ("role", role_arn, principal, tuple(actions), resource),
            lambda: self._judge_role(role_arn, principal, actions, resource),
        )

    async def judge_trust(self, role_arn: str, principal: str) -> Verdict:
        """Whether a service can take a role."""
        role = await self._roles.find(role_arn)
        if role is None:
            return f"There is no role {role_arn}."
        return _judge_trust(role, principal)

    async def _judge(self, key: tuple[object, ...], ask: Callable[[], Awaitable[Verdict]]) -> Verdict:
        if self._allowed.get(key, 0.0) > time.monotonic():
            return None
        writes = self._writes
        reason = await ask()
        if reason is not None:
            self._tell(reason)
        elif writes == self._writes:  # else it may be the verdict on policies that have just been replaced
            self._allowed[key] = time.monotonic() + FRESH_SECONDS
        return reason

    def _tell(self, reason: str) -> None:
        if reason not in self._told:
            self._told.add(reason)
            print(f"[permissions] {reason}", file=sys.stderr, flush=True)

    async def _judge_invocation(self, function_arn: str, principal: str, source_arn: str) -> Verdict:
        exact = function_arn.removesuffix(f":{_UNQUALIFIED}")
        try:
            document = await self._resource_policy(exact)
        except AwsRefusedError:
            return None  # there is no such function, and the invocation will say so
        access = Access(
            principal=principal,
            action=INVOKE,
            resource=exact,
            context={SOURCE_ARN: source_arn, SOURCE_ACCOUNT: source_arn.split(":")[4]},
        )
        if allows(document, access):
            return None
        return (
            f"{principal} may not invoke {exact} for {source_arn}: no permission of its resource policy says so. A "
            f"permission counts for exactly the function, version or alias that it is given on. {_mend(exact, access)}"
        )

    async def _resource_policy(self, function_arn: str) -> Json:
        """The function's resource policy; an empty one if it has none.

        Raises:
            AwsRefusedError: There is no such function.
        """
        try:
            answer = await self._read(function_arn, "policy")
        except AwsRefusedError as error:
            if error.message.startswith("No policy"):
                return {}
            raise
        document: Json = json.loads(answer["Policy"])
        return document

    async def _judge_function(self, function_arn: str, actions: Sequence[str], resource: str) -> Verdict:
        try:
            configuration = await self._read(function_arn, "configuration")
        except AwsRefusedError:
            return None  # there is no such function, and its invocation will say so
        return await self._judge_role(configuration["Role"], LAMBDA, actions, resource)

    async def _judge_role(self, role_arn: str, principal: str, actions: Sequence[str], resource: str) -> Verdict:
        role = await self._roles.find(role_arn)
        if role is None:
            return f"There is no role {role_arn}."
        reason = _judge_trust(role, principal)
        if reason is not None:
            return reason
        missing = await self._roles.not_allowed(role, actions, resource)
        if not missing:
            return None
        return f"Role {role_arn} may not {', '.join(missing)} on {resource}; let a policy of the role allow it."

    async def _read(self, function_arn: str, part: str) -> Json:
        _, _, _, region, account, _, name = function_arn.split(":", 6)
        plain, _, qualifier = name.partition(":")
        query = f"?Qualifier={quote(qualifier, safe='')}" if qualifier else ""
        path = f"/2015-03-31/functions/{quote(plain, safe='')}/{part}{query}"
        return await self._aws.get_json(path, service="lambda", region=region, account=account)


def _judge_trust(role: Role, principal: str) -> Verdict:
    access = Access(principal=principal, action="sts:AssumeRole", context={SOURCE_ACCOUNT: role.arn.split(":")[4]})
    if allows(role.trust, access):
        return None
    return f"{principal} cannot take role {role.arn}; let the role's trust policy name it as Service."


def _mend(function_arn: str, access: Access) -> str:
    name, _, qualifier = function_arn.split(":function:")[1].partition(":")
    alias = f" --qualifier {qualifier}" if qualifier else ""
    return (
        f"To mend: aws lambda add-permission --statement-id api --action {access.action} --function-name {name}{alias} "
        f"--principal {access.principal} --source-arn '{access.context[SOURCE_ARN]}'"
    )
