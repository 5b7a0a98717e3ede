"""The versions that are pinned together."""

import re
from pathlib import Path

import pytest

from sandbox import versions

ROOT = Path(__file__).parents[2]
ENGINE = ROOT / "sandbox" / "engine" / "go.mod"
EMULATOR = ROOT / "sandbox" / "emulator" / "requirements.txt"


@pytest.mark.parametrize(
    ("file", "line"),
    [
        (ROOT / "requirements.lock", f"pulumi=={versions.SDK} \\"),
        (ROOT / "requirements.txt", f"pulumi=={versions.SDK} \\"),
        (ROOT / "requirements.lock", f"pulumi-aws=={versions.PROVIDER} \\"),
        (ROOT / "requirements.txt", f"pulumi-aws=={versions.PROVIDER} \\"),
        (EMULATOR, f"ministack=={versions.EMULATOR} \\"),
        (ENGINE, f"go {versions.GO}"),
        (ENGINE, f"github.com/pulumi/pulumi/pkg/v3 v{versions.CLI} // indirect"),
        (ENGINE, f"github.com/pulumi/pulumi/sdk/v3 v{versions.CLI} // indirect"),
    ],
    ids=lambda value: value.name if isinstance(value, Path) else value,
)
def test_the_locks_hold_the_named_versions(file: Path, line: str) -> None:
    """``trebuche --version`` and the build line cannot drift from what is installed."""
    assert line in [each.strip() for each in file.read_text().splitlines()]


def test_every_locked_package_has_a_hash() -> None:
    """What is installed is byte for byte what was locked."""
    for file in (ROOT / "requirements.lock", ROOT / "requirements.txt", EMULATOR):
        entries = re.split(r"^(?=\S)", file.read_text(), flags=re.MULTILINE)
        packages = [entry for entry in entries if "==" in entry]
        assert packages
        assert [entry for entry in packages if "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("v3.259.0", (3, 259, 0)),
        ("go version go1.26 linux/amd64", (1, 26, 0)),
        ("go version go1.25.11 linux/amd64", (1, 25, 11)),
        ("devel", None),
    ],
)
def test_versions_are_read_from_what_commands_say(text: str, expected: versions.Version | None) -> None:
    """Numbers compare as numbers; a text without one is no version."""
    assert versions.parse(text) == expected


def test_the_summary_names_all_four() -> None:
    """``trebuche --version`` shows what belongs together."""
    for version in (versions.SDK, versions.CLI, versions.PROVIDER, versions.EMULATOR):
        assert version in versions.summary()
