"""Selection expressions: which route a message takes, which template an integration. Pure."""

import json
import re
from collections.abc import Callable, Container
from typing import Final

from sandbox.front.json_paths import ABSENT, look_up, parse_path

DEFAULT_ROUTE: Final = "$default"
_BODY: Final = "request.body"
STATUS: Final = "integration.response.statuscode"
_VARIABLE = re.compile(r"\\\$|\$\{(?P<braced>[^}]*)\}|\$(?P<bare>\w+(?:\.[\w\-]+|\[\d+\]|\['[^']+'\])*)?")


def evaluate(expression: str, value_of: Callable[[str], str]) -> str:
    r"""An expression with each variable (``$name``, ``${name}``) replaced once; ``\$`` is a dollar."""
    return _VARIABLE.sub(lambda match: _replace(match, value_of), expression)


def unknown_variable(expression: str, *, known: Container[str] = ()) -> str | None:
    """The first variable of an expression that is neither a path in ``$request.body`` nor one of the known."""
    for match in _VARIABLE.finditer(expression):
        name = match["braced"] or match["bare"] or ""
        if match[0] != r"\$" and name not in known and not _is_body_path(name):
            return match[0]
    return None


def read_body(text: str) -> object:
    """The document that a message is; ``ABSENT`` when it is not JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return ABSENT


def body_value(name: str, body: object) -> str:
    """What a variable ``request.body.…`` stands for: nothing where the body has no such member."""
    steps = parse_path(name.removeprefix(_BODY))
    value = ABSENT if steps is None else look_up(body, steps)
    if value is ABSENT or value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)


def select_route(expression: str, text: str, keys: Container[str]) -> str | None:
    """The key of the route for a message: an exact match, else ``$default``; None when there is neither.

    Text that is not JSON always takes ``$default``. A message cannot name ``$connect`` or ``$disconnect``.
    """
    key = _route_key(expression, text)
    if key in keys and not key.startswith("$"):
        return key
    return DEFAULT_ROUTE if DEFAULT_ROUTE in keys else None


def _route_key(expression: str, text: str) -> str:
    body = read_body(text)
    return DEFAULT_ROUTE if body is ABSENT else evaluate(expression, lambda name: body_value(name, body))


def _replace(match: re.Match[str], value_of: Callable[[str], str]) -> str:
    return "$" if match[0] == r"\$" else value_of(match["braced"] or match["bare"] or "")


def _is_body_path(name: str) -> bool:
    path = name.removeprefix(_BODY)
    return name.startswith(_BODY) and path != "" and parse_path(path) is not None
