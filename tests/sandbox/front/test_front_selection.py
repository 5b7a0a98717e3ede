"""Selection expressions: over a message, and what is refused in them."""

import pytest

from sandbox.front.selection import STATUS, select_route, unknown_variable

ROUTES = {"$connect", "$default", "add", "todo/add", "7", "a.b"}


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
        ("$request.body.my-key", '{"my-key": "add"}', "add"),
        ("${request.body.service}/${request.body.action}", '{"service": "todo", "action": "add"}', "todo/add"),
        ("${request.body.a}/${request.body.b.c}", '{"a": "todo", "b": {"c": "add"}}', "todo/add"),
        ("${request.body.a}/${request.body.b}", '{"a": "todo"}', "$default"),
        ("${request.body.a}.${request.body.b}", '{"a": "a", "b": "b"}', "a.b"),
        ("$request.body.action", '{"action": "$disconnect"}', "$default"),
        ("\\$default", '{"action": "add"}', "$default"),
        ("add", "{}", "add"),
    ],
)
def test_route_is_what_the_expression_names(expression: str, text: str, route: str) -> None:
    """An exact match, else $default; never $connect or $disconnect."""
    assert select_route(expression, text, ROUTES) == route


@pytest.mark.parametrize(
    ("expression", "text", "route"),
    [
        ("$request.body.items[0].kind", '{"items": [{"kind": "add"}]}', "add"),
        ("${request.body.items[1]}", '{"items": ["x", "add"]}', "add"),
        ("${request.body['the kind']}", '{"the kind": "add"}', "add"),
        ("$request.body[0].kind", '[{"kind": "add"}]', "add"),
        ("$request.body.items[1].kind", '{"items": [{"kind": "add"}]}', "$default"),
        ("$request.body.items[0].kind", '{"items": {"0": {"kind": "add"}}}', "$default"),
    ],
)
def test_paths_lead_into_lists(expression: str, text: str, route: str) -> None:
    """An index is a step like a name; one that is not there is a missing path."""
    assert select_route(expression, text, ROUTES) == route


def test_without_a_default_route_there_may_be_none() -> None:
    """Nothing matches and nothing catches: no route."""
    assert select_route("$request.body.action", '{"action": "x"}', {"add"}) is None


@pytest.mark.parametrize(
    ("expression", "unknown"),
    [
        ("$request.body.action", None),
        ("${request.body.items[0].kind}-${request.body.a}", None),
        ("\\$default", None),
        ("constant", None),
        ("$default", "$default"),
        ("$request.header.action", "$request.header.action"),
        ("a${context.stage}", "${context.stage}"),
        ("$request.body", "$request.body"),
        ("${request.body.items[*].kind}", "${request.body.items[*].kind}"),
        ("costs 5 $", "$"),
        (f"${{{STATUS}}}", f"${{{STATUS}}}"),
    ],
)
def test_variables_that_are_no_path_in_the_body_are_found(expression: str, unknown: str | None) -> None:
    """They would silently be something else; an escaped dollar is none."""
    assert unknown_variable(expression) == unknown


def test_more_variables_can_be_known() -> None:
    """Responses may also be chosen by the integration's status."""
    assert unknown_variable(f"${STATUS}/${{request.body.a}}", known=(STATUS,)) is None
