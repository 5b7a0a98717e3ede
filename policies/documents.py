"""Policy documents of IAM: what they allow. Pure."""

import json
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]


def statements(document: object) -> list[Json]:
    """The statements of a document, which may be JSON text; none of what is no document."""
    if isinstance(document, str):
        try:
            document = json.loads(document)
        except ValueError:
            return []
    found = document.get("Statement") if isinstance(document, Mapping) else None
    return [dict(one) for one in many(found) if isinstance(one, Mapping)]


def allows(policy: Iterable[Json], action: str, resource: str) -> bool:
    """Whether identity policies allow an action on a resource; conditions are taken to hold.

    Args:
        policy: The statements of everything that is attached to a role.
        action: Such as ``dynamodb:GetItem``.
        resource: An ARN.
    """
    fitting = [one for one in policy if _fits(one, action, resource)]
    # Conditions are not judged: an Allow is taken to hold under one, a Deny is not.
    return any(one.get("Effect") == "Allow" for one in fitting) and not any(
        one.get("Effect") == "Deny" and not one.get("Condition") for one in fitting
    )


def many(value: Any) -> list[Any]:
    """A value that may stand alone or in a list, as a list."""
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]


def like(actual: str, pattern: str) -> bool:
    """Whether a text fits a pattern with ``*`` and ``?``."""
    return _compiled(pattern).fullmatch(actual) is not None


def _fits(statement: Json, action: str, resource: str) -> bool:
    # The case of an action counts for nothing in IAM, that of a resource does.
    return _names(statement, "Action", action.lower(), lower=True) and _names(statement, "Resource", resource)


def _names(statement: Json, key: str, actual: str, *, lower: bool = False) -> bool:
    def fits(patterns: Any) -> bool:
        return any(like(actual, str(one).lower() if lower else str(one)) for one in many(patterns))

    if f"Not{key}" in statement:
        return not fits(statement[f"Not{key}"])
    return fits(statement.get(key))


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    # Not fnmatch, which gives brackets a meaning that they do not have in IAM.
    return re.compile(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), re.DOTALL)
