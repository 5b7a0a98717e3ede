"""What a release's actors look like to clients: asked of the actors themselves, in a process of their own."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from infra.plan import PlannedActor
from trebuche.errors import ConfigError

_SECONDS = 60


def read_interface(root: Path, actors: tuple[PlannedActor, ...]) -> Any:
    """The document of ``trebuche.interface`` for actors that are planned.

    Raises:
        ConfigError: They cannot be loaded here; the text says why.
    """
    source = root / "lambda_src"
    words = [f"{one.declared.reference}={'stateful' if one.settings.stateful else 'stateless'}" for one in actors]
    done = subprocess.run(
        # Nothing is left behind (-B): a preview must not write into the source.
        [sys.executable, "-B", "-m", "trebuche.interface", *words], cwd=source, capture_output=True, text=True,
        check=False, timeout=_SECONDS, env={**os.environ, "PYTHONPATH": str(source)},
    )  # fmt: skip
    if done.returncode:
        reason = (done.stderr.strip() or f"exit code {done.returncode}").splitlines()[-1]
        raise ConfigError(f"the actors cannot be loaded on this machine: {reason}")
    return json.loads(done.stdout)
