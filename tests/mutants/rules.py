"""The rules of ``docs/sandbox.md``, and how each is switched off."""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
PAGE: Final = "docs/sandbox.md"
NO_TEST: Final = "—"
_ROW: Final = re.compile(r"\| *`?(?P<rule>[a-z0-9]+(?:-[a-z0-9]+)*)`? *\|.*\| *`?(?P<test>[^|`]+?)`? *\|$")
_KEYS: Final = {"test", "file", "find", "replace"}


class RuleError(Exception):
    """A rule's entry is not as it has to be; the text names file, rule and mending."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the page: ``test`` is None where the sandbox cannot follow AWS."""

    section: str
    rule: str
    test: str | None


@dataclass(frozen=True, slots=True)
class Mutant:
    """A rule switched off by one replacement in one file; ``test`` must fail then."""

    section: str
    rule: str
    test: str
    file: str
    find: str
    replace: str

    def apply(self, text: str) -> str:
        """The file's text with the rule switched off.

        Raises:
            RuleError: The text to replace is not there exactly once.
        """
        if (count := text.count(self.find)) != 1:
            raise RuleError(
                f"tests/mutants/{self.section}.toml [{self.rule}]: 'find' occurs {count} times in {self.file}; "
                "give a text that occurs once"
            )
        return text.replace(self.find, self.replace)


def read_rows(root: Path = ROOT) -> list[Row]:
    """The rows of the page's tables, in its order."""
    rows, section = [], ""
    for line in (root / PAGE).read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            section = re.sub(r"\W+", "-", line[3:].strip().lower())
        elif (match := _ROW.match(line)) and match["rule"] != "id":
            rows.append(Row(section, match["rule"], None if match["test"] == NO_TEST else match["test"]))
    return rows


def read_mutants(root: Path = ROOT) -> list[Mutant]:
    """The entries of ``tests/mutants/*.toml``.

    Raises:
        RuleError: An entry has other keys than ``test``, ``file``, ``find``, ``replace``.
    """
    mutants = []
    for path in sorted((root / "tests" / "mutants").glob("*.toml")):
        for rule, entry in tomllib.loads(path.read_text(encoding="utf-8")).items():
            if set(entry) != _KEYS:
                raise RuleError(
                    f"tests/mutants/{path.name} [{rule}]: has the keys {sorted(entry)}, not {sorted(_KEYS)}"
                )
            mutants.append(Mutant(path.stem, rule, **entry))
    return mutants
