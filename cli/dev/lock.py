"""One ``trebuche dev`` per checkout: a lock that the system releases however its holder ends."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cli.checkout import record_folder
from cli.errors import CommandError


@contextmanager
def only_one(root: Path) -> Iterator[None]:
    """Hold the checkout's lock.

    Raises:
        CommandError: Another process holds it; the text names its id.
    """
    # Not "w": that would wipe out the id of the process that holds it.
    with (record_folder(root) / "dev.lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise CommandError(
                f"`trebuche dev` is already running here (process {_holder(root)}); stop it with Ctrl-C first."
            ) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
        file.truncate(0)


def holder(root: Path) -> int | None:
    """The id of the process that runs ``trebuche dev`` here, if there is one."""
    path = root / ".trebuche" / "dev.lock"
    if not path.exists():
        return None
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return int(_holder(root))
    return None


def _holder(root: Path) -> str:
    return (root / ".trebuche" / "dev.lock").read_text() or "0"
