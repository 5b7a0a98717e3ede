"""What the doctor found."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from policies.model import ERROR, Problem, Rule, Stack

PROGRAM: Final = "program"
RUNNING: Final = "running stack"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that is wrong.

    Args:
        rule: The id of the rule that says so.
        severity: ``error`` or ``warning``.
        part: What was looked at: the program, or the running stack.
        where: The resource, as people speak of it.
        what: What is wrong with it.
        mend: How to put it right.
        sources: Where the fact is from.
    """

    rule: str
    severity: str
    part: str
    where: str
    what: str
    mend: str
    sources: tuple[str, ...]

    @property
    def is_error(self) -> bool:
        """Whether it makes the doctor fail."""
        return self.severity == ERROR


def of_problem(rule: Rule, problem: Problem, part: str) -> Finding:
    """A rule's problem, as a finding."""
    return Finding(
        rule=rule.id,
        severity=rule.severity,
        part=part,
        where=problem.node.label if problem.node else "the stack",
        what=problem.what,
        mend=problem.mend,
        sources=rule.sources,
    )


def of_stack(rules: Iterable[Rule], stack: Stack, part: str) -> Iterator[Finding]:
    """What rules find in a stack."""
    for rule in rules:
        for problem in rule.check(stack):
            yield of_problem(rule, problem, part)
