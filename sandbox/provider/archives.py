"""Assets and archives → bytes.

Full content arrives only with Check, Create and the new side of Update; everywhere else the engine sends the hash
alone. Relative paths are relative to the program's directory, which is the provider's working directory.
"""

import io
import stat
import urllib.parse
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sandbox.provider.errors import ArchiveError
from sandbox.provider.wire import ARCHIVE, ASSET, SIGNATURE

# The earliest time that a zip file can hold.
_EPOCH = (1980, 1, 1, 0, 0, 0)
_Entry = tuple[str, bytes, int]


def zip_bytes(archive: Mapping[str, Any]) -> bytes:
    """The zip file for an archive: sorted names, fixed times, stored, so that equal content gives equal bytes.

    A ``FileArchive`` that points at a ``.zip`` is passed byte for byte.

    Raises:
        ArchiveError: A path does not exist, or the content cannot be reached from here.
    """
    path = archive.get("path")
    if path and Path(path).is_file():
        return Path(path).read_bytes()
    buffer = io.BytesIO()
    # Stored: two versions of zlib compress one content to different bytes.
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as target:
        for name, data, mode in sorted(_entries("", archive)):
            info = zipfile.ZipInfo(name, _EPOCH)
            info.external_attr = (stat.S_IFREG | mode) << 16
            target.writestr(info, data)
    return buffer.getvalue()


def _entries(prefix: str, node: Mapping[str, Any]) -> Iterator[_Entry]:
    if node.get(SIGNATURE) == ASSET:
        yield prefix, *_asset(node)
    elif node.get(SIGNATURE) == ARCHIVE and "assets" in node:
        for name, child in node["assets"].items():
            yield from _entries(_join(prefix, name), child)
    elif node.get("path"):
        yield from _path_entries(prefix, Path(node["path"]))
    else:
        raise ArchiveError(f"archive {prefix or 'code'}: no content (only 'assets' and 'path' work in the sandbox)")


def _asset(asset: Mapping[str, Any]) -> tuple[bytes, int]:
    if "text" in asset:
        return asset["text"].encode(), 0o644
    location = asset.get("path") or _file_uri(asset.get("uri", ""))
    if not location:
        raise ArchiveError("asset: no content (only text, a path and file:// work in the sandbox)")
    return _file(Path(location))


def _file_uri(uri: str) -> str:
    parts = urllib.parse.urlsplit(uri)
    return urllib.parse.unquote(parts.path) if parts.scheme == "file" else ""


def _file(path: Path) -> tuple[bytes, int]:
    try:
        # Only whether it may be run: the other bits are the checkout's.
        return path.read_bytes(), 0o755 if path.stat().st_mode & stat.S_IXUSR else 0o644
    except OSError as error:
        raise ArchiveError(f"asset {path}: {error.strerror} (paths are relative to {Path.cwd()})") from error


def _path_entries(prefix: str, path: Path) -> Iterator[_Entry]:
    if path.is_dir():
        for file in path.rglob("*"):
            if file.is_file():
                yield _join(prefix, file.relative_to(path).as_posix()), *_file(file)
    elif zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as source:
            for info in source.infolist():
                if not info.is_dir():
                    # Zip files from some systems say nothing of modes.
                    yield _join(prefix, info.filename), source.read(info), (info.external_attr >> 16) & 0o777 or 0o644
    else:
        raise ArchiveError(f"archive {path}: neither a directory nor a zip file (relative to {Path.cwd()})")


def _join(prefix: str, name: str) -> str:
    return f"{prefix}/{name}" if prefix else name
