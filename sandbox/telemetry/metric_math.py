"""CloudWatch's metric math: expressions over time series (user guide, "Using metric math"). Pure.

The core of it: arithmetic, comparisons, AND and OR, arrays, METRICS, and the functions below. Anything else is refused
by its name.
"""

import itertools
import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

Series = dict[int, float]
"""Values by the second in which their period begins; a period without a value is not there."""
Value = float | Series | list[Series]

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?)|(?P<name>[A-Za-z_]\w*)|\"(?P<text>[^\"]*)\"|'(?P<quoted>[^']*)'"
    r"|(?P<sign>&&|\|\||==|!=|<=|>=|[-+*/^()<>,\[\]]))"
)
# From the loosest to the tightest.
_LEVELS: Final[Sequence[Mapping[str, Callable[[float, float], float]]]] = (
    {"OR": lambda a, b: float(bool(a or b)), "||": lambda a, b: float(bool(a or b))},
    {"AND": lambda a, b: float(bool(a and b)), "&&": lambda a, b: float(bool(a and b))},
    {
        "==": lambda a, b: float(a == b),
        "!=": lambda a, b: float(a != b),
        "<": lambda a, b: float(a < b),
        "<=": lambda a, b: float(a <= b),
        ">": lambda a, b: float(a > b),
        ">=": lambda a, b: float(a >= b),
    },
    {"+": operator.add, "-": operator.sub},
    {"*": operator.mul, "/": lambda a, b: a / b if b else math.nan},
    {"^": lambda a, b: _power(a, b)},
)
_ROUND: Final[Mapping[str, Callable[[float], float]]] = {
    "ABS": abs,
    "CEIL": lambda value: float(math.ceil(value)),
    "FLOOR": lambda value: float(math.floor(value)),
}
_GATHER: Final[Mapping[str, Callable[[Sequence[float]], float]]] = {
    "SUM": math.fsum,
    "AVG": lambda values: math.fsum(values) / len(values),
    "MIN": min,
    "MAX": max,
}
_FUNCTIONS: Final = frozenset({*_GATHER, *_ROUND, "DIFF", "FILL", "IF", "METRICS", "RATE"})


class MathError(Exception):
    """An expression that cannot be calculated; the text says why."""


class Expression:
    """One expression over named series.

    Args:
        text: As it was given.
        find: The value of an id.
        metrics: The series of all metrics, those whose id contains a text.
        grid: The begins of all periods that count, oldest first.
    """

    def __init__(
        self,
        text: str,
        *,
        find: Callable[[str], Value],
        metrics: Callable[[str], list[Series]],
        grid: Sequence[int],
    ) -> None:
        self._tokens = _split(text)
        self._at = 0
        self._find = find
        self._metrics = metrics
        self._grid = grid

    def value(self) -> Value:
        """What it comes to.

        Raises:
            MathError: It is none, or has a function that is not calculated here.
        """
        found = self._level(0)
        if self._at < len(self._tokens):
            raise MathError(f"unexpected '{self._tokens[self._at][1]}'")
        return found

    def _level(self, depth: int) -> Value:
        if depth == len(_LEVELS):
            return self._unary()
        left = self._level(depth + 1)
        # Not what stands in quotation marks, which may look like an operator.
        while (sign := self._peek()[1]) in _LEVELS[depth] and self._peek()[0] in ("sign", "name"):
            self._at += 1
            left = _combine(_LEVELS[depth][sign], left, self._level(depth + 1))
        return left

    def _unary(self) -> Value:
        if self._takes("-"):
            return _each(operator.neg, self._unary())
        return self._term()

    def _term(self) -> Value:
        kind, text = self._next()
        if kind == "number":
            return float(text)
        if text == "(" and kind == "sign":
            inside = self._level(0)
            self._expect(")")
            return inside
        if text == "[" and kind == "sign":
            return [series for value in self._list("]") for series in _series_of(value)]
        if kind == "name":
            return self._call(text.upper()) if self._takes("(") else self._find(text)
        raise MathError(f"unexpected '{text}'")

    def _call(self, name: str) -> Value:
        if name not in _FUNCTIONS:
            raise MathError(f"{name} is not calculated by the sandbox; it knows {', '.join(sorted(_FUNCTIONS))}")
        if name == "METRICS":
            text = self._next()[1] if self._peek()[0] == "text" else ""
            self._expect(")")
            return self._metrics(text)
        if name == "FILL":
            return self._fill()
        given = self._list(")")
        if name in _GATHER and len(given) == 1:
            return _gather(_GATHER[name], given[0])
        if name in _ROUND and len(given) == 1:
            return _each(_ROUND[name], given[0])
        if name in ("RATE", "DIFF") and len(given) == 1:
            return _each_series(_rate if name == "RATE" else _diff, given[0])
        if name == "IF" and len(given) in (2, 3):
            return _choose(given[0], given[1], given[2] if len(given) == 3 else None)
        raise MathError(f"{name} with {len(given)} arguments is not calculated")

    def _fill(self) -> Value:
        filled = self._level(0)
        self._expect(",")
        if self._peek() == ("name", "REPEAT"):
            self._at += 1
            self._expect(")")
            return _each_series(lambda series: _repeat(series, self._grid), filled)
        other = self._level(0)
        self._expect(")")
        if isinstance(other, list):
            raise MathError("FILL takes a number, a series or REPEAT")
        return _each_series(lambda series: {**_spread(other, self._grid), **series}, filled)

    def _list(self, end: str) -> list[Value]:
        if self._takes(end):
            return []
        values = [self._level(0)]
        while self._takes(","):
            values.append(self._level(0))
        self._expect(end)
        return values

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._at] if self._at < len(self._tokens) else ("end", "end of the expression")

    def _next(self) -> tuple[str, str]:
        token = self._peek()
        self._at += 1
        return token

    def _takes(self, sign: str) -> bool:
        taken = self._peek() == ("sign", sign)
        self._at += taken
        return taken

    def _expect(self, sign: str) -> None:
        if not self._takes(sign):
            raise MathError(f"expected '{sign}' instead of '{self._peek()[1]}'")


