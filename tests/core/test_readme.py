"""The README keeps its word: what it names exists."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_named_tests_exist() -> None:
    """Each test or test file in the table of what works is there."""
    named = set(re.findall(r"`(test_\w+(?:\.py)?)`", README))
    files = {file.name for file in (ROOT / "tests").rglob("test_*.py")}
    functions = {
        name for file in (ROOT / "tests").rglob("test_*.py") for name in re.findall(r"def (test_\w+)", file.read_text())
    }

    assert named
    assert named - files - functions == set()


def test_each_working_row_names_its_proof() -> None:
    """No row says that something works without a test."""
    rows = [line.split("|")[1:4] for line in README.splitlines() if re.match(r"\| .* \| works \|", line)]

    assert rows
    assert [what.strip() for what, _, proof in rows if "test_" not in proof] == []


def test_linked_pages_exist() -> None:
    """Each link inside the repository leads somewhere."""
    links = re.findall(r"\]\(([^)#:]+)\)", README)

    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
