"""The client in full of docs/streaming.md, run as a reader of the page would run it."""

import asyncio
import json
import re
import subprocess
import sys
from pathlib import Path

from sandbox.handle import Handle
from tests.loop.conftest import Deployed
from tests.loop.peer import Peer
from tests.loop.workshop import clean_environment, eventually

PAGE = Path(__file__).resolve().parents[2] / "docs" / "streaming.md"


def test_client_of_the_page_sees_every_version_through_cuts(deployed: Deployed, todos: str, tmp_path: Path) -> None:
    """Its sockets break under it, and it prints each state once, in order."""
    [program] = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "watch.py").write_text(program)
    printed = tmp_path / "states"
    with printed.open("w") as out:
        watcher = subprocess.Popen(
            [sys.executable, str(tmp_path / "watch.py"), deployed.endpoint, todos],
            env=clean_environment({}),
            stdout=out,
        )
    try:
        eventually(lambda: printed.read_text().count("\n") == 1, seconds=60, what="the first state")
        faults = Handle(deployed.local.environment["AWS_ENDPOINT_URL"]).faults
        with faults.during("cut-socket", count=2):
            asyncio.run(_add(deployed, todos, 5))
            eventually(lambda: printed.read_text().count("\n") == 6, seconds=60, what="the last state")
            [cut] = [fault["set"] for fault in faults.describe() if fault["name"] == "cut-socket"]
    finally:
        watcher.kill()
        watcher.wait()
    assert cut["taken"] == 2
    assert [_read(line) for line in printed.read_text().splitlines()] == [(n + 1, n) for n in range(6)]


async def _add(deployed: Deployed, actor: str, count: int) -> None:
    async with Peer.at(deployed.endpoint) as peer:
        for number in range(count):
            await peer.call(actor, "addTodo", str(number))


def _read(line: str) -> tuple[int, int]:
    """Its number, and how many todos there were."""
    number, state = line.split(" ", 1)
    return int(number), len(json.loads(state)["todos"])
