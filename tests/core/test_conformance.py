"""The page about the sandbox keeps its word: each rule has a test, and each test a way to be seen failing."""

import re
from collections import Counter

import pytest

from tests.mutants.rules import ROOT, Mutant, read_mutants, read_rows

ROWS = read_rows()
MUTANTS = read_mutants()


def test_rules_are_named_once() -> None:
    """No two rows, and no two mutants, have one id."""
    for names in ([row.rule for row in ROWS], [mutant.rule for mutant in MUTANTS]):
        assert [name for name, count in Counter(names).items() if count > 1] == []


def test_each_row_with_a_test_can_be_switched_off() -> None:
    """Rows with a test and mutants are the same set, section by section, with the same tests."""
    rows = {(row.section, row.rule, row.test) for row in ROWS if row.test is not None}

    assert rows == {(mutant.section, mutant.rule, mutant.test) for mutant in MUTANTS}


@pytest.mark.parametrize("mutant", MUTANTS, ids=[mutant.rule for mutant in MUTANTS])
def test_mutants_fit_the_code(mutant: Mutant) -> None:
    """A mutant changes its file, and its test exists."""
    text = (ROOT / mutant.file).read_text(encoding="utf-8")
    path, _, name = mutant.test.partition("::")

    assert mutant.apply(text) != text
    assert re.search(rf"def {re.escape(name.partition('[')[0])}\(", (ROOT / path).read_text(encoding="utf-8"))
