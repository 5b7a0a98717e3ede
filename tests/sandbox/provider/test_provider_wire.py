"""Values as the engine sends them, and archives as bytes."""

import hashlib
import io
import zipfile
from pathlib import Path
from typing import Any

import pytest

from sandbox.provider import wire
from sandbox.provider.archives import zip_bytes
from sandbox.provider.errors import ArchiveError


def asset(**content: str) -> dict[str, Any]:
    """An asset as it travels."""
    return {wire.SIGNATURE: wire.ASSET, **content}


def archive(**content: Any) -> dict[str, Any]:
    """An archive as it travels."""
    return {wire.SIGNATURE: wire.ARCHIVE, **content}


def names(data: bytes) -> list[str]:
    """What a zip holds, in its order."""
    with zipfile.ZipFile(io.BytesIO(data)) as opened:
        return opened.namelist()


def test_numbers_secrets_and_nulls_become_plain_data() -> None:
    """A Struct knows floats only; nothing after decoding has to care."""
    secret = {wire.SIGNATURE: wire.SECRET, "value": {"password": "p", "port": 5.0}}
    struct = wire.encode({"whole": 3, "part": 0.5, "list": [1, {"a": 2}]})
    struct.update({"secret": secret, "nothing": None})

    assert wire.decode(struct) == {
        "whole": 3,
        "part": 0.5,
        "list": [1, {"a": 2}],
        "secret": {"password": "p", "port": 5},
    }
    assert isinstance(wire.decode(struct)["whole"], int)


def test_archives_survive_both_ways() -> None:
    """An archive keeps its signature and hash, which a diff needs."""
    code = archive(hash="abc", assets={"a.py": asset(text="x", hash="def")})
    assert wire.decode(wire.encode({"code": code})) == {"code": code}


@pytest.mark.parametrize("value", [wire.UNKNOWN, [wire.UNKNOWN], {"a": {"b": [1, {"c": wire.UNKNOWN}]}}])
def test_unknowns_are_seen_at_any_depth(value: object) -> None:
    """A value that holds an unknown anywhere is not known."""
    assert wire.has_unknown(value)
    assert not wire.has_unknown({"a": [1, "x", None]})


def test_equal_content_gives_equal_bytes(tmp_path: Path) -> None:
    """Order of entries and times of files do not show in the zip."""
    for folder, order in (("one", ("b.py", "a.py")), ("two", ("a.py", "b.py"))):
        (tmp_path / folder / "sub").mkdir(parents=True)
        for name in order:
            (tmp_path / folder / name).write_text(name)
        (tmp_path / folder / "sub" / "c.py").write_text("c")
    first, second = (zip_bytes(archive(path=str(tmp_path / folder))) for folder in ("one", "two"))

    assert names(first) == ["a.py", "b.py", "sub/c.py"]
    assert hashlib.sha256(first).digest() == hashlib.sha256(second).digest()


def test_nested_archives_and_assets_are_laid_out_by_name(tmp_path: Path) -> None:
    """Text, files and folders in folders all find their place."""
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "x.py").write_text("x")
    file = tmp_path / "one file.py"
    file.write_text("f")
    code = archive(
        assets={
            "main.py": asset(text="m"),
            "file.py": asset(path=str(file)),
            "uri.py": asset(uri=file.as_uri()),
            "vendor": archive(assets={"lib": archive(path=str(tmp_path / "lib"))}),
        }
    )
    data = zip_bytes(code)

    assert names(data) == ["file.py", "main.py", "uri.py", "vendor/lib/x.py"]
    with zipfile.ZipFile(io.BytesIO(data)) as opened:
        assert opened.read("uri.py") == b"f"


def test_a_zip_file_passes_byte_for_byte(tmp_path: Path) -> None:
    """What the program built itself is deployed as it is."""
    built = tmp_path / "function.zip"
    with zipfile.ZipFile(built, "w", zipfile.ZIP_DEFLATED) as target:
        target.writestr("main.py", "x" * 1000)
    assert zip_bytes(archive(path=str(built))) == built.read_bytes()


@pytest.mark.parametrize(
    "code",
    [
        archive(path="/nowhere/at/all"),
        archive(hash="only"),
        archive(assets={"a": asset(path="/nowhere/at/all")}),
        archive(assets={"a": asset(uri="https://example.org/a")}),
    ],
)
def test_content_that_cannot_be_had_is_one_sentence(code: dict[str, Any]) -> None:
    """A missing path or a remote address is an error that names it."""
    with pytest.raises(ArchiveError):
        zip_bytes(code)
