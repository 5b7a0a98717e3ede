"""Calculates the queries of an alarm or of GetMetricData: metrics, and expressions over them. Pure."""

from collections.abc import Callable, Sequence

from sandbox.aws import Json
from sandbox.telemetry.metric_math import Expression, MathError, Series, Value

Sample = Callable[[Json], Series]
"""Reads the series of a ``MetricStat``."""


class Calculation:
    """Queries that refer to each other by their ids.

    Args:
        queries: As CloudWatch's API has them: ``Id`` with ``MetricStat`` or ``Expression``.
        sample: Reads a metric.
        grid: The begins of all periods that count, oldest first.
    """

    def __init__(self, queries: Sequence[Json], sample: Sample, grid: Sequence[int]) -> None:
        self._queries = {str(query["Id"]): query for query in queries}
        self._sample = sample
        self._grid = grid
        self._under_way: list[str] = []

    def series(self, identifier: str) -> list[Series]:
        """The series that a query comes to; an array comes to several.

        Raises:
            MathError: It cannot be calculated; the text names the query.
        """
        value = self._value(identifier)
        if isinstance(value, float):
            raise MathError(f"Error in expression '{identifier}': it is a number, not a time series")
        return value if isinstance(value, list) else [value]

    def _value(self, identifier: str) -> Value:
        query = self._queries.get(identifier)
        if query is None:
            raise MathError(f"Error in expression: there is no metric or expression with the id '{identifier}'")
        if "MetricStat" in query:
            return self._sample(query["MetricStat"])
        if identifier in self._under_way:
            raise MathError(f"Error in expression '{identifier}': it refers to itself")
        self._under_way.append(identifier)
        try:
            text = str(query.get("Expression", ""))
            return Expression(text, find=self._value, metrics=self._metrics, grid=self._grid).value()
        except MathError as error:
            told = str(error)
            raise MathError(
                told if told.startswith("Error in") else f"Error in expression '{identifier}': {told}"
            ) from error
        finally:
            self._under_way.pop()

    def _metrics(self, text: str) -> list[Series]:
        return [
            self._sample(query["MetricStat"])
            for identifier, query in self._queries.items()
            if "MetricStat" in query and text in identifier
        ]
