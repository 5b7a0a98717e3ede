"""From the last version to this one: tables, which hold what users stored, stay where they are."""

import io
import json
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any

from tests.loop.conftest import Deployed, Local
from tests.loop.workshop import CHECKOUT, Workshop

LAST_VERSION = Path(__file__).with_name("last_version_tables.json")
"""The tables of the last version's deployment, by what Pulumi knows them by; written anew when a version is tagged."""
PROGRAM = ("infra", "lambda_src", "__main__.py", "Pulumi.yaml", "trebuche.yaml")
TABLE = "aws:dynamodb/table:Table"
STAGE = "STACK"


def tables(state: dict[str, Any], stack: str) -> dict[str, dict[str, Any]]:
    """What decides whether a table is kept: its place in the program, its name, keys and stream."""
    found = {}
    for one in state["deployment"]["resources"]:
        if one["type"] == TABLE:
            given = one["inputs"]
            found["::".join(one["urn"].split("::")[2:])] = {
                "name": given["name"].replace(f"-{stack}", f"-{STAGE}"),
                "hashKey": given["hashKey"],
                "rangeKey": given.get("rangeKey"),
                "indexes": sorted(index["name"] for index in given.get("globalSecondaryIndexes", [])),
                "streamViewType": given.get("streamViewType"),
            }
    return found


def test_tables_are_where_the_last_version_had_them(deployed: Deployed) -> None:
    """The engine would replace a table whose place, name or key changed, and with it what is stored."""
    last = json.loads(LAST_VERSION.read_text())
    now = tables(json.loads(deployed.pulumi("stack", "export").stdout), "loop")

    assert len(last) >= 4
    assert {place: now.get(place) for place in last} == last


def last_program() -> bytes:
    """The program as it was tagged last; where no tag is at hand, as it was committed last."""
    described = _git("describe", "--tags", "--abbrev=0", "--match", "v*")
    revision = described.stdout.decode().strip() if described.returncode == 0 else "HEAD"
    archive = _git("archive", revision, *PROGRAM)
    assert archive.returncode == 0, archive.stderr.decode()
    return archive.stdout


def _git(*words: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["git", *words], cwd=CHECKOUT, capture_output=True, check=False)


def test_upgrade_replaces_and_deletes_no_table(local: Local, tmp_path: Path) -> None:
    """The last version is deployed and used; this one takes its place with the same tables and what is in them."""
    workshop = Workshop.create(tmp_path / "a checkout of ours")
    with tarfile.open(fileobj=io.BytesIO(last_program())) as archive:
        for part in ("infra", "lambda_src"):
            shutil.rmtree(workshop.root / part)
        archive.extractall(workshop.root, filter="data")

    def pulumi(root: Workshop, *words: str) -> str:
        return root.pulumi(local.environment, *words, "--stack", "upgrade").stdout

    pulumi(workshop, "stack", "init", "--no-select")
    try:
        pulumi(workshop, "up", "--yes", "--skip-preview", "--non-interactive")
        outputs = json.loads(pulumi(workshop, "stack", "output", "--json"))
        local.aws.dynamodb.put_item(
            TableName=outputs["state_table"],
            Item={"actorId": {"S": "todos"}, "state": {"B": b'{"todos":[]}'}, "version": {"N": "7"}},
        )
        steps = json.loads(pulumi(local.workshop, "preview", "--json"))["steps"]
        touched = {one["op"] for one in steps if one["urn"].split("::")[-2].endswith(TABLE)}
        pulumi(local.workshop, "up", "--yes", "--skip-preview", "--non-interactive")
        kept = local.aws.dynamodb.get_item(TableName=outputs["state_table"], Key={"actorId": {"S": "todos"}})
        pulumi(local.workshop, "preview", "--expect-no-changes", "--non-interactive")
    finally:
        pulumi(local.workshop, "destroy", "--yes", "--skip-preview", "--non-interactive")
        pulumi(local.workshop, "stack", "rm", "--yes")

    assert touched <= {"same", "update", "create"}
    assert kept["Item"]["version"] == {"N": "7"}
