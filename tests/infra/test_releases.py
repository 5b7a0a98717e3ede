"""The list of releases that a stack had, and what a rollback makes of it."""

import pytest

from infra.releases import (
    RELEASES_KEPT,
    Pin,
    Release,
    before,
    interface_of,
    read_releases,
    with_interface,
    with_release,
)

OLD, NEW, NEXT = "a" * 64, "b" * 64, "c" * 64


def release(digest: str, version: str) -> Release:
    """A release of one function."""
    return Release(digest=digest, versions={"actor-todo-list": version})


def test_line_is_read_as_it_was_written() -> None:
    """Digest and versions survive the output."""
    one = Release(digest=NEW, versions={"websocket": "3", "actor-todo-list": "12"})

    assert read_releases([str(one)]) == (one,)
    assert str(one) == f"{NEW} actor-todo-list=12 websocket=3"
    assert read_releases(None) == ()


def test_new_release_comes_first_and_the_same_one_again_changes_nothing() -> None:
    """A second deployment of a release leaves the list as it is."""
    first = with_release([release(OLD, "1")], release(NEW, "2"))

    assert [line[:64] for line in first] == [NEW, OLD]
    assert with_release(read_releases(first), release(NEW, "2")) == first


def test_list_ends() -> None:
    """Only the newest are kept."""
    known = [release(f"{number:064x}", "1") for number in range(RELEASES_KEPT + 3)]

    assert len(with_release(known, release(NEW, "2"))) == RELEASES_KEPT


def test_taken_back_release_is_no_way_back() -> None:
    """After a rollback, and after the deployment that follows it, the release that was taken back is never offered."""
    pin = Pin(taken_back=NEW, release=OLD, versions={"actor-todo-list": "1"})

    rolled_back = with_release([release(NEW, "2"), release(OLD, "1")], release(OLD, "1"), pin)
    mended = with_release(read_releases(rolled_back), release(NEXT, "3"))

    assert [line[:64] for line in rolled_back] == [OLD]
    back = before(read_releases(mended))
    assert back is not None
    assert back.digest == OLD


@pytest.mark.parametrize(("wanted", "found"), [(None, NEW), ("a", OLD), ("b", NEW), ("c", None), ("f", None)])
def test_way_back_by_name(wanted: str | None, found: str | None) -> None:
    """Without a name the release before the running one; the running one itself is no way back."""
    back = before([release(NEXT, "3"), release(NEW, "2"), release(OLD, "1")], wanted)

    assert (back and back.digest) == found


def test_interfaces_are_kept_for_the_newest_two() -> None:
    """What the release before looked like is there after a rollback, and older ones are dropped."""
    lines: list[str] = []
    known: dict[str, str] = {}
    for digest in (OLD, NEW, NEXT):
        lines = with_release(read_releases(lines), release(digest, "1"))
        known = with_interface(known, lines, {"actors": digest})

    assert interface_of(known, NEXT) == {"actors": NEXT}
    assert interface_of(known, NEW) == {"actors": NEW}
    assert interface_of(known, OLD) is None
    assert with_interface(known, lines, None) == known
