"""Single properties with values that AWS takes and that bite: one line each, whatever the resource."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from policies.model import UNKNOWN, Node, Problem, Stack


@dataclass(frozen=True, slots=True, kw_only=True)
class Trap:
    """A property of every resource of a type.

    Args:
        type: Of the resources.
        path: To the property.
        bites: Whether a value is one that bites; None stands for nothing, and what is not known yet is not asked.
        what: What is wrong; ``{value}`` stands for the value.
        mend: How to mend it.
        concerns: Which of the resources are meant; all unless it says otherwise.
    """

    type: str
    path: tuple[str, ...]
    bites: Callable[[Any], object]
    what: str
    mend: str
    concerns: Callable[[Stack, Node], bool] = lambda _stack, _node: True


def sprung(*traps: Trap) -> Callable[[Stack], Iterator[Problem]]:
    """A check that names each resource that has stepped into one of the traps."""

    def check(stack: Stack) -> Iterator[Problem]:
        for trap in traps:
            for node in stack.all(trap.type):
                value = node.get(*trap.path)
                if value is not UNKNOWN and trap.bites(value) and trap.concerns(stack, node):
                    yield Problem(node, trap.what.format(value=value), trap.mend)

    return check
