"""What a release is called, in every place that says so."""

import json
import re
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]


def toml_version(path: str) -> str:
    """Of a pyproject.toml."""
    return str(tomllib.loads((ROOT / path).read_text(encoding="utf-8"))["project"]["version"])


def test_all_parts_have_the_version_that_was_released_last() -> None:
    """The program, both clients and the policy pack; the changelog says when, and keeps a place for what comes next."""
    package = json.loads((ROOT / "clients/javascript/package.json").read_text(encoding="utf-8"))
    lock = json.loads((ROOT / "clients/javascript/package-lock.json").read_text(encoding="utf-8"))
    policies = yaml.safe_load((ROOT / "policies/PulumiPolicy.yaml").read_text(encoding="utf-8"))
    headings = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    version = toml_version("pyproject.toml")
    assert headings[0] == "Unreleased"
    assert re.fullmatch(re.escape(version) + r" - \d{4}-\d\d-\d\d", headings[1])
    assert {
        toml_version("clients/python/pyproject.toml"),
        package["version"],
        lock["version"],
        lock["packages"][""]["version"],
        policies["version"],
    } == {version}
