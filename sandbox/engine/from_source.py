"""The Pulumi CLI built from its Go modules, for machines that the official download does not reach."""

import shutil
import subprocess
from collections import deque
from collections.abc import Mapping
from pathlib import Path

from sandbox import versions
from sandbox.engine.errors import EngineError
from sandbox.engine.progress import Command, Progress

COST = "4 to 6 minutes on two cores, once; 120 MB in {cache} and 3 GB in Go's own caches"
"""Measured; what remains in Go's caches can be freed afterwards."""

_MODULE = Path(__file__).parent
_PACKAGE = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
_STAMP = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version"
_TAIL_LINES = 20


def find_go(environ: Mapping[str, str]) -> str:
    """The ``go`` command on PATH.

    Raises:
        EngineError: There is none, or it is too old.
    """
    mend = f"install Go {versions.GO} or later (https://go.dev/dl), or put Pulumi {versions.CLI} or later on PATH"
    go = shutil.which("go", path=environ.get("PATH", ""))
    if go is None:
        raise EngineError(f"The Pulumi CLI cannot be downloaded here and building it needs Go: {mend}.")
    said = subprocess.run(
        [go, "version"], env={**environ, "GOTOOLCHAIN": "local"}, capture_output=True, text=True, check=False
    ).stdout.strip()
    found = versions.parse(said)
    if found is None or found < _oldest():
        raise EngineError(f"{go} is too old to build the Pulumi CLI ({said or 'no version'}): {mend}.")
    return go


def _oldest() -> versions.Version:
    oldest = versions.parse(versions.GO)
    assert oldest is not None
    return oldest


def build(go: str, binary: Path, *, environ: Mapping[str, str], progress: Progress) -> None:
    """Build the pinned CLI; Go's build cache makes a second try after an interruption quick.

    Raises:
        EngineError: The build failed; the text ends with what Go said last.
    """
    arguments = [
        *(go, "build", "-v", "-trimpath"),
        *("-ldflags", f"-s -w -X {_STAMP}=v{versions.CLI}"),
        *("-o", str(binary), _PACKAGE),
    ]
    # As the official distribution: no C compiler involved. A go.work above the checkout is none of our business.
    settings = {"GOFLAGS": "-mod=readonly", "GOWORK": "off", "CGO_ENABLED": "0", "GOTOOLCHAIN": "local"}
    tail: deque[str] = deque(maxlen=_TAIL_LINES)
    compiled, doing = 0, "starting"
    with Command(arguments, cwd=_MODULE, env={**environ, **settings}) as command:
        for line in command.lines():
            if line is not None:
                tail.append(line)
                downloading = line.startswith("go: downloading ")
                compiled += not downloading
                doing = line.removeprefix("go: ") if downloading else f"{compiled} packages compiled, {line}"
            progress.show(doing)
        if command.wait() != 0:
            raise EngineError("\n".join(["Building the Pulumi CLI failed; Go said:", *tail]))
