"""The work of ``trebuche prune``."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from cli.account import CLIENT_CONFIG, speaking_to_aws
from cli.asking import Asker
from cli.deployment import function_name
from cli.output import FAILED, OK, Output
from cli.pulumi_stack import PulumiStack
from cli.target import Target, deployed_target

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient

_LATEST = "$LATEST"


@dataclass(frozen=True, slots=True)
class OldVersions:
    """The versions of one function that nothing refers to any more, oldest first, and how many stay."""

    function: str
    versions: tuple[str, ...]
    kept: int


def prune_and_print(output: Output, stack: PulumiStack, asker: Asker, *, keep: int) -> int:
    """List the old versions of a stack's functions, ask, and delete them; returns 1 when the answer is not yes.

    Args:
        output: Where to.
        stack: Whose functions.
        asker: Asks.
        keep: How many versions of each function stay, besides those that an alias names.

    Raises:
        UsageError: Nobody can be asked.
        CommandError: The stack is not deployed, or AWS refuses.
    """
    asker.check("deleted")
    target = deployed_target(stack)
    client = target.session.client("lambda", config=CLIENT_CONFIG)
    with speaking_to_aws(), output.status("Looking for old versions …"):
        found = [find_old(client, function_name(arn), keep) for arn in target.deployment.functions.values()]
    old = [one for one in found if one.versions]
    for line in [*target.lines(), *map(_line, old)]:
        output.tell(line)
    if old and not asker.agrees(output, "Delete these versions? There is no way back to them. Type 'yes': "):
        output.tell("Cancelled. Nothing was deleted.")
        if output.as_json:
            output.document({**target.describe(), "cancelled": True})
        return FAILED
    with speaking_to_aws():
        for one in old:
            for version in one.versions:
                client.delete_function(FunctionName=one.function, Qualifier=version)
    _print_done(output, target, old)
    return OK


def find_old(client: "LambdaClient", function: str, keep: int) -> OldVersions:
    """The versions that no alias names, but for the newest ``keep``."""
    numbers = sorted(map(int, _published(client, function)))
    in_use = set(_named_by_aliases(client, function))
    # At least one is kept: [-0:] would be all of them.
    newest = set(numbers[-keep:])
    old = tuple(str(number) for number in numbers if number not in newest and str(number) not in in_use)
    return OldVersions(function, old, len(numbers) - len(old))


def _published(client: "LambdaClient", function: str) -> Iterator[str]:
    for page in client.get_paginator("list_versions_by_function").paginate(FunctionName=function):
        yield from (one["Version"] for one in page["Versions"] if one["Version"] != _LATEST)


def _named_by_aliases(client: "LambdaClient", function: str) -> Iterator[str]:
    """Also those that an alias sends only a part of its calls to."""
    for page in client.get_paginator("list_aliases").paginate(FunctionName=function):
        for alias in page["Aliases"]:
            yield alias["FunctionVersion"]
            yield from alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})


def _line(old: OldVersions) -> str:
    return f"  • {old.function}: {len(old.versions)} old versions ({old.versions[0]} to {old.versions[-1]})"


def _print_done(output: Output, target: Target, old: list[OldVersions]) -> None:
    if output.as_json:
        output.document({**target.describe(), "deleted": [asdict(one) for one in old]})
        return
    for one in old:
        output.result(f"{one.function}: {len(one.versions)} versions deleted, {one.kept} kept")
    if not old:
        output.line("Nothing to delete.")
    output.note("Pulumi: no command does this; it knows the current version of each function only.")
