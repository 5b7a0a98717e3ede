"""Rules about what bounds a role: conditions in its policies, and its permissions boundary."""

from collections.abc import Iterator
from typing import Any, Final

from policies.conditions import holds, parts
from policies.documents import many
from policies.model import UNKNOWN, WARNING, Node, Problem, Rule, Stack
from policies.rules.permissions import all_statements_of, boundary_of, caller_of, roles_of
from policies.sources import IAM_GUIDE


def _conditioned(stack: Stack) -> Iterator[tuple[Node, dict[str, Any], bool | None]]:
    """Role, statement and verdict, for each statement that holds under a condition only."""
    for role in roles_of(stack):
        who = caller_of(stack, role)
        for one in all_statements_of(stack, role) or ():
            if one.get("Condition"):
                yield role, one, holds(one["Condition"], who)


def _never(stack: Stack) -> Iterator[Problem]:
    for role, one, verdict in _conditioned(stack):
        if verdict is False and one.get("Effect") == "Allow":
            what = (
                f"it allows {_actions(one)} only under {_causes(stack, role, one, False)}: no call of a function is so"
            )
            yield Problem(role, what, "remove the condition, or write one that the functions' calls meet")
        elif verdict is True and one.get("Effect") == "Deny":
            what = f"it denies {_actions(one)} under {_causes(stack, role, one, True)}: every call of a function is so"
            yield Problem(role, what, "remove the statement, or turn its condition round")


def _perhaps(stack: Stack) -> Iterator[Problem]:
    for role, one, verdict in _conditioned(stack):
        if verdict is None:
            does = "allows" if one.get("Effect") == "Allow" else "denies"
            what = (
                f"it {does} {_actions(one)} under {_causes(stack, role, one, None)}, which nobody can judge from here"
            )
            yield Problem(role, what, "see with a call that it holds, or remove the condition")


def _causes(stack: Stack, role: Node, statement: dict[str, Any], verdict: bool | None) -> str:
    """The parts of a condition that decide, as the policy writes them."""
    found = parts(statement["Condition"], caller_of(stack, role))
    return " and ".join(f"{operator} {key}" for operator, key, one in found if one is verdict)


def _actions(statement: dict[str, Any]) -> str:
    named = statement.get("Action") or f"all but {', '.join(map(str, many(statement.get('NotAction'))))}"
    return ", ".join(map(str, many(named)))


def _boundaries(stack: Stack) -> Iterator[Problem]:
    for role in roles_of(stack):
        boundary = role.get("permissionsBoundary")
        if boundary and boundary_of(stack, role) is None:
            name = "" if boundary is UNKNOWN else f" {boundary}"
            what = f"its permissions boundary{name} allows nobody knows what: the role may do no more than that"
            yield Problem(role, what, "remove permissionsBoundary, or look with `trebuche doctor --running`")


RULES: Final = (
    Rule(
        id="policy-condition",
        title="No condition keeps a function from what its policy allows",
        sources=(f"{IAM_GUIDE}: global condition context keys",),
        check=_never,
    ),
    Rule(
        id="open-condition",
        title="Conditions of policies can be judged",
        sources=(f"{IAM_GUIDE}: condition keys of services",),
        severity=WARNING,
        check=_perhaps,
    ),
    Rule(
        id="role-boundary",
        title="Permissions boundaries are known",
        sources=(f"{IAM_GUIDE}: permissions boundaries",),
        severity=WARNING,
        check=_boundaries,
    ),
)
