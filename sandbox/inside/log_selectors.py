"""Patterns of log events in JSON: ``{ $.level = "ERROR" && $.seconds > 3 }``. Pure."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from operator import ge, gt, le, lt
from typing import Any

Event = Any
Test = Callable[[Event], bool]
TOKEN = re.compile(
    r"""\s*(?:(?P<selector>\$(?:\.[\w-]+|\[(?:\d+|\*|"[^"]*")\])+)|(?P<sign>&&|\|\||[()]|!=|<=|>=|[=<>])"""
    r"""|(?P<text>"(?:[^"\\]|\\.)*")|(?P<expression>%[^%]+%)|(?P<word>[^\s()&|=<>!"]+))"""
)
STEP = re.compile(r'\.(?P<name>[\w-]+)|\[(?:(?P<index>\d+)|(?P<any>\*)|"(?P<quoted>[^"]*)")\]')
ORDERS: dict[str, Callable[[float, float], bool]] = {"<": lt, "<=": le, ">": gt, ">=": ge}
NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][-+]?\d+)?")
WORDS = {"NULL": None, "TRUE": True, "FALSE": False}


class PatternError(ValueError):
    """What should be a filter pattern is none; the text says where."""


def read_selector(text: str) -> Callable[[str], bool]:
    """What tells whether a message is JSON that a pattern, without its braces, means.

    Raises:
        PatternError: It is none.
    """
    reader = Reader(list(tokens(text)))
    test = reader.read_any()
    reader.end()

    def matches(message: str) -> bool:
        try:
            event = json.loads(message)
        except ValueError:
            return False
        return isinstance(event, dict) and test(event)

    return matches


def tokens(text: str) -> Iterator[tuple[str, str]]:
    """The kinds and texts of what a pattern is made of."""
    place, text = 0, text.rstrip()
    while place < len(text):
        match = TOKEN.match(text, place)
        if match is None or match.lastgroup is None:
            raise PatternError(f"cannot read {text[place:].strip()}")
        yield match.lastgroup, match[match.lastgroup]
        place = match.end()


@dataclass
class Reader:
    """Reads a pattern from the left; ``&&`` binds more closely than ``||``."""

    left: list[tuple[str, str]]

    def read_any(self) -> Test:
        """Tests of which one must hold."""
        tests = [self.read_all()]
        while self.takes("||"):
            tests.append(self.read_all())
        return lambda event: any(test(event) for test in tests)

    def read_all(self) -> Test:
        """Tests that must all hold."""
        tests = [self.read_one()]
        while self.takes("&&"):
            tests.append(self.read_one())
        return lambda event: all(test(event) for test in tests)

    def read_one(self) -> Test:
        """One test, or several in parentheses."""
        if self.takes("("):
            test = self.read_any()
            self.demand(")")
            return test
        steps = [match.groupdict() for match in STEP.finditer(self.take("selector"))]
        kind, sign = self.next()
        if kind == "word" and sign in ("IS", "NOT"):
            return self.read_state(steps, sign)
        if sign in ORDERS:
            return ordered(steps, ORDERS[sign], self.take("word"))
        if sign not in ("=", "!="):
            raise PatternError(f"{sign} is no comparison")
        return equal(steps, *self.next(), same=sign == "=")

    def read_state(self, steps: list[dict[str, str]], sign: str) -> Test:
        """``IS NULL``, ``IS TRUE``, ``IS FALSE`` or ``NOT EXISTS``."""
        word = self.take("word")
        if sign == "NOT" and word == "EXISTS":
            return lambda event: not list(select(event, steps))
        if sign == "NOT" or word not in WORDS:
            raise PatternError(f"{sign} {word} means nothing")
        return lambda event: any(value is WORDS[word] for value in select(event, steps))

    def next(self) -> tuple[str, str]:
        """Take whatever comes next."""
        if not self.left:
            raise PatternError("it ends too early")
        return self.left.pop(0)

    def take(self, kind: str) -> str:
        """Take what must be of a kind."""
        found, text = self.next()
        if found != kind:
            raise PatternError(f"{text} is not expected there")
        return text

    def takes(self, sign: str) -> bool:
        """Take a sign, if it is there."""
        there = bool(self.left) and self.left[0] == ("sign", sign)
        if there:
            self.left.pop(0)
        return there

    def demand(self, sign: str) -> None:
        """Take a sign that must be there."""
        if not self.takes(sign):
            raise PatternError(f"{sign} is missing")

    def end(self) -> None:
        """See that nothing is left."""
        if self.left:
            raise PatternError(f"{self.left[0][1]} is not expected there")


def select(event: Event, steps: list[dict[str, str]]) -> Iterator[Any]:
    """The values that a selector finds; a wildcard stands for each element of a list."""
    if not steps:
        yield event
        return
    step, rest = steps[0], steps[1:]
    name = step["name"] if step["quoted"] is None else step["quoted"]
    if isinstance(event, dict) and name in event:
        yield from select(event[name], rest)
    elif isinstance(event, list) and step["any"]:
        for one in event:
            yield from select(one, rest)
    elif isinstance(event, list) and step["index"] and int(step["index"]) < len(event):
        yield from select(event[int(step["index"])], rest)


def ordered(steps: list[dict[str, str]], holds: Callable[[float, float], bool], number: str) -> Test:
    """A comparison of numbers."""
    try:
        limit = float(number)
    except ValueError as error:
        raise PatternError(f"{number} is no number") from error
    return lambda event: any(is_number(value) and holds(value, limit) for value in select(event, steps))


def equal(steps: list[dict[str, str]], kind: str, text: str, *, same: bool) -> Test:
    """A comparison with a text, a number or a regular expression; what is not there neither equals nor differs."""
    fits = comparison(kind, text)

    def holds(event: Event) -> bool:
        return any(fits(value) is same for value in select(event, steps) if isinstance(value, str | int | float))

    return holds


def comparison(kind: str, text: str) -> Callable[[str | float], bool]:
    """What tells whether a value is the one that is written; a star stands for any characters."""
    if kind in ("sign", "selector"):
        raise PatternError(f"{text} is no value")
    if kind == "expression":
        expression = read_expression(text)
        return lambda value: isinstance(value, str) and expression.search(value) is not None
    if kind == "word" and NUMBER.fullmatch(text):
        return lambda value: is_number(value) and value == float(text)
    wanted = unquoted(text) if kind == "text" else text
    form = re.compile(".*".join(map(re.escape, wanted.split("*"))), re.DOTALL)
    return lambda value: isinstance(value, str) and form.fullmatch(value) is not None


def read_expression(text: str) -> re.Pattern[str]:
    """A regular expression between percent signs.

    Raises:
        PatternError: It is none.
    """
    try:
        return re.compile(text.strip("%"))
    except re.error as error:
        raise PatternError(f"{text}: {error}") from error


def unquoted(text: str) -> str:
    """A text without its quotation marks."""
    return re.sub(r"\\(.)", r"\1", text[1:-1])


def is_number(value: object) -> bool:
    """Whether a value is a number; a truth value is none."""
    return isinstance(value, int | float) and not isinstance(value, bool)
