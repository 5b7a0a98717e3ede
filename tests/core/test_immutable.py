"""Values that nobody changes are as dataclasses are, beside what writes them."""

from dataclasses import dataclass, field, fields
from typing import Any

import pytest

from trebuche.immutable import immutable


@immutable
class Ours:
    """With every kind of member."""

    name: str
    parts: tuple[Any, ...] = ()
    secret: str = field(default="", repr=False)
    extra: dict[str, int] = field(default_factory=dict, hash=False)
    note: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Theirs:
    """The same as a frozen dataclass."""

    name: str
    parts: tuple[Any, ...] = ()
    secret: str = field(default="", repr=False)
    extra: dict[str, int] = field(default_factory=dict, hash=False)
    note: str = field(default="", compare=False)


NAN = float("nan")
VALUES: list[tuple[Any, ...]] = [
    ("a",), ("b",), ("a", (1,)), ("a", (1.0,)), ("a", (NAN,)), ("a", (float("nan"),)), ("a", (), "key"),
    ("a", (), "", {"x": 1}), ("a", (), "", {}, "n"),
]  # fmt: skip


def test_they_are_equal_where_dataclasses_are() -> None:
    """Member by member, by those that count; also a number that is equal to nothing."""
    for one in VALUES:
        for other in VALUES:
            assert (Ours(*one) == Ours(*other)) is (Theirs(*one) == Theirs(*other))
    theirs: Any = Theirs("a")
    assert Ours("a") != theirs


def test_equal_ones_have_one_hash() -> None:
    """Whatever a mapping in them holds."""
    assert len({Ours("a"), Ours("a", note="n"), Ours("a", extra={"x": 1}), Ours("b")}) == 3
    assert hash(Ours("a", extra={"x": 1})) == hash(Ours("a"))


def test_they_show_what_may_be_shown() -> None:
    """Secrets and texts of users have no place in a log."""
    for values in VALUES:
        assert repr(Ours(*values)) == repr(Theirs(*values)).replace("Theirs", "Ours")


def test_they_have_slots() -> None:
    """Nothing is added to them by a slip of the pen."""
    ours: Any = Ours("a")
    with pytest.raises(AttributeError):
        ours.nmae = "b"
    assert [one.name for one in fields(Ours)] == [one.name for one in fields(Theirs)]
