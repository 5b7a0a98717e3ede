"""Event filtering as Lambda does it: patterns over a record of a stream or a message of a queue. Pure.

Values in a stream's record are strings, so numeric operators never match there; Lambda ignores them for DynamoDB.
"""

import operator as operators
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from sandbox.aws import Json

OPERATORS: Final = frozenset({"anything-but", "equals-ignore-case", "exists", "numeric", "prefix", "suffix"})
_MISSING = object()
_COMPARISONS: Final[Mapping[object, Callable[[float, float], bool]]] = {
    "=": operators.eq,
    "<": operators.lt,
    "<=": operators.le,
    ">": operators.gt,
    ">=": operators.ge,
}


def is_valid(pattern: object) -> bool:
    """Whether Lambda takes a pattern: keys down to lists of values and of operators that it knows."""
    return isinstance(pattern, dict) and all(_is_valid_rule(key, rule) for key, rule in pattern.items())


def _is_valid_rule(key: str, rule: object) -> bool:
    if key == "$or":
        return isinstance(rule, list) and len(rule) > 1 and all(map(is_valid, rule))
    if isinstance(rule, dict):
        return bool(rule) and is_valid(rule)
    return isinstance(rule, list) and bool(rule) and all(map(_is_valid_condition, rule))


def _is_valid_condition(condition: object) -> bool:
    if isinstance(condition, dict):
        return len(condition) == 1 and OPERATORS.issuperset(condition)
    return not isinstance(condition, list)


def passes(filters: Iterable[Json], record: Json) -> bool:
    """Whether a record reaches the function: no filters at all, or one that matches."""
    patterns = tuple(filters)
    return not patterns or any(_matches(pattern, record) for pattern in patterns)


def _matches(pattern: Json, value: object) -> bool:
    return all(_matches_key(key, rule, value) for key, rule in pattern.items())


def _matches_key(key: str, rule: object, value: object) -> bool:
    if key == "$or" and isinstance(rule, list):
        return any(_matches(branch, value) for branch in rule)
    found = value.get(key, _MISSING) if isinstance(value, dict) else _MISSING
    if isinstance(rule, dict):
        return _matches(rule, found)
    if isinstance(rule, list):
        return any(_accepts(condition, found) for condition in rule)
    return False


def _accepts(condition: object, found: object) -> bool:
    if not isinstance(condition, dict):
        return _equal_leaf(condition, found)
    operator, operand = next(iter(condition.items()))
    if operator == "exists":
        # Only of leaves (Lambda developer guide, event filtering).
        is_leaf = found is not _MISSING and not isinstance(found, dict)
        return is_leaf is bool(operand)
    if isinstance(found, list):
        return any(_accepts_text(operator, operand, item) for item in found)
    return _accepts_text(operator, operand, found)


def _equal_leaf(expected: object, found: object) -> bool:
    if isinstance(found, list):
        return expected in found
    # In Python, unlike in JSON, true equals 1.
    return found is not _MISSING and type(found) is type(expected) and found == expected


def _accepts_text(operator: str, operand: object, found: object) -> bool:
    if operator == "anything-but":
        refused = operand if isinstance(operand, list) else [operand]
        if isinstance(operand, dict):
            return found is not _MISSING and not _accepts(operand, found)
        return found is not _MISSING and found not in refused
    if operator == "numeric":
        return _compares(operand, found)
    if not isinstance(found, str) or not isinstance(operand, str):
        return False
    if operator == "prefix":
        return found.startswith(operand)
    if operator == "suffix":
        return found.endswith(operand)
    return operator == "equals-ignore-case" and found.lower() == operand.lower()


def _compares(operand: object, found: object) -> bool:
    """Whether a number fulfils all of ``[">=", 1, "<", 5]``."""
    if not isinstance(operand, list) or isinstance(found, bool) or not isinstance(found, int | float):
        return False
    pairs = list(zip(operand[::2], operand[1::2], strict=False))
    return all(sign in _COMPARISONS and _COMPARISONS[sign](found, limit) for sign, limit in pairs)
