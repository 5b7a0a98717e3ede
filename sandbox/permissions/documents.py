"""Judges resource policies and trust policies, which say who may do something from where. Pure.

What a role itself may do is judged by the emulator, which knows inline, attached and AWS's own policies; it judges
neither of these two kinds.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from sandbox.aws import Json
from sandbox.permissions.operators import OPERATORS, like

SOURCE_ARN: Final = "aws:sourcearn"
SOURCE_ACCOUNT: Final = "aws:sourceaccount"
_ALWAYS: Final = {"aws:securetransport": "true"}
"""AWS's services call each other by TLS."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What a service wants to do.

    Args:
        principal: The service, e.g. ``apigateway.amazonaws.com``; None where the document is about its bearer only.
        action: E.g. ``lambda:InvokeFunction``.
        resource: ARN; None where the document hangs on the resource itself, as a trust policy does.
        context: Condition keys, in lower case, with their values.
    """

    principal: str | None
    action: str
    resource: str | None = None
    context: Mapping[str, str] = field(default_factory=dict)


def allows(document: Json, access: Access) -> bool:
    """Whether a policy document allows an access: one statement must, and none may deny it."""
    effects = effects_on(document, access)
    return "Allow" in effects and "Deny" not in effects


def effects_on(document: Json, access: Access) -> set[str]:
    """The effects of all statements that speak of an access."""
    return {statement.get("Effect") for statement in _many(document.get("Statement")) if _fits(statement, access)}


def _fits(statement: Json, access: Access) -> bool:
    # A deny that cannot be judged denies: nothing may be allowed here that AWS refuses.
    unknown = statement.get("Effect") == "Deny"
    return (
        (access.principal is None or _names(statement, "Principal", partial(_is_principal, access.principal)))
        # Actions and condition keys are the same in any case of letters (IAM user guide, Action and Condition).
        and _names(statement, "Action", lambda given: like(access.action.lower(), given.lower()))
        and (access.resource is None or _names(statement, "Resource", partial(like, access.resource)))
        and all(
            _holds(operator, (_ALWAYS | {**access.context}).get(key.lower()), _many(wanted), unknown=unknown)
            for operator, keys in (statement.get("Condition") or {}).items()
            for key, wanted in keys.items()
        )
    )


def _names(statement: Json, element: str, fits: Callable[[Any], bool]) -> bool:
    """Whether an element, or its opposite such as ``NotAction``, speaks of the access; one of them must be there."""
    if (opposite := f"Not{element}") in statement:
        return not any(map(fits, _given(statement[opposite])))
    return any(map(fits, _given(statement.get(element))))


def _given(value: Any) -> list[Any]:
    return [value] if isinstance(value, dict) else _many(value)


def _is_principal(service: str, principal: Any) -> bool:
    if not isinstance(principal, dict):
        return bool(principal == "*")
    return "*" in _many(principal.get("AWS")) or service in _many(principal.get("Service"))


def _holds(operator: str, actual: str | None, wanted: list[Any], *, unknown: bool) -> bool:
    """One condition; ``unknown`` is the answer for an operator that is not known here."""
    name = operator.lower()
    if name == "null":
        return any((actual is None) == (str(one).lower() == "true") for one in wanted)
    plain = name.removesuffix("ifexists")
    compare = OPERATORS.get(plain.replace("not", "", 1) if "not" in plain else plain)
    if compare is None:
        return unknown
    # Without the key only …IfExists and the negated operators hold (IAM user guide, condition operators).
    if actual is None:
        return plain != name or "not" in plain
    return any(compare(actual, str(one)) for one in wanted) != ("not" in plain)


def _many(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
