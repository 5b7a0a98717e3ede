"""Route selection expressions."""

import pytest

from sandbox.front.selection import select_route

ROUTES = {"$connect", "$default", "add", "todo/add", "7"}


@pytest.mark.parametrize(
    ("expression", "text", "route"),
    [
        ("$request.body.action", '{"action": "add"}', "add"),
        ("$request.body.action", '{"action": "other"}', "$default"),
        ("$request.body.action", "{}", "$default"),
        ("$request.body.action", "not json", "$default"),
        ("$request.body.action", '["action"]', "$default"),
        ("$request.body.action", "[" * 100_000, "$default"),
        ("$request.body.action", '{"action": 7}', "7"),
        ("$request.body.action", '{"action": "$connect"}', "$default"),
        ("$request.body.a.b", '{"a": {"b": "add"}}', "add"),
        ("${request.body.service}/${request.body.action}", '{"service": "todo", "action": "add"}', "todo/add"),
        ("${request.body.a}/${request.body.b.c}", '{"a": "todo", "b": {"c": "add"}}', "todo/add"),
        ("${request.body.a}/${request.body.b}", '{"a": "todo"}', "$default"),
        ("$request.body.action", '{"action": "$disconnect"}', "$default"),
        ("\\$default", '{"action": "add"}', "$default"),
        ("add", "{}", "add"),
    ],
)
def test_route_is_what_the_expression_names(expression: str, text: str, route: str) -> None:
    """An exact match, else $default; never $connect or $disconnect."""
    assert select_route(expression, text, ROUTES) == route


def test_without_a_default_route_there_may_be_none() -> None:
    """Nothing matches and nothing catches: no route."""
    assert select_route("$request.body.action", '{"action": "x"}', {"add"}) is None
