"""The official installer, through the SDK; run as a module so that a hanging network can be cut off from outside."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from sandbox import versions
from sandbox.engine.progress import Progress

STALL_SECONDS = 10.0
_TOTAL_SECONDS = 300.0
_POLL_SECONDS = 0.2


def download(
    target: Path, *, environ: Mapping[str, str], progress: Progress, stall_seconds: float = STALL_SECONDS
) -> bool:
    """Install the pinned CLI into ``target``/bin.

    Args:
        target: An empty folder.
        environ: The environment of the installer.
        progress: Told how much has arrived.
        stall_seconds: How long the network may bring nothing: a host that does not answer costs this much,
            while a slow line may take its time (five minutes at most).

    Returns:
        Whether ``target``/bin/pulumi is there; a partial download is removed.
    """
    downloads = target / "tmp"
    downloads.mkdir(parents=True)
    # The installer's own children (curl, tar) share its session, so that one signal ends them all.
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "sandbox.engine.official", str(target)],
        env={**environ, "TMPDIR": str(downloads)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        finished = _watch(process, target, progress=progress, stall_seconds=stall_seconds)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    shutil.rmtree(downloads)
    return finished and process.returncode == 0 and (target / "bin" / "pulumi").is_file()


def _watch(process: subprocess.Popen[bytes], target: Path, *, progress: Progress, stall_seconds: float) -> bool:
    started = moved = time.monotonic()
    size = -1
    while process.poll() is None:
        time.sleep(_POLL_SECONDS)
        now = time.monotonic()
        if (present := _bytes_below(target)) != size:
            size, moved = present, now
        progress.show(f"{size // 1_000_000} MB")
        if now - moved > stall_seconds or now - started > _TOTAL_SECONDS:
            return False
    return True


def _bytes_below(directory: Path) -> int:
    total = 0
    for path in directory.rglob("*"):
        try:
            total += path.lstat().st_size
        except FileNotFoundError:
            continue
    return total


def main() -> None:
    """Install into the folder given as the first argument."""
    from pulumi.automation import PulumiCommand
    from semver import VersionInfo

    PulumiCommand.install(root=sys.argv[1], version=VersionInfo.parse(versions.CLI))


if __name__ == "__main__":
    main()
