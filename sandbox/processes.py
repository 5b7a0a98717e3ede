"""Which processes another one has started, by Linux's ``/proc``: a sandbox looks at nobody else's."""

import contextlib
import io
import os
from collections.abc import Iterator


def children(pid: int) -> Iterator[int]:
    """The process ids of its children, whichever of its threads started them; none when it is gone."""
    with contextlib.suppress(OSError), os.scandir(f"/proc/{pid}/task") as tasks:
        for task in tasks:
            with contextlib.suppress(OSError):
                yield from map(int, read(f"{task.path}/children").split())


def descendants(pid: int) -> Iterator[int]:
    """The process ids of its children, of theirs, and so on; each parent before its children."""
    for child in children(pid):
        yield child
        yield from descendants(child)


def read(path: str) -> bytes:
    """A file of ``/proc``, without what ``pathlib`` costs: hundreds are read in each second.

    Raises:
        OSError: The process has ended, or is another user's.
    """
    with io.FileIO(path) as file:
        return file.readall()
