"""Judges resource policies and trust policies, which say who may do something from where. Pure.

What a role itself may do is judged by the emulator, which knows inline, attached and AWS's own policies; it judges
neither of these two kinds.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any, Final

from sandbox.aws import Json

SOURCE_ARN: Final = "aws:sourcearn"
SOURCE_ACCOUNT: Final = "aws:sourceaccount"
_ALWAYS: Final = {"aws:securetransport": "true"}
"""AWS's services call each other by TLS."""
_ARN_PARTS: Final = 5
"""Colons that part an ARN; all further ones belong to the resource."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What a service wants to do.

    Args:
        principal: The service, e.g. ``apigateway.amazonaws.com``.
        action: E.g. ``lambda:InvokeFunction``.
        resource: ARN; None where the document hangs on the resource itself, as a trust policy does.
        context: Condition keys, in lower case, with their values.
    """

    principal: str
    action: str
    resource: str | None = None
    context: Mapping[str, str] = field(default_factory=dict)


def allows(document: Json, access: Access) -> bool:
    """Whether a policy document allows an access: one statement must, and none may deny it."""
    effects = {statement.get("Effect") for statement in _many(document.get("Statement")) if _fits(statement, access)}
    return "Allow" in effects and "Deny" not in effects


def _fits(statement: Json, access: Access) -> bool:
    # A deny that cannot be judged denies: nothing may be allowed here that AWS refuses.
    unknown = statement.get("Effect") == "Deny"
    return (
        _names(statement, "Principal", lambda given: _is_principal(given, access.principal))
        # Actions and condition keys are the same in any case of letters (IAM user guide, Action and Condition).
        and _names(statement, "Action", lambda given: _like(access.action.lower(), given.lower()))
        and (access.resource is None or _names(statement, "Resource", partial(_like, access.resource)))
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


def _is_principal(principal: Any, service: str) -> bool:
    if not isinstance(principal, dict):
        return bool(principal == "*")
    return "*" in _many(principal.get("AWS")) or service in _many(principal.get("Service"))


def _holds(operator: str, actual: str | None, wanted: list[Any], *, unknown: bool) -> bool:
    """One condition; ``unknown`` is the answer for an operator that is not known here."""
    name = operator.lower()
    if name == "null":
        return any((actual is None) == (str(one).lower() == "true") for one in wanted)
    plain = name.removesuffix("ifexists")
    compare = _OPERATORS.get(plain.replace("not", "", 1) if "not" in plain else plain)
    if compare is None:
        return unknown
    # Without the key only …IfExists and the negated operators hold (IAM user guide, condition operators).
    if actual is None:
        return plain != name or "not" in plain
    return any(compare(actual, str(one)) for one in wanted) != ("not" in plain)


def _like(actual: str, pattern: str) -> bool:
    return _compiled(pattern).fullmatch(actual) is not None


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), re.DOTALL)


def _arn_like(actual: str, pattern: str) -> bool:
    """ARNs are compared part by part: a wildcard does not reach over a colon (IAM user guide, ARN operators)."""
    parts, patterns = actual.split(":", _ARN_PARTS), pattern.split(":", _ARN_PARTS)
    return len(parts) == len(patterns) and all(map(_like, parts, patterns))


_OPERATORS: Final[Mapping[str, Callable[[str, str], bool]]] = {
    "stringequals": lambda actual, wanted: actual == wanted,
    "stringequalsignorecase": lambda actual, wanted: actual.lower() == wanted.lower(),
    "stringlike": _like,
    "arnlike": _arn_like,
    "arnequals": _arn_like,
    "bool": lambda actual, wanted: actual.lower() == wanted.lower(),
}


def _many(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
