"""The public rival: aiobotocore, in an environment of its own, since it pins another botocore than ours.

It is made when the benchmark first runs; without the network there is none, and the benchmark says so.
"""

import json
import subprocess
from pathlib import Path
from typing import Final

from bench.fan_out.server import Server
from bench.fan_out.workload import Workload
from sandbox.setup import ensure_environment

ROOT: Final = Path(__file__).resolve().parents[3]
HERE: Final = Path(__file__).parent
ENVIRONMENT: Final = ROOT / ".trebuche" / "rival"


def install() -> None:
    """Make the environment, unless it is there.

    Raises:
        SetupError: It cannot be made.
    """
    ENVIRONMENT.parent.mkdir(exist_ok=True)
    ensure_environment(ENVIRONMENT, root=ROOT, lock=HERE / "requirements.txt")


def send(server: Server, work: Workload) -> float:
    """Have its process post everything that is ready; seconds of processor time, without the interpreter's start."""
    command = [str(ENVIRONMENT / "bin" / "python"), "-I", str(HERE / "sender.py"), server.endpoint]
    ready = json.dumps(work.ready())
    done = subprocess.run(command, input=ready, capture_output=True, text=True, check=True)
    return float(done.stdout)
