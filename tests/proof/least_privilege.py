"""``python -m tests.proof.least_privilege``: take each permission away, and see that something fails.

Each action and each resource of each statement of each role, and each permission on a function, is removed in turn
from a deployed stack, and put back. A removal that no check notices is a permission that nobody needs.
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tests.loop.conftest import Aws, Deployed
from tests.loop.stack import deployed_stack
from tests.proof.removals import Removal, find_removals
from tests.proof.scenario import Failure, Scenario

SETTINGS: Final = {
    "trebuche:tracing": "true",
    "trebuche:encryptionKeyArn": "arn:aws:kms:us-east-1:000000000000:key/0a1b",
}
"""Every permission that the program can ask for."""
PATIENT_SECONDS: Final = 30.0
"""For a check that has to hold, with functions that may start cold."""


@dataclass(frozen=True)
class Finding:
    """What became of a removal: the check that failed; or why nothing can notice it; or neither: it is unused."""

    removal: Removal
    caught_by: Failure | None = None

    @property
    def unused(self) -> bool:
        """Whether nothing needs the permission."""
        return self.caught_by is None and self.removal.reason is None


@contextmanager
def giving_up_at_once(deployed: Deployed) -> Iterator[None]:
    """Let the mapping give a failing batch up at once, so that one removal leaves nothing behind for the next."""
    client, alias = deployed.aws.functions, deployed.outputs["functions"]["stream-processor"]
    [mapping] = client.list_event_source_mappings(FunctionName=alias)["EventSourceMappings"]
    before: dict[str, Any] = {
        name: value for name, value in mapping.items() if name in ("MaximumRetryAttempts", "BisectBatchOnFunctionError")
    }
    client.update_event_source_mapping(UUID=mapping["UUID"], MaximumRetryAttempts=0, BisectBatchOnFunctionError=False)
    try:
        yield
    finally:
        client.update_event_source_mapping(UUID=mapping["UUID"], **before)


async def examine(scenario: Scenario, aws: Aws, removal: Removal) -> Finding:
    """Run the scenario without one permission; a check that fails must hold again with it.

    Raises:
        SystemExit: It does not: something else is broken.
    """
    if removal.reason is not None:
        return Finding(removal)
    with removal.removed(aws):
        failure = await scenario.first_failure()
        if failure is not None:  # alone, so that it is not for want of time
            failure = await scenario.failure_of(failure.check)
        if failure is None:
            failure = await scenario.first_failure(seconds=PATIENT_SECONDS, at_once=1)
    if failure is not None:
        again = await scenario.failure_of(failure.check, seconds=PATIENT_SECONDS)
        if again is not None:
            raise SystemExit(f"With {removal.name} put back, {again}")
    return Finding(removal, failure)


async def _run(deployed: Deployed, only: str, console: Console) -> list[Finding]:
    scenario = Scenario(deployed)
    await _demand_all(scenario, "before anything is removed")
    removals = find_removals(deployed.aws, list(deployed.outputs["functions"].values()))
    chosen = [removal for removal in removals if only in removal.name]
    findings = []
    for number, removal in enumerate(chosen, 1):
        started = time.monotonic()
        findings.append(await examine(scenario, deployed.aws, removal))
        mark = "[red]✗[/]" if findings[-1].unused else "[yellow]-[/]" if removal.reason else "[green]✓[/]"
        seconds = time.monotonic() - started
        said = findings[-1].caught_by or removal.reason or "nothing noticed"
        line = f"{number:3}/{len(chosen)} {removal.name} {seconds:.1f} s: {said}"
        console.print(f"{mark} {escape(line)}", soft_wrap=True)
    await _demand_all(scenario, "after everything was put back")
    return findings


async def _demand_all(scenario: Scenario, when: str) -> None:
    failed = await scenario.first_failure(seconds=PATIENT_SECONDS, at_once=1)
    if failed is not None:
        raise SystemExit(f"The scenario fails {when}: {failed}")


def main(words: Sequence[str] | None = None) -> int:
    """Run the proof; 0 when no permission is unused."""
    parser = argparse.ArgumentParser(prog="python -m tests.proof.least_privilege", description=__doc__)
    parser.add_argument("--only", default="", help="removals whose name holds this text")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    chosen = parser.parse_args(words)
    console = Console(stderr=chosen.json, highlight=False)
    with deployed_stack(SETTINGS) as deployed, giving_up_at_once(deployed):
        findings = asyncio.run(_run(deployed, chosen.only, console))
    _print_table(findings, console)
    unused = [finding.removal.name for finding in findings if finding.unused]
    if chosen.json:
        print(json.dumps(_document(findings, unused)))
    return 1 if unused or not findings else 0


def _document(findings: Sequence[Finding], unused: Sequence[str]) -> dict[str, object]:
    return {
        "removals": len(findings),
        "caught": {one.removal.name: one.caught_by.check for one in findings if one.caught_by},
        "uncheckable": {one.removal.name: one.removal.reason for one in findings if one.removal.reason},
        "unused": list(unused),
    }


def _print_table(findings: Sequence[Finding], console: Console) -> None:
    table = Table("", "removals", title="Least privilege")
    table.add_row("removed", str(len(findings)))
    table.add_row("caught", str(sum(finding.caught_by is not None for finding in findings)))
    table.add_row("uncheckable", str(sum(finding.removal.reason is not None for finding in findings)))
    table.add_row("unused", str(sum(finding.unused for finding in findings)))
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
