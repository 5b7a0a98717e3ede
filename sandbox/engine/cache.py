"""Where downloads and builds are kept between checkouts, and how two runs share the place."""

import fcntl
import platform
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from sandbox import versions

_POLL_SECONDS = 0.2


def cache_directory(environ: Mapping[str, str]) -> Path:
    """``$TREBUCHE_CACHE``, else ``$XDG_CACHE_HOME/trebuche``, else ``~/.cache/trebuche``; need not exist."""
    if own := environ.get("TREBUCHE_CACHE"):
        return Path(own).expanduser().absolute()
    xdg = environ.get("XDG_CACHE_HOME", "")
    # The XDG specification: a relative path is to be ignored.
    base = Path(xdg) if xdg.startswith("/") else Path("~/.cache").expanduser()
    return base / "trebuche"


def cli_directory(cache: Path) -> Path:
    """The place of the pinned Pulumi CLI for this kind of machine; complete as soon as it exists."""
    return cache / f"pulumi-{versions.CLI}-{platform.system().lower()}-{platform.machine()}"


@contextmanager
def exclusively(lock: Path, *, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold a file lock; the kernel drops it when its holder dies.

    Args:
        lock: The lock file; made if need be.
        waiting: Called about five times a second while somebody else holds the lock.
    """
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("a") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                waiting()
                time.sleep(_POLL_SECONDS)
        yield
