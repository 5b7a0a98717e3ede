"""Which values CloudWatch takes (API reference, PutMetricData and MetricDatum), and how it refuses others. Pure."""

from collections.abc import Iterator
from typing import Final

from sandbox.aws import Json
from sandbox.telemetry.refusal import INVALID_COMBINATION, INVALID_VALUE, RefusedError
from sandbox.telemetry.times import seconds_of

PAST_SECONDS: Final = 14 * 86_400.0
FUTURE_SECONDS: Final = 2 * 3600.0
MOST_METRICS: Final = 1000
MOST_VALUES: Final = 150
LARGEST: Final = 2.0**360
_ONE_OF: Final = ("Value", "Values", "StatisticValues")
_RESOLUTIONS: Final = (1, 60)


def check_data(request: Json, now: float) -> None:
    """Refuse a request of PutMetricData as a whole: one bad value, and none is taken.

    Raises:
        RefusedError: The text names the parameter.
    """
    if request["Namespace"].startswith("AWS/"):
        raise RefusedError(INVALID_VALUE, "The value AWS/ for parameter Namespace is invalid.")
    data = request.get("MetricData") or []
    if request.get("EntityMetricData"):
        raise RefusedError(INVALID_VALUE, "EntityMetricData is not taken by the sandbox; it knows MetricData.")
    if len(data) > MOST_METRICS:
        text = f"The collection MetricData must not have a size greater than {MOST_METRICS}."
        raise RefusedError(INVALID_VALUE, text)
    for number, datum in enumerate(data, 1):
        _check_datum(datum, f"MetricData.member.{number}", now)


def is_timely(at: float, now: float) -> bool:
    """Whether CloudWatch takes a value of this time."""
    return now - PAST_SECONDS <= at <= now + FUTURE_SECONDS


def _check_datum(datum: Json, place: str, now: float) -> None:
    given = [name for name in _ONE_OF if datum.get(name) not in (None, [])]
    if len(given) != 1:
        text = f"The parameters {place}.Value, {place}.Values and {place}.StatisticValues: exactly one must be given."
        raise RefusedError(INVALID_COMBINATION, text)
    for name, value in _numbers(datum):
        if not abs(float(value)) <= LARGEST:  # which NaN is not, either
            raise RefusedError(INVALID_VALUE, f"The value {value} for parameter {place}.{name} is invalid.")
    values, counts = datum.get("Values") or [], datum.get("Counts")
    if len(values) > MOST_VALUES:
        text = f"The collection {place}.Values must not have a size greater than {MOST_VALUES}."
        raise RefusedError(INVALID_VALUE, text)
    if counts is not None and len(counts) != len(values):
        text = f"The parameters {place}.Values and {place}.Counts must be of the same size."
        raise RefusedError(INVALID_COMBINATION, text)
    if any(count < 0 for count in counts or []):
        raise RefusedError(INVALID_VALUE, f"The parameter {place}.Counts must not be negative.")
    if datum.get("StorageResolution") not in (None, *_RESOLUTIONS):
        raise RefusedError(INVALID_VALUE, f"The parameter {place}.StorageResolution must be 1 or 60.")
    _check_time(datum, place, now)


def _check_time(datum: Json, place: str, now: float) -> None:
    at = now if datum.get("Timestamp") is None else seconds_of(datum["Timestamp"])
    if is_timely(at, now):
        return
    which = "within the past two weeks" if at < now else "no more than two hours in the future"
    raise RefusedError(INVALID_VALUE, f"The parameter {place}.Timestamp must specify a time {which}.")


def _numbers(datum: Json) -> Iterator[tuple[str, float | str]]:
    if datum.get("Value") is not None:
        yield "Value", datum["Value"]
    for name in ("Values", "Counts"):
        yield from ((f"{name}.member.{number}", value) for number, value in enumerate(datum.get(name) or [], 1))
    yield from ((f"StatisticValues.{name}", value) for name, value in (datum.get("StatisticValues") or {}).items())
