"""``trebuche promote`` with a fake Pulumi: what it does when the engine does not end as it should."""

import json

import pytest

from cli.asking import Asker
from cli.errors import LockedError
from cli.promote import promote_and_print
from cli.releases import not_this_checkout
from infra.plan import make_plan
from tests.cli.stack_workshop import StackWorkshop, outputs, state

LOCKED = (
    "the stack is currently locked by 1 lock(s). Either wait for the other process(es) to end or delete the lock file "
    "with `pulumi cancel`.\n  file:///state/.pulumi/locks/x.json: created by ada@desk (pid 4242) "
    "at 2026-03-04T09:15:00Z"
)


@pytest.fixture
def promoted(workshop: StackWorkshop) -> StackWorkshop:
    """A stack whose aliases name none of the versions of the release before: there would be something to take back."""
    release = make_plan(workshop.root, "production", {}).release
    releases = [f"{release} websocket=3"]
    workshop.holds(state(exported={**outputs(), "release": release, "releases": releases}))
    return workshop


def _promote(workshop: StackWorkshop) -> int:
    return promote_and_print(workshop.output(), workshop.stack, workshop.stack, Asker(yes=True))


def test_whoever_is_kept_out_by_a_lock_takes_nothing_back(promoted: StackWorkshop) -> None:
    """The release that runs by then is somebody else's."""
    promoted.refuses("up", LOCKED)

    with pytest.raises(LockedError, match=r"ada@desk, process 4242.*You changed nothing"):
        _promote(promoted)

    assert len(promoted.calls("up")) == 1
    assert not (promoted.root / "Pulumi.production.yaml").exists()


def test_interrupted_promotion_says_what_runs(promoted: StackWorkshop) -> None:
    """Ctrl-C ends the engine, nothing is taken back unasked, and the ways on are named."""
    promoted.interrupts_up()

    with pytest.raises(KeyboardInterrupt):
        _promote(promoted)

    assert "Interrupted: release" in promoted.told
    assert "trebuche rollback production" in promoted.told
    assert len(promoted.calls("up")) == 1


@pytest.mark.parametrize(("dirty", "words"), [("false", "git worktree add ../0123456789ab"), ("true", "not committed")])
def test_commit_of_a_release_is_offered_only_where_it_is_that_release(
    workshop: StackWorkshop, dirty: str, words: str
) -> None:
    """What was deployed from a changed checkout is in no commit."""
    environment = {"git.head": "0123456789abcdef", "git.dirty": dirty}
    (workshop.folder / "environment.json").write_text(json.dumps(environment))

    told = str(not_this_checkout(workshop.stack, "a" * 64, "b" * 64, deed="Deploy it."))

    assert words in told
    assert ("git worktree" in told) == (dirty == "false")
