"""Rules about the capacity of tables and their indexes."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from policies.model import SCALING, TABLE, UNKNOWN, WARNING, Node, Problem, Rule, Stack
from policies.sources import DYNAMODB_GUIDE, LATENCY, page

_SMALL_LIMIT: Final = 100
"""Units a second; one turn with a state of 10 KB takes 40."""
_LEAST_UNITS: Final = 5
_DIMENSIONS: Final = ("Read", "Write")
_LIMITS: Final = ("maxReadRequestUnits", "maxWriteRequestUnits")
_HOT_PERCENT: Final = 90
_POLICY: Final = "aws:appautoscaling/policy:Policy"
_BY_REQUEST: Final = "PAY_PER_REQUEST"
_MEND: Final = "bill by request (PAY_PER_REQUEST), or add an autoscaling target and policy (trebuche:capacity)"


@dataclass(frozen=True, slots=True)
class _Unit:
    """A table, or one of its indexes: what has a capacity."""

    table: Node
    props: Any
    index: str = ""

    @property
    def its(self) -> str:
        """How a sentence begins that speaks of it."""
        return f"index {self.index}'s" if self.index else "its"

    @property
    def fixed(self) -> tuple[Any, Any]:
        """What is provisioned."""
        return self.props.get("readCapacity"), self.props.get("writeCapacity")


def _units(table: Node) -> Iterator[_Unit]:
    yield _Unit(table, table.props)
    for index in table.get("globalSecondaryIndexes") or ():
        yield _Unit(table, index, str(index.get("name")))


def _limits(stack: Stack) -> Iterator[Problem]:
    for unit in (one for table in stack.all(TABLE) for one in _units(table)):
        limits = unit.props.get("onDemandThroughput")
        for limit in _LIMITS if isinstance(limits, dict) else ():
            units = limits.get(limit)
            # -1 takes a limit away again (DynamoDB API reference, OnDemandThroughput).
            if isinstance(units, (int, float)) and 0 <= units < _SMALL_LIMIT:
                what = f"{unit.its} {limit} is {units:g}: what is above is throttled, and updates take seconds"
                yield Problem(unit.table, what, "raise onDemandThroughput, or remove it")


def _capacity(stack: Stack) -> Iterator[Problem]:
    # The provider's default is PROVISIONED, with one unit each.
    provisioned = [one for one in stack.all(TABLE) if one.get("billingMode") not in (_BY_REQUEST, UNKNOWN)]
    units = [one for table in provisioned for one in _units(table)]
    if _is_meant(stack, units):
        return
    for unit in units:
        missing = [kind for kind in _DIMENSIONS if not _scales(stack, unit, kind)]
        if missing:
            kinds = " and ".join(kind.lower() for kind in missing)
            what = f"{unit.its} {kinds} capacity is fixed: a burst above it is throttled, and updates take seconds"
            yield Problem(unit.table, what, _MEND)


def _is_meant(stack: Stack, units: list[_Unit]) -> bool:
    """Whether all tables have the same fixed capacity, as `trebuche:capacity` with one number makes them."""
    return (
        not stack.all(SCALING)
        and {one.table.urn for one in units} == {one.urn for one in stack.all(TABLE)}
        and len({one.fixed for one in units}) == 1
        and all(isinstance(value, (int, float)) and value >= _LEAST_UNITS for value in units[0].fixed)
    )


def _scales(stack: Stack, unit: _Unit, kind: str) -> bool:
    what = "index" if unit.index else "table"
    named = f"table/{unit.table.text('name')}" + (f"/index/{unit.index}" if unit.index else "")
    return any(
        target.get("scalableDimension") == f"dynamodb:{what}:{kind}CapacityUnits"
        and (target.get("resourceId") is UNKNOWN or target.get("resourceId") == named)
        and (target.number("maxCapacity") or 0) > (target.number("minCapacity") or 0)
        and _follows(stack, target)
        for target in stack.all(SCALING)
    )


def _follows(stack: Stack, target: Node) -> bool:
    """Whether a policy tracks the use of a target, before all of it is used up."""
    for policy in stack.all(_POLICY):
        same = all(
            UNKNOWN in (policy.get(one), target.get(one)) or policy.get(one) == target.get(one)
            for one in ("resourceId", "scalableDimension")
        )
        wanted = policy.number("targetTrackingScalingPolicyConfiguration", "targetValue")
        if same and policy.get("policyType") == "TargetTrackingScaling" and 0 < (wanted or 0) <= _HOT_PERCENT:
            return True
    return False


RULES: Final = (
    Rule(
        id="table-limit",
        title="Limits of requests leave room for the work",
        sources=(page(LATENCY, 2), f"{DYNAMODB_GUIDE}: maximum throughput for on-demand tables"),
        severity=WARNING,
        check=_limits,
    ),
    Rule(
        id="table-capacity",
        title="Provisioned capacity follows the load",
        sources=(page(LATENCY, 2),),
        severity=WARNING,
        check=_capacity,
    ),
)
