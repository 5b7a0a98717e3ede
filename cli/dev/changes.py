"""Notices that the sources of the program or of the functions changed."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from watchfiles import Change, DefaultFilter, awatch

_FOLDERS = ("infra", "lambda_src")
_FILES = frozenset({"trebuche.yaml", "__main__.py", "Pulumi.yaml"})
_DEBOUNCE_MS = 200


class SourceFilter(DefaultFilter):
    """Lets through what a deploy depends on: no caches, no editor's leftovers, no local records."""

    ignore_dirs = (*DefaultFilter.ignore_dirs, ".trebuche", ".venv-emulator")

    def __init__(self, root: Path) -> None:
        super().__init__()
        self._root = root

    def __call__(self, change: Change, path: str) -> bool:
        """Whether a changed path matters."""
        if not super().__call__(change, path):
            return False
        parts = Path(path).relative_to(self._root).parts
        return parts[0] in _FOLDERS or (len(parts) == 1 and parts[0] in _FILES)


class SourceChanges:
    """Collects changed paths; those that come during a deploy wait for the next one."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()
        self._paths: set[str] = set()
        self._some = asyncio.Event()

    async def watch(self) -> None:
        """Collect until cancelled."""
        await asyncio.gather(
            self._collect(*(self._root / folder for folder in _FOLDERS), recursive=True),
            # Not recursively: environments and local records lie below.
            self._collect(self._root, recursive=False),
        )

    async def batches(self) -> AsyncIterator[list[str]]:
        """Yield what changed, each time that something did: paths relative to the checkout, sorted."""
        while True:
            await self._some.wait()
            self._some.clear()
            paths, self._paths = self._paths, set()
            yield sorted(str(Path(path).relative_to(self._root)) for path in paths)

    async def _collect(self, *paths: Path, recursive: bool) -> None:
        source_filter = SourceFilter(self._root)
        async for changes in awatch(*paths, watch_filter=source_filter, debounce=_DEBOUNCE_MS, recursive=recursive):
            self._paths.update(path for _, path in changes)
            self._some.set()
