"""From the last version to this one: tables, which hold what users stored, stay where they are."""

import asyncio
import io
import json
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.loop.conftest import Local
from tests.loop.peer import Peer
from tests.loop.workshop import CHECKOUT, Workshop

KEPT = Path(__file__).with_name("last_version.tar.xz")
"""The program of an older version, for checkouts in which git knows none (docs/upgrade.md)."""
PROGRAM = ("infra", "lambda_src", "__main__.py", "Pulumi.yaml", "trebuche.yaml")
TABLE = "aws:dynamodb/table:Table"
STACK = "upgrade"
UP = ("up", "--yes", "--skip-preview", "--non-interactive")


def tables(state: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What decides whether a table is kept: its place in the program, its name, keys and stream."""
    found = {}
    for one in state["deployment"]["resources"]:
        if one["type"] == TABLE:
            given = one["inputs"]
            found["::".join(one["urn"].split("::")[2:])] = {
                "name": given["name"],
                "hashKey": given["hashKey"],
                "rangeKey": given.get("rangeKey"),
                "indexes": sorted(index["name"] for index in given.get("globalSecondaryIndexes", [])),
                "streamViewType": given.get("streamViewType"),
                # Of a table that was made anew it is another one.
                "stream": one["outputs"].get("streamArn"),
            }
    return found


def last_program() -> bytes:
    """The program as it was tagged last before this commit; an older one where git knows of none that is another."""
    described = _git("describe", "--tags", "--abbrev=0", "--match", "v*", "HEAD^")
    tag = described.stdout.decode().strip()
    if described.returncode != 0 or _git("diff", "--quiet", tag, "HEAD", "--", *PROGRAM).returncode == 0:
        return KEPT.read_bytes()
    archive = _git("archive", tag, *PROGRAM)
    assert archive.returncode == 0, archive.stderr.decode()
    return archive.stdout


def program_of(workshop: Workshop) -> dict[str, bytes]:
    """The files of a checkout's program."""
    parts = (workshop.root / name for name in PROGRAM)
    files = (file for part in parts for file in (part.rglob("*") if part.is_dir() else [part]))
    return {
        str(file.relative_to(workshop.root)): file.read_bytes()
        for file in files
        if file.is_file() and file.suffix != ".pyc"
    }


def _git(*words: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["git", *words], cwd=CHECKOUT, capture_output=True, check=False)


@pytest.fixture
def older(tmp_path: Path) -> Workshop:
    """A checkout with the last version's program."""
    workshop = Workshop.create(tmp_path / "a checkout of ours")
    for part in ("infra", "lambda_src"):
        shutil.rmtree(workshop.root / part)
    with tarfile.open(fileobj=io.BytesIO(last_program())) as archive:
        archive.extractall(workshop.root, filter="data")
    return workshop


@pytest.fixture
def newer(local: Local) -> Iterator[Workshop]:
    """A checkout with this version's program; removes the stack at the end."""
    local.pulumi("stack", "init", STACK, "--no-select")
    yield local.workshop
    local.pulumi("destroy", "--yes", "--skip-preview", "--non-interactive", "--stack", STACK)
    local.pulumi("stack", "rm", "--yes", "--stack", STACK)


async def add(endpoint: str, title: str) -> list[str]:
    """Add a todo; all titles, as its observers see them."""
    async with Peer.at(endpoint) as peer:
        await peer.call("todos/kept", "addTodo", title)
        [first, *_] = await (await peer.observe("todos/kept")).until(1)
        return [todo["title"] for todo in first["todos"]]


def test_upgrade_replaces_and_deletes_no_table(local: Local, older: Workshop, newer: Workshop) -> None:
    """The last version is deployed and used; this one takes its place on the same tables, and reads what is there."""

    def pulumi(checkout: Workshop, *words: str) -> str:
        return checkout.pulumi(local.environment, *words, "--stack", STACK).stdout

    def endpoint(checkout: Workshop) -> str:
        return str(json.loads(pulumi(checkout, "stack", "output", "--json"))["wss_endpoint"])

    assert program_of(older) != program_of(newer)
    pulumi(older, *UP)
    before = tables(json.loads(pulumi(older, "stack", "export")))
    stored = asyncio.run(add(endpoint(older), "Milk"))
    steps = json.loads(pulumi(newer, "preview", "--json"))["steps"]
    touched = {one["op"] for one in steps if one["urn"].split("::")[-2].endswith(TABLE)}
    pulumi(newer, *UP)
    after = tables(json.loads(pulumi(newer, "stack", "export")))
    read = asyncio.run(add(endpoint(newer), "Bread"))
    pulumi(newer, "preview", "--expect-no-changes", "--non-interactive")

    assert len(before) >= 4
    assert {place: after.get(place) for place in before} == before
    assert touched <= {"same", "update", "create"}
    assert (stored, read) == (["Milk"], ["Milk", "Bread"])
