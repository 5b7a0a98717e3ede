"""Conditions of IAM's policies, as far as they can be told for the calls that functions make. Pure."""

import ipaddress
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from policies.documents import Json, like, many
from trebuche.contract import DISCOVERY_SERVICE

_ABSENT: Final = frozenset(
    {
        # Of people who sign in, of services that call for others, and of calls from within a VPC: no function of a
        # stack makes such calls (IAM user guide, global condition context keys).
        "aws:multifactorauthpresent",
        "aws:multifactorauthage",
        "aws:username",
        "aws:federatedprovider",
        "aws:sourcearn",
        "aws:sourceaccount",
        "aws:sourceorgid",
        "aws:sourceorgpaths",
        "aws:sourceidentity",
        "aws:sourcevpc",
        "aws:sourcevpce",
        "aws:sourcevpcarn",
        "aws:vpcsourceip",
        "aws:referer",
    }
)
_SOURCE: Final = "aws:sourceip"
_TIMES: Final = ("aws:currenttime", "aws:epochtime")
_SETS: Final = ("forallvalues:", "foranyvalue:")


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A function, as policies see it.

    Args:
        region: Where it calls; empty when nobody can tell yet.
        account: Its account; empty when nobody can tell yet.
        role: ARN of its role; empty when nobody can tell yet.
        namespaces: Names of the namespaces of Cloud Map that the stack has; none when nobody can tell yet.
        now: What its calls' time is compared with.
    """

    region: str = ""
    account: str = ""
    role: str = ""
    namespaces: tuple[str, ...] = ()
    now: datetime

    def values(self) -> Mapping[str, tuple[str, ...]]:
        """Condition key, in lower case, to what it may hold; several values are all met sooner or later."""
        known: dict[str, tuple[str, ...]] = {
            "aws:securetransport": ("true",),
            "aws:principaltype": ("AssumedRole",),
            "aws:viaawsservice": ("false",),
            "aws:principalisawsservice": ("false",),
        }
        if self.region:
            known["aws:requestedregion"] = (self.region,)
            known["kms:viaservice"] = tuple(f"{one}.{self.region}.amazonaws.com" for one in ("dynamodb", "lambda"))
        if self.namespaces:
            known["servicediscovery:namespacename"] = self.namespaces
            known["servicediscovery:servicename"] = (DISCOVERY_SERVICE,)
        if self.account:
            known["aws:principalaccount"] = (self.account,)
        if self.role:
            known["aws:principalarn"] = (self.role,)
        return known


def holds(condition: object, who: Caller) -> bool | None:
    """Whether a statement's condition is met by a function's calls; None when that cannot be told."""
    verdicts = [verdict for _, _, verdict in parts(condition, who)]
    if False in verdicts:
        return False
    return None if None in verdicts else True


def parts(condition: object, who: Caller) -> Iterator[tuple[str, str, bool | None]]:
    """Operator, key and verdict of each part of a condition; all of them must hold."""
    for operator, keys in condition.items() if isinstance(condition, Mapping) else ():
        for key, wanted in keys.items() if isinstance(keys, Mapping) else ():
            yield str(operator), str(key), _verdict(str(operator).lower(), str(key).lower(), many(wanted), who)


def judged(statements: Iterable[Json], who: Caller) -> list[Json]:
    """The statements that count for a function's calls; what cannot be told keeps its condition."""
    counting = []
    for one in statements:
        verdict = holds(one.get("Condition"), who)
        if verdict is True:
            counting.append({key: value for key, value in one.items() if key != "Condition"})
        elif verdict is None:
            counting.append(one)
    return counting


def _verdict(operator: str, key: str, wanted: list[Any], who: Caller) -> bool | None:
    for prefix in _SETS:
        operator = operator.removeprefix(prefix)
    plain = operator.removesuffix("ifexists")
    negated = "not" in plain and plain != "null"
    known = who.values()
    if plain == "null":
        there = key not in _ABSENT if key in _ABSENT or key in known else None
        return None if there is None else there != (str(wanted[0]).lower() == "true" if wanted else True)
    if key in _ABSENT:
        return plain != operator or negated
    if key == _SOURCE:
        return _from_public_address(wanted) if not negated else None
    if key in _TIMES:
        return _in_time(plain, wanted, who.now)
    compare = _COMPARISONS.get(plain.replace("not", "", 1))
    if compare is None or key not in known:
        return None
    return any(any(compare(actual, str(one)) for one in wanted) != negated for actual in known[key])


def _from_public_address(ranges: list[Any]) -> bool | None:
    """A function calls from an address of AWS's own, which nobody knows: it is none of a private network."""
    try:
        networks = [ipaddress.ip_network(str(one), strict=False) for one in ranges]
    except ValueError:
        return None
    return False if networks and all(one.is_private for one in networks) else None


def _in_time(operator: str, wanted: list[Any], now: datetime) -> bool | None:
    compare = _ORDERS.get(operator.removeprefix("date").removeprefix("numeric"))
    moments = [moment for one in wanted if (moment := _moment(str(one))) is not None]
    if compare is None or len(moments) != len(wanted):
        return None
    return any(compare(now.timestamp(), moment) for moment in moments)


def _moment(text: str) -> float | None:
    """Seconds since 1970 of a date as policies write it."""
    try:
        return float(text)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


_COMPARISONS: Final[Mapping[str, Callable[[str, str], bool]]] = {
    "stringequals": lambda actual, wanted: actual == wanted,
    "stringequalsignorecase": lambda actual, wanted: actual.lower() == wanted.lower(),
    "stringlike": like,
    "arnlike": like,
    "arnequals": like,
    "bool": lambda actual, wanted: actual.lower() == wanted.lower(),
}
_ORDERS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "lessthan": lambda actual, wanted: actual < wanted,
    "lessthanequals": lambda actual, wanted: actual <= wanted,
    "greaterthan": lambda actual, wanted: actual > wanted,
    "greaterthanequals": lambda actual, wanted: actual >= wanted,
}
