"""What a stack holds, read out of Pulumi's state. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

Json = dict[str, Any]

_STACK = "pulumi:pulumi:Stack"
_PROVIDER = "pulumi:providers:aws"
_ALIAS = "aws:lambda/alias:Alias"
_ACCOUNT = re.compile(r"arn:[\w-]+:[\w-]*:[\w-]*:(\d{12}):")


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource of AWS.

    Args:
        kind: Without the package: ``dynamodb/table:Table``.
        name: Its name in AWS, or its id.
        protected: Whether Pulumi refuses to delete it.
    """

    kind: str
    name: str
    protected: bool

    @property
    def label(self) -> str:
        """``Table my-app-connections``."""
        return f"{self.kind.rsplit(':', 1)[-1]} {self.name}"


@dataclass(frozen=True, slots=True)
class Deployment:
    """A deployed stack.

    Args:
        resources: Its AWS resources, in the order of their creation.
        outputs: The stack's outputs.
        region: Of its provider; None when nothing was ever deployed.
        account: 12 digits, out of the first ARN; None when there is none.
        size: Number of resources that the engine counts.
    """

    resources: tuple[Resource, ...]
    outputs: Json
    region: str | None
    account: str | None
    size: int
    aliases: dict[str, str]
    """Function name to the version that its alias names."""

    @classmethod
    def of(cls, state: Json | None) -> Self:
        """Read what ``pulumi stack export`` printed; None stands for a stack that does not exist."""
        found: list[Json] = ((state or {}).get("deployment") or {}).get("resources") or []
        aws = [entry for entry in found if entry.get("custom") and entry["type"].startswith("aws:")]
        return cls(
            resources=tuple(map(_resource, aws)),
            outputs=next((entry.get("outputs") or {} for entry in found if entry["type"] == _STACK), {}),
            # A provider that has made nothing binds the stack to no region.
            region=next(_regions(found), None) if aws else None,
            account=next(_accounts(aws), None),
            size=len(found),
            aliases=dict(_aliases(aws)),
        )

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing of it in AWS."""
        return not self.resources

    @property
    def protected(self) -> tuple[Resource, ...]:
        """The resources that Pulumi refuses to delete."""
        return tuple(resource for resource in self.resources if resource.protected)

    @property
    def functions(self) -> dict[str, str]:
        """Role to the ARN of the alias that serves."""
        return dict(self.outputs.get("functions") or {})

    @property
    def live_versions(self) -> dict[str, str]:
        """Role to the version that serves."""
        pairs = ((role, self.aliases.get(function_name(arn))) for role, arn in self.functions.items())
        return {role: version for role, version in pairs if version}

    def of_kind(self, kind: str) -> tuple[Resource, ...]:
        """The resources of one kind, such as ``cloudwatch/metricAlarm:MetricAlarm``."""
        return tuple(resource for resource in self.resources if resource.kind == kind)


def function_name(arn: str) -> str:
    """The function's name in its ARN, or in its alias's."""
    return arn.split(":")[6]


def function_arn(arn: str) -> str:
    """A function's ARN without version or alias."""
    return ":".join(arn.split(":")[:7])


def _resource(entry: Json) -> Resource:
    inputs = entry.get("inputs") or {}
    name = inputs.get("name") or inputs.get("functionName") or entry.get("id") or entry["urn"].rsplit("::", 1)[-1]
    return Resource(entry["type"].removeprefix("aws:"), str(name), bool(entry.get("protect")))


def _regions(resources: list[Json]) -> Iterator[str]:
    for entry in resources:
        if entry["type"] == _PROVIDER and (region := (entry.get("inputs") or {}).get("region")):
            yield str(region)


def _aliases(resources: list[Json]) -> Iterator[tuple[str, str]]:
    for entry in resources:
        if entry["type"] == _ALIAS:
            inputs = entry.get("inputs") or {}
            yield str(inputs.get("functionName")), str(inputs.get("functionVersion"))


def _accounts(resources: list[Json]) -> Iterator[str]:
    for entry in resources:
        if found := _ACCOUNT.match(str((entry.get("outputs") or {}).get("arn") or "")):
            yield found[1]
