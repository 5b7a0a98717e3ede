"""How conditions of policies compare (IAM user guide, condition operators). Pure."""

import ipaddress
import operator
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import Final

Compare = Callable[[str, str], bool]
_ARN_PARTS: Final = 5
"""Colons that part an ARN; all further ones belong to the resource."""
_ORDERS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "equals": operator.eq,
    "lessthan": operator.lt,
    "lessthanequals": operator.le,
    "greaterthan": operator.gt,
    "greaterthanequals": operator.ge,
}


def like(actual: str, pattern: str) -> bool:
    """Whether a text is of a form with ``*`` and ``?``."""
    return _compiled(pattern).fullmatch(actual) is not None


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), re.DOTALL)


def _arn_like(actual: str, pattern: str) -> bool:
    """ARNs are compared part by part: a wildcard does not reach over a colon (IAM user guide, ARN operators)."""
    parts, patterns = actual.split(":", _ARN_PARTS), pattern.split(":", _ARN_PARTS)
    return len(parts) == len(patterns) and all(map(like, parts, patterns))


def _in_network(actual: str, wanted: str) -> bool:
    try:
        return ipaddress.ip_address(actual) in ipaddress.ip_network(wanted, strict=False)
    except ValueError:
        return False


def _in_order(compare: Callable[[float, float], bool], read: Callable[[str], float], actual: str, wanted: str) -> bool:
    try:
        return compare(read(actual), read(wanted))
    except ValueError:
        return False


def _seconds(text: str) -> float:
    """A date as IAM takes it: ISO 8601, or seconds since 1970."""
    if re.fullmatch(r"\d{5,}", text):
        return float(text)
    date = datetime.fromisoformat(text)
    return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()


OPERATORS: Final[Mapping[str, Compare]] = {
    "stringequals": lambda actual, wanted: actual == wanted,
    "stringequalsignorecase": lambda actual, wanted: actual.lower() == wanted.lower(),
    "stringlike": like,
    "arnlike": _arn_like,
    "arnequals": _arn_like,
    "bool": lambda actual, wanted: actual.lower() == wanted.lower(),
    "ipaddress": _in_network,
    **{f"numeric{name}": partial(_in_order, compare, float) for name, compare in _ORDERS.items()},
    **{f"date{name}": partial(_in_order, compare, _seconds) for name, compare in _ORDERS.items()},
}
"""By their names in lower case, without ``Not`` and ``IfExists``."""
