"""The JavaScript client against a deployed stack."""

import json

from tests.loop.conftest import Deployed
from tests.support.javascript import install, run, said


def test_javascript_client_serves_a_program(deployed: Deployed, todos: str) -> None:
    """A program in node calls, with much too, and observes; the gateway answers its pings, so it keeps its socket."""
    install()
    done = run("node", "test/deployed.js", deployed.endpoint, todos)

    assert done.returncode == 0, said(done)
    assert json.loads(done.stdout) == {
        "seen": [
            {"titles": [], "sequence": 1, "recovered": None},
            {"titles": ["Käse & Brot"], "sequence": 2, "recovered": None},
            {"titles": [], "sequence": 3, "recovered": None},
        ],
        "sockets": 1,
        "title": "Käse & Brot",
        "refused": "Todo 'nothing' not found",
        "large": True,
        "nothing": True,
    }
