"""Which release a stack takes by plain ``pulumi up``."""

from typing import Any

from infra.promotion import Candidate, objections
from infra.releases import pack

HERE, THERE, OTHER = "a" * 64, "b" * 64, "c" * 64
BEFORE = {"actors": {"todos": {"class": "TodoList"}}, "types": {}}
WITHOUT: dict[str, Any] = {"actors": {}, "types": {}}


def candidate(interface: Any = None, **changes: Any) -> Candidate:
    """A release on its way to production."""
    given = {"stack": "production", "release": HERE, "interface": interface, "source": "staging", **changes}
    return Candidate(**given)


def own(release: str) -> dict[str, Any]:
    """Outputs of production."""
    return {"release": release, "interfaces": {release[:12]: pack(BEFORE)}}


def test_release_of_the_source_is_taken() -> None:
    """The same digest runs in the stage before."""
    assert objections(candidate(), own(OTHER), {"release": HERE}) == []


def test_other_release_is_refused_with_both_digests() -> None:
    """The text says which stack, which releases, and what to do."""
    [text] = objections(candidate(), own(OTHER), {"release": THERE})

    for part in ("production", "staging", HERE[:12], THERE[:12], "Deploy it to staging first"):
        assert part in text


def test_source_without_a_release_is_no_objection() -> None:
    """A stage that was never deployed has nothing to promote, and nothing is known to differ."""
    assert objections(candidate(), own(OTHER), {}) == []


def test_running_release_may_be_deployed_again() -> None:
    """A setting of production can be changed while staging is ahead."""
    assert objections(candidate(WITHOUT), own(HERE), {"release": THERE}) == []


def test_breaking_difference_is_refused_unless_it_is_allowed() -> None:
    """With or without a stage before it."""
    [text] = objections(candidate(WITHOUT, source=None), own(OTHER), {})

    assert text.startswith("breaking: todos (TodoList) is gone")
    assert objections(candidate(WITHOUT, allowed=["todos"]), own(OTHER), {"release": HERE}) == []
    assert objections(candidate(WITHOUT), {}, {"release": HERE}) == []
