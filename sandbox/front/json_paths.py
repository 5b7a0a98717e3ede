"""The paths of JSONPath that lead to one value: names and indices. Pure."""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

ABSENT: Final = object()
"""What a path finds where nothing is; null is a value."""
_STEP = re.compile(
    r"\.(?P<name>[^\s.\[\](){}'\"?*@]+)|\[(?P<index>\d+)\]|\[(?P<quote>['\"])(?P<quoted>.+?)(?P=quote)\]"
)

Steps = tuple[str | int, ...]


@lru_cache(maxsize=1024)
def parse_path(text: str) -> Steps | None:
    """The steps of a path such as ``.items[0].kind`` or ``['a b']``; None when it is more than names and indices."""
    steps: list[str | int] = []
    at = 0
    while at < len(text):
        match = _STEP.match(text, at)
        if match is None:
            return None
        steps.append(int(match["index"]) if match["index"] else match["name"] or match["quoted"])
        at = match.end()
    return tuple(steps)


def look_up(document: object, steps: Iterable[str | int]) -> object:
    """The value at the end of some steps, or ``ABSENT``."""
    for step in steps:
        if isinstance(document, dict):
            document = document.get(step, ABSENT)
        elif isinstance(document, list) and isinstance(step, int) and step < len(document):
            document = document[step]
        else:
            return ABSENT
    return document
