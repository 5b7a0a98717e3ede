"""Many sockets at once; ``python -m bench.sockets`` holds 2,000."""

import asyncio

from bench.sockets import deploy, hold
from sandbox.client import RunningSandbox
from tests.support.sandbox import Aws


def test_an_update_posted_to_many_sockets_reaches_each_of_them(sandbox: RunningSandbox, aws: Aws) -> None:
    """Every socket reads its own update, once, before what is posted to it next."""
    report = asyncio.run(hold(aws, deploy(aws), sockets=200, front_pid=sandbox.record.pid))
    print(f"{report.bytes_per_socket} bytes of the front's memory per socket")
    assert (report.sockets, report.lost) == (200, 0)
