"""Every permission of a deployed stack that can be taken away, and put back."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, Protocol

from tests.loop.conftest import Aws

Json = dict[str, Any]

UNCHECKABLE: Final = {
    "Trace": "there is no X-Ray in the sandbox",
    "Key": "the emulator never asks for a key in the caller's name",
}
"""Statements, by their Sid, whose removal nothing can notice here, and why."""
ELSEWHERE: Final = "-elsewhere"


class Removal(Protocol):
    """One permission; ``reason`` says why its removal cannot be noticed here, None when it can."""

    @property
    def name(self) -> str:
        """For people, and for ``--only``."""

    @property
    def reason(self) -> str | None:
        """Why nothing can notice it; None: something must."""

    def removed(self, aws: Aws) -> Any:
        """A context in which the permission is gone."""


@dataclass(frozen=True)
class FromRole:
    """A role's policy without one action, or with one resource that is another one."""

    role: str
    policy: str
    name: str
    before: str
    after: str
    reason: str | None

    @contextmanager
    def removed(self, aws: Aws) -> Iterator[None]:
        """The policy as it is without the permission."""
        self._put(aws, self.after)
        try:
            yield
        finally:
            self._put(aws, self.before)

    def _put(self, aws: Aws, document: str) -> None:
        aws.roles.put_role_policy(RoleName=self.role, PolicyName=self.policy, PolicyDocument=document)


@dataclass(frozen=True)
class FromFunction:
    """A statement of the resource policy of a function's alias."""

    function: str
    qualifier: str
    statement: Json
    reason: None = None

    @property
    def name(self) -> str:
        """Function and source."""
        source = self.statement["Condition"]["ArnLike"]["AWS:SourceArn"].split("/", 1)[1]
        return f"{self.function}:{self.qualifier} permission for {source}"

    @contextmanager
    def removed(self, aws: Aws) -> Iterator[None]:
        """The alias without the permission."""
        where = {"FunctionName": self.function, "Qualifier": self.qualifier, "StatementId": self.statement["Sid"]}
        aws.functions.remove_permission(**where)
        try:
            yield
        finally:
            aws.functions.add_permission(
                **where,
                Action=self.statement["Action"],
                Principal=self.statement["Principal"]["Service"],
                SourceArn=self.statement["Condition"]["ArnLike"]["AWS:SourceArn"],
            )


def find_removals(aws: Aws, aliases: list[str]) -> list[Removal]:
    """Everything that the roles and resource policies of functions say.

    Args:
        aws: Where they are deployed.
        aliases: ARNs of the functions' aliases.
    """
    found: list[Removal] = []
    for alias in aliases:
        *_, function, qualifier = alias.split(":")
        role = aws.functions.get_function_configuration(FunctionName=function)["Role"].rpartition("/")[2]
        for policy in aws.roles.list_role_policies(RoleName=role)["PolicyNames"]:
            document: Any = aws.roles.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
            found += _of_policy(role, policy, document if isinstance(document, dict) else json.loads(document))
        found += _of_alias(aws, function, qualifier)
    return found


def _of_policy(role: str, policy: str, document: Json) -> Iterator[FromRole]:
    for position, statement in enumerate(document["Statement"]):
        for kind, name, changed in _changes(statement):
            after = {**document, "Statement": list(document["Statement"])}
            after["Statement"][position : position + 1] = [changed] if changed["Action"] else []
            title = f"{role} {statement['Sid']} {kind} {name}"
            reason = UNCHECKABLE.get(statement["Sid"])
            yield FromRole(role, policy, title, json.dumps(document), json.dumps(after), reason)


def _changes(statement: Json) -> Iterator[tuple[str, str, Json]]:
    for action in statement["Action"]:
        yield "action", action, statement | {"Action": [other for other in statement["Action"] if other != action]}
    for resource in statement["Resource"]:
        if resource != "*":  # nothing else could stand there: these actions know no resources
            rest = [other for other in statement["Resource"] if other != resource]
            yield "resource", resource, statement | {"Resource": [*rest, resource + ELSEWHERE]}


def _of_alias(aws: Aws, function: str, qualifier: str) -> Iterator[FromFunction]:
    try:
        answer = aws.functions.get_policy(FunctionName=function, Qualifier=qualifier)
    except aws.functions.exceptions.ResourceNotFoundException:
        return
    for statement in json.loads(answer["Policy"])["Statement"]:
        yield FromFunction(function, qualifier, statement)
