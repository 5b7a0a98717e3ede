"""Names on both sides of the wire."""

import pytest

from trebuche.naming import snake_to_camel

PAIRS = [("add_todo", "addTodo"), ("title", "title"), ("clear_completed", "clearCompleted"), ("x2_offset", "x2Offset")]


@pytest.mark.parametrize(("snake", "camel"), PAIRS)
def test_names_are_translated(snake: str, camel: str) -> None:
    """Python's methods and fields have Swift's names on the wire."""
    assert snake_to_camel(snake) == camel


@pytest.mark.parametrize(
    ("name", "camel"),
    [("from_", "from"), ("_0", "_0"), ("__secret_name", "__secretName"), ("addTodo", "addTodo"), ("a__b", "aB")],
)
def test_odd_names_become_camel(name: str, camel: str) -> None:
    """A keyword loses its closing underscore, unlabelled values keep their opening one."""
    assert snake_to_camel(name) == camel
