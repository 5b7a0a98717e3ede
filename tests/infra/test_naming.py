"""Names of deployed things."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.naming import FUNCTION_LIMIT, Names, fit, kebab

NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9_-]{0,39}", fullmatch=True)
STACKS = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True)


@pytest.mark.parametrize(
    ("class_name", "expected"),
    [
        ("TodoList", "todo-list"),
        ("HTTPRoom2", "http-room2"),
        ("GameRoomV2Beta", "game-room-v2-beta"),
        ("todo_list", "todo-list"),
        ("Todo__List_", "todo-list"),
        ("X", "x"),
    ],
)
def test_kebab(class_name: str, expected: str) -> None:
    """Class names become lower-case words with hyphens."""
    assert kebab(class_name) == expected


def test_production_has_the_names_of_the_file() -> None:
    """Only stack production carries no suffix."""
    names = Names("my-app", "production")

    assert (names.base, names.table("state"), names.own_table("journal")) == ("my-app", "state", "my-app-journal")
    assert names.function("websocket") == "my-app-websocket"


def test_other_stacks_have_a_suffix() -> None:
    """Stacks of one application can stand side by side in one account."""
    names = Names("my-app", "dev")

    assert (names.base, names.table("state"), names.own_table("journal")) == (
        "my-app-dev",
        "state-dev",
        "my-app-dev-journal",
    )
    assert names.function("actor-todo-list") == "my-app-dev-actor-todo-list"
    assert names.queue("failures") == "my-app-dev-failures"
    assert names.api() == "my-app-dev-websocket"


@given(application=NAMES, stack=STACKS, actor=NAMES)
def test_functions_fit(application: str, stack: str, actor: str) -> None:
    """Whatever is configured, a function's name is one that Lambda and IAM take."""
    name = Names(application, stack).function(f"actor-{kebab(actor)}")

    assert re.fullmatch(rf"[A-Za-z0-9_-]{{1,{FUNCTION_LIMIT}}}", name)


@given(names=st.sets(st.text("ab-", min_size=1, max_size=90), min_size=2), limit=st.integers(20, 64))
def test_cut_names_stay_apart(names: set[str], limit: int) -> None:
    """Two names never become one by being cut."""
    assert len({fit(name, limit) for name in names}) == len(names)


def test_a_name_that_fits_is_not_touched() -> None:
    """The limit itself still fits; one more character is cut."""
    assert fit("a" * 64, 64) == "a" * 64
    assert len(fit("a" * 65, 64)) == 64
