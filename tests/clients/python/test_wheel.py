"""The Python client as somebody installs it who has nothing else of ours."""

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.endpoint import as_data

CHECKOUT = Path(__file__).resolve().parents[3]
PROGRAM = """
import asyncio, json, sys
sys.path[:0] = sys.argv[2:]
from trebuche import Actor
from trebuche_client import TrebuchetClient

async def main():
    async with TrebuchetClient(sys.argv[1]) as client:
        return await client.resolve("todos").add_todo("Buy milk")

result = asyncio.run(main())
ours = sorted(name for name in sys.modules if name.split(".")[0] in ("cli", "infra", "sandbox", "boto3"))
print(json.dumps([result, ours]))
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what is in the wheel, and with websockets, which it needs."""
    folder = tmp_path_factory.mktemp("wheel")
    ignored = shutil.ignore_patterns("__pycache__", "build", "*.egg-info")
    for part in ("clients/python", "lambda_src/trebuche"):
        shutil.copytree(CHECKOUT / part, folder / part, ignore=ignored)
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    where = ["--wheel-dir", str(folder / "wheels"), str(folder / "clients/python")]
    subprocess.run([*pip, "wheel", "--no-deps", "--no-build-isolation", *where], check=True, timeout=120)
    [wheel] = (folder / "wheels").iterdir()
    target = folder / "site"
    subprocess.run([*pip, "install", "--no-deps", "--no-index", "--target", target, wheel], check=True, timeout=120)
    websockets = importlib.util.find_spec("websockets")
    assert websockets is not None
    assert websockets.origin is not None
    (target / "websockets").symlink_to(Path(websockets.origin).parent)
    return target


def test_client_works_without_our_other_packages(installed: Path, serving: Any) -> None:
    """A program that has the wheel and websockets alone calls an actor."""

    async def script(peer: Any) -> None:
        frame = await peer.receive()
        await peer.send("response", callID=frame["payload"]["callID"], result=as_data({"title": "Buy milk"}))
        await peer.until_closed()

    endpoint = serving(script)
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", PROGRAM, endpoint.url, str(installed)],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [{"title": "Buy milk"}, []]


def test_wheel_holds_no_runtime(installed: Path) -> None:
    """What runs on AWS stays there; what the client is typed with comes along."""
    shared = {file.stem for file in (installed / "trebuche").glob("*.py")}
    assert "envelopes" in shared
    assert shared & {"runtime", "turn", "gateway", "catch_up", "worker"} == set()
    assert not (installed / "trebuche" / "adapters").exists()
    assert (installed / "trebuche_client" / "py.typed").exists()
