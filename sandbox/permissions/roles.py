"""Reads roles from the emulator's IAM, and has it judge what they may do."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, urlencode
from xml.etree import ElementTree

from sandbox.aws import DEFAULT_REGION, AwsClient, Json

_ALLOWED: Final = "allowed"


@dataclass(frozen=True, slots=True)
class Role:
    """A role as ``GetRole`` answers it."""

    arn: str
    trust: Json
    boundary: str | None
    """ARN of the policy that limits whatever the others allow."""


class Roles:
    """IAM's roles.

    Args:
        aws: Reaches the emulator's IAM as the account's root.
    """

    def __init__(self, aws: AwsClient) -> None:
        self._aws = aws

    async def find(self, arn: str) -> Role | None:
        """The role, or None when it is not there, or this is no role's ARN."""
        if ":role/" not in arn:
            return None
        fields = {"Action": "GetRole", "RoleName": arn.rpartition("/")[2]}
        answer = await self._call(arn, fields, missing_is_none=True)
        if answer is None:
            return None
        boundary = _texts(answer, "PermissionsBoundaryArn")
        return Role(arn, _document(answer, "AssumeRolePolicyDocument"), boundary[0] if boundary else None)

    async def not_allowed(self, role: Role, actions: Sequence[str], resource: str) -> tuple[str, ...]:
        """Those of the actions that the role's policies, or its boundary, do not allow on a resource."""
        # The simulation finds a role by its name only: a path in the ARN would make it look for another one.
        plain = f"{role.arn.partition('/')[0]}/{role.arn.rpartition('/')[2]}"
        wish = {"ResourceArns.member.1": resource} | _members("ActionNames", actions)
        verdicts = [{"Action": "SimulatePrincipalPolicy", "PolicySourceArn": plain}]
        # A boundary grants nothing: it is judged by itself, and what both allow is allowed.
        if role.boundary:
            limit = json.dumps(await self._policy(role.boundary))
            verdicts.append({"Action": "SimulateCustomPolicy", "PolicyInputList.member.1": limit})
        allowed = set(actions)
        for question in verdicts:
            answer = await self._call(role.arn, question | wish)
            assert answer is not None
            pairs = zip(_texts(answer, "EvalActionName"), _texts(answer, "EvalDecision"), strict=True)
            allowed &= {action for action, decision in pairs if decision == _ALLOWED}
        return tuple(action for action in actions if action not in allowed)

    async def _policy(self, arn: str) -> Json:
        policy = await self._call(arn, {"Action": "GetPolicy", "PolicyArn": arn}, missing_is_none=True)
        if policy is None:
            return {"Version": "2012-10-17", "Statement": []}
        version = {"PolicyArn": arn, "VersionId": _texts(policy, "DefaultVersionId")[0]}
        answer = await self._call(arn, {"Action": "GetPolicyVersion"} | version)
        assert answer is not None
        return _document(answer, "Document")

    async def _call(
        self, arn: str, fields: dict[str, str], *, missing_is_none: bool = False
    ) -> ElementTree.Element | None:
        """One call of IAM's query protocol, in the account of an ARN.

        Raises:
            AwsRefusedError: Any status but 200, and 404 unless that means None.
        """
        answer = await self._aws.send(
            "POST",
            "/",
            service="iam",
            region=DEFAULT_REGION,
            account=arn.split(":")[4],
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            body=urlencode({**fields, "Version": "2010-05-08"}).encode(),
        )
        if answer.status == 404 and missing_is_none:
            return None
        if answer.status != 200:
            raise answer.refusal()
        return ElementTree.fromstring(answer.body)


def _members(name: str, values: Sequence[str]) -> dict[str, str]:
    return {f"{name}.member.{number}": value for number, value in enumerate(values, 1)}


def _texts(answer: ElementTree.Element, tag: str) -> list[str]:
    return [part.text or "" for part in answer.iter() if part.tag.rpartition("}")[2] == tag]


def _document(answer: ElementTree.Element, tag: str) -> Json:
    """A policy document, which IAM sends percent-encoded."""
    document: Json = json.loads(unquote(_texts(answer, tag)[0]))
    return document
