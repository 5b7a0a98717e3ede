"""The program on a sandbox of its own, for proofs and measurements outside of pytest."""

import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.loop.conftest import STACK, Aws, Deployed, Local
from tests.loop.workshop import Workshop

QUIET: Final = ("--yes", "--skip-preview", "--non-interactive", "--stack", STACK)


@contextmanager
def deployed_stack(settings: Mapping[str, str] | None = None, *, config: str = "") -> Iterator[Deployed]:
    """Start a sandbox and deploy the program.

    Args:
        settings: Values of its stack file by their paths.
        config: What its trebuche.yaml says besides what it is shipped with.
    """
    with tempfile.TemporaryDirectory() as folder:
        workshop = Workshop.create(Path(folder) / "checkout")
        with (workshop.root / "trebuche.yaml").open("a") as file:
            file.write(config)
        workshop.trebuche("sandbox", "start")
        try:
            environment = json.loads(workshop.trebuche("sandbox", "env", "--json").stdout)["set"]
            local = Local(workshop, environment, Aws(environment))
            local.pulumi("stack", "init", STACK, "--no-select")
            for path, value in (settings or {}).items():
                local.pulumi("config", "set", "--stack", STACK, "--path", path, value)
            local.pulumi("up", *QUIET)
            outputs = json.loads(local.pulumi("stack", "output", "--json", "--stack", STACK).stdout)
            yield Deployed(local, outputs["wss_endpoint"], outputs)
        finally:
            workshop.trebuche("sandbox", "stop")
