"""Filter patterns of CloudWatch Logs, for the search of log events ("Filter and pattern syntax" in its user guide).

The emulator looks for terms in whatever case, takes every other kind of pattern for one that matches all, and cannot
read a phrase of several words.
"""

import re
from collections.abc import Callable
from typing import Any

from ministack.core.responses import error_response_json
from ministack.services import cloudwatch_logs

from sandbox.inside.log_selectors import PatternError, read_expression, read_selector, unquoted

Matches = Callable[[str], bool]
TERM = re.compile(r'\s*(?P<sign>[-?]?)(?:(?P<phrase>"(?:[^"\\]|\\.)*")|(?P<word>\w+))(?=\s|$)', re.ASCII)
EXPRESSION = re.compile("%[^%]+%")


def install() -> None:
    """Have FilterLogEvents read its pattern."""
    cloudwatch_logs._compile_filter_pattern = read_pattern
    cloudwatch_logs._filter_log_events = refusing(cloudwatch_logs._filter_log_events)


def refusing(search: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], Any]:
    """The search, which refuses what is no pattern."""

    def run(data: dict[str, Any]) -> Any:
        try:
            return search(data)
        except PatternError as error:
            return error_response_json("InvalidParameterException", f"Invalid filter pattern: {error}", 400)

    return run


def read_pattern(pattern: str) -> Matches:
    """What tells whether a message is one that a pattern means.

    Raises:
        PatternError: It is none, or of fields between blanks.
    """
    pattern = pattern.strip()
    if pattern.startswith("{") and pattern.endswith("}"):
        return read_selector(pattern[1:-1])
    if pattern.startswith("["):
        raise PatternError("the sandbox does not read patterns of fields between blanks")
    if EXPRESSION.fullmatch(pattern):
        expression = read_expression(pattern)
        return lambda message: expression.search(message) is not None
    return read_terms(pattern)


def read_terms(pattern: str) -> Matches:
    """Terms: all of them, none with a minus, and, where there are no others, any of those with a question mark.

    Raises:
        PatternError: A term with other characters than letters, digits and underscores is not in quotation marks.
    """
    terms: dict[str, list[str]] = {"": [], "-": [], "?": []}
    place = 0
    while place < len(pattern):
        match = TERM.match(pattern, place)
        if match is None:
            raise PatternError(f"character {place + 1} of {pattern}")
        terms[match["sign"]].append(match["word"] or unquoted(match["phrase"]))
        place = match.end()

    def matches(message: str) -> bool:
        if any(term in message for term in terms["-"]) or not all(term in message for term in terms[""]):
            return False
        alone = terms["?"] and not terms[""]
        return any(term in message for term in terms["?"]) if alone else True

    return matches
