"""When an alarm changes its state, as a pure function of a series.

CloudWatch user guide, "Configuring how CloudWatch alarms treat missing data".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

State = Literal["OK", "ALARM", "INSUFFICIENT_DATA"]
EXTRA_PERIODS: Final = 2
"""How many periods more than it evaluates an alarm looks back for values, in the user guide's examples."""
_COMPARISONS: Final = {
    "GreaterThanThreshold": lambda value, threshold: value > threshold,
    "GreaterThanOrEqualToThreshold": lambda value, threshold: value >= threshold,
    "LessThanThreshold": lambda value, threshold: value < threshold,
    "LessThanOrEqualToThreshold": lambda value, threshold: value <= threshold,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What an alarm compares, and how often it must hold.

    Args:
        comparison: CloudWatch's name of it.
        threshold: What each period's value is compared with.
        periods: How many periods are evaluated (N).
        to_alarm: How many of them must breach (M).
        missing: What a period without a value counts as: ``missing``, ``ignore``, ``breaching`` or ``notBreaching``.
    """

    comparison: str
    threshold: float
    periods: int
    to_alarm: int
    missing: str = "missing"


def evaluate(rule: Rule, series: Sequence[float | None], state: State) -> State:
    """The state after one evaluation.

    Args:
        rule: The alarm's.
        series: A value per period, oldest first, None where there is none; ``EXTRA_PERIODS`` more than are evaluated.
        state: The alarm's state until now.
    """
    breaches = [_COMPARISONS[rule.comparison](value, rule.threshold) for value in series if value is not None]
    # With enough values, however old, missing ones count for nothing; they are treated only where values lack.
    if len(breaches) >= rule.periods:
        return _of(rule, sum(breaches[-rule.periods :]))
    lacking = rule.periods - len(breaches)
    if rule.missing == "breaching":
        return _of(rule, sum(breaches) + lacking)
    if rule.missing == "notBreaching":
        return _of(rule, sum(breaches))
    if not breaches:
        return state if rule.missing == "ignore" else "INSUFFICIENT_DATA"
    if all(breaches) and sum(breaches) < rule.to_alarm:
        # Too early to say, unless what there is began to breach long enough ago ("Avoiding premature transitions").
        age = len(series) - next(index for index, value in enumerate(series) if value is not None)
        early: State = "ALARM" if age >= rule.to_alarm else "OK"
        return state if rule.missing == "ignore" else early
    return _of(rule, sum(breaches))


def _of(rule: Rule, breaching: int) -> State:
    return "ALARM" if breaching >= rule.to_alarm else "OK"
