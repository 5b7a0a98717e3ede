"""The server in a process of its own, so that its processor time is not the sender's."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from bench.fan_out.management_api import CREDENTIALS, REGION
from bench.fan_out.workload import GONE_SHARE


@dataclass(frozen=True)
class Server:
    """The stage in its own process."""

    endpoint: str
    ask: IO[str]
    answers: IO[str]

    def report(self) -> dict[str, Any]:
        """What it let through since the last report, and what it refused."""
        print(file=self.ask, flush=True)
        report: dict[str, Any] = json.loads(self.answers.readline())
        return report


@contextmanager
def running_server(certificate: Path) -> Iterator[Server]:
    """A server that is stopped in the end; its certificate is written to a file."""
    os.environ |= {"AWS_CA_BUNDLE": str(certificate), **_identity()}
    command = [sys.executable, "-m", "bench.fan_out.management_api", str(certificate), "--gone", str(GONE_SHARE)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with process:
        assert process.stdin
        assert process.stdout
        yield Server(process.stdout.readline().strip(), process.stdin, process.stdout)
        process.stdin.close()


def _identity() -> dict[str, str]:
    return {
        "AWS_ACCESS_KEY_ID": CREDENTIALS.access_key,
        "AWS_SECRET_ACCESS_KEY": CREDENTIALS.secret_key,
        "AWS_SESSION_TOKEN": CREDENTIALS.token or "",
        "AWS_DEFAULT_REGION": REGION,
    }
