"""The Pulumi CLI: from PATH if it is new enough, else downloaded, else built; kept for all checkouts."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from sandbox import versions
from sandbox.engine import from_source, official
from sandbox.engine.cache import cache_directory, cli_directory, exclusively
from sandbox.engine.errors import EngineError
from sandbox.engine.progress import Progress

SANDBOX_BIN_MARK = ".trebuche-sandbox-bin"
"""Names a ``bin`` folder as the sandbox's own, which a shell may have on its PATH; never a source of the CLI."""

_VERSION_TIMEOUT_SECONDS = 20


def ensure_cli(console: Console, environ: Mapping[str, str] = os.environ) -> Path:
    """The ``pulumi`` to use, fetched or built on the first call on this machine.

    Args:
        console: Where progress and the reasons for a choice are told.
        environ: The variables to read PATH and the cache's place from.

    Raises:
        EngineError: It can be neither found, nor downloaded, nor built.
    """
    return _from_path(console, environ) or _from_cache(console, environ)


def foreign_path(environ: Mapping[str, str]) -> str:
    """PATH without the ``bin`` folders of sandboxes."""
    folders = environ.get("PATH", "").split(os.pathsep)
    return os.pathsep.join(folder for folder in folders if not (Path(folder) / SANDBOX_BIN_MARK).exists())


def _from_path(console: Console, environ: Mapping[str, str]) -> Path | None:
    found = shutil.which("pulumi", path=foreign_path(environ))
    if found is None:
        return None
    version = _version_of(found, environ)
    if version is not None and version >= _pinned():
        return Path(found)
    said = ".".join(map(str, version)) if version else "of an unknown version"
    _say(console, f"{found} is {said}, not {versions.CLI} or later: another one is used here until you update it.")
    return None


def _version_of(pulumi: str, environ: Mapping[str, str]) -> versions.Version | None:
    # Every pulumi command leaves a log in its home.
    with TemporaryDirectory(prefix="trebuche-") as home:
        try:
            done = subprocess.run(
                [pulumi, "version"],
                env={**environ, "PULUMI_SKIP_UPDATE_CHECK": "true", "PULUMI_HOME": home},
                capture_output=True,
                text=True,
                timeout=_VERSION_TIMEOUT_SECONDS,
                check=True,
            )
        except (OSError, subprocess.SubprocessError):
            return None
    return versions.parse(done.stdout)


def _from_cache(console: Console, environ: Mapping[str, str]) -> Path:
    cache = cache_directory(environ)
    target = cli_directory(cache)
    binary = target / "bin" / "pulumi"
    if binary.is_file():
        return binary
    try:
        with exclusively(cache / f"{target.name}.lock", waiting=_tell_once(console)):
            # Another run may have made it while this one waited.
            if not binary.is_file():
                _make(target, console=console, environ=environ)
    except OSError as error:
        mend = "make it writable, free some space, or set TREBUCHE_CACHE to another folder"
        raise EngineError(f"The cache {cache} cannot be used ({error}): {mend}.") from error
    return binary


def _tell_once(console: Console) -> Callable[[], None]:
    told: list[str] = []

    def tell() -> None:
        if not told:
            told.append("Another run is getting the Pulumi CLI: waiting for it.")
            _say(console, told[0])

    return tell


def _make(target: Path, *, console: Console, environ: Mapping[str, str]) -> None:
    """Fill a folder beside ``target`` and rename it, so that an interruption never leaves half a CLI in place."""
    with _empty(target.with_name(f"{target.name}.new")) as new:
        with Progress(console, f"Downloading the Pulumi CLI {versions.CLI}") as progress:
            downloaded = official.download(new, environ=environ, progress=progress)
        if not downloaded:
            _build(new, console=console, environ=environ)
        _check(new / "bin" / "pulumi", environ)
        new.rename(target)


@contextmanager
def _empty(folder: Path) -> Iterator[Path]:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _build(new: Path, *, console: Console, environ: Mapping[str, str]) -> None:
    shutil.rmtree(new)
    (new / "bin").mkdir(parents=True)
    go = from_source.find_go(environ)
    cost = from_source.COST.format(cache=cache_directory(environ))
    _say(console, f"The official Pulumi CLI cannot be downloaded here: building {versions.CLI} with Go.")
    _say(console, f"This takes {cost}. Ctrl-C is safe: the next run goes on where this one stopped.")
    with Progress(console, f"Building the Pulumi CLI {versions.CLI}") as progress:
        from_source.build(go, new / "bin" / "pulumi", environ=environ, progress=progress)


def _check(binary: Path, environ: Mapping[str, str]) -> None:
    version = _version_of(str(binary), environ)
    if version != _pinned():
        raise EngineError(f"The Pulumi CLI that was just made says version {version}, not {versions.CLI}.")


def _pinned() -> versions.Version:
    pinned = versions.parse(versions.CLI)
    assert pinned is not None
    return pinned


def _say(console: Console, text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)