def _split(text: str) -> list[tuple[str, str]]:
    tokens, at = [], 0
    text = text.strip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise MathError(f"unexpected '{text[at:].lstrip()[0]}'")
        kind = str(match.lastgroup)
        tokens.append(("text" if kind == "quoted" else kind, match[kind]))
        at = match.end()
    return tokens


def _series_of(value: Value) -> list[Series]:
    if isinstance(value, list):
        return value
    if isinstance(value, dict):
        return [value]
    raise MathError("an array holds series, not numbers")


def _power(base: float, exponent: float) -> float:
    try:
        return math.pow(base, exponent)
    except (ValueError, OverflowError):
        return math.nan  # no value, as after a division by zero: the root of a negative number, or beyond a double


def _each(change: Callable[[float], float], value: Value) -> Value:
    if isinstance(value, float):
        return change(value)
    return _each_series(lambda series: {at: change(one) for at, one in series.items()}, value)


def _each_series(change: Callable[[Series], Series], value: Value) -> Value:
    if isinstance(value, float):
        raise MathError("a series is needed, not a number")
    return [change(series) for series in value] if isinstance(value, list) else change(value)


def _combine(change: Callable[[float, float], float], left: Value, right: Value) -> Value:
    """Point by point; where one of two series has no value there is none."""
    if isinstance(left, list):
        return [series for one in left for series in _series_of(_combine(change, one, right))]
    if isinstance(right, list):
        return [series for one in right for series in _series_of(_combine(change, left, one))]
    if isinstance(left, float) and isinstance(right, float):
        return change(left, right)
    times = [set(side) for side in (left, right) if isinstance(side, dict)]
    shared = sorted(set.intersection(*times))
    found = {at: change(_value_at(left, at), _value_at(right, at)) for at in shared}
    # What was divided by zero has no value.
    return {at: value for at, value in found.items() if not math.isnan(value)}


def _value_at(value: float | Series, at: int) -> float:
    return value if isinstance(value, float) else value[at]


def _gather(change: Callable[[Sequence[float]], float], value: Value) -> Value:
    """One number of a series; one series of several, of the values that there are at each time."""
    if isinstance(value, float):
        raise MathError("a series is needed, not a number")
    if isinstance(value, dict):
        return float(change(list(value.values()))) if value else {}
    times = sorted({at for series in value for at in series})
    return {at: change([series[at] for series in value if at in series]) for at in times}


def _choose(condition: Value, yes: Value, no: Value | None) -> Value:
    """Point by point; without a third argument there is no value where the condition does not hold."""
    if isinstance(condition, list) or isinstance(yes, list) or isinstance(no, list):
        raise MathError("IF takes series and numbers, no arrays")
    if isinstance(condition, float):
        chosen = yes if condition else no
        return {} if chosen is None else chosen
    found = {}
    for at, holds in condition.items():
        chosen = yes if holds else no
        if chosen is not None and (isinstance(chosen, float) or at in chosen):
            found[at] = _value_at(chosen, at)
    return found


def _spread(value: float | Series, grid: Sequence[int]) -> Series:
    return dict.fromkeys(grid, value) if isinstance(value, float) else value


def _repeat(series: Series, grid: Sequence[int]) -> Series:
    found, last = {}, None
    for at in grid:
        last = series.get(at, last)
        if last is not None:
            found[at] = last
    return found


def _diff(series: Series) -> Series:
    times = sorted(series)
    return {at: series[at] - series[before] for before, at in itertools.pairwise(times)}


def _rate(series: Series) -> Series:
    """By the second."""
    times = sorted(series)
    return {at: (series[at] - series[before]) / (at - before) for before, at in itertools.pairwise(times)}
