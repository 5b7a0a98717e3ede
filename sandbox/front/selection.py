"""Route selection: which route a message takes. Pure."""

import json
import re
from collections.abc import Container

DEFAULT_ROUTE = "$default"
_BODY_PATH = re.compile(r"\$\{request\.body\.(?P<braced>[^}]+)\}|\$request\.body\.(?P<bare>[\w.\-]+)")


def route_key(expression: str, text: str) -> str:
    r"""Evaluate a route selection expression over a message.

    Forms: ``$request.body.action``, ``${request.body.service}/${request.body.action}``, a constant, ``\$default``.
    A missing path evaluates to the empty string; text that is not JSON always takes ``$default``.
    """
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        return DEFAULT_ROUTE
    if expression.startswith("\\$"):
        return expression[1:]
    return _BODY_PATH.sub(lambda match: _look_up(body, match["braced"] or match["bare"]), expression)


def select_route(expression: str, text: str, keys: Container[str]) -> str | None:
    """The key of the route for a message: an exact match, else ``$default``; None when there is neither.

    A message cannot name ``$connect`` or ``$disconnect``.
    """
    key = route_key(expression, text)
    if key in keys and not key.startswith("$"):
        return key
    return DEFAULT_ROUTE if DEFAULT_ROUTE in keys else None


def _look_up(body: object, path: str) -> str:
    for step in path.split("."):
        if not isinstance(body, dict) or step not in body:
            return ""
        body = body[step]
    if isinstance(body, str):
        return body
    return "" if body is None else json.dumps(body)
