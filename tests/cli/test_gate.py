"""What of a sample breaks, what is nobody's loss, and what the gate says."""

import io
import re
from typing import Any

import pytest

from cli.dev.events import Progress
from cli.errors import CommandError, LockedError
from cli.gate import Verdict
from cli.output import Output
from cli.pulumi_stack import Finished
from cli.rehearse import Break, Call, SilentVersionError, Writer, find_breaks, find_refused
from cli.running import run_engine
from cli.samples import DamagedItemError, Sample, read_state
from infra.compatibility import Difference, Kind

INTERFACE = {
    "actors": {"todos": {"state": {"record": "Todos"}}},
    "types": {
        "Todos": {"todos": {"type": {"list": {"record": "Todo"}}, "required": False}},
        "Todo": {"title": {"type": "text", "required": True}},
    },
}


def sample(key: str, state: str = "{}") -> Sample:
    """A stored state."""
    return Sample(f"todos/{key}", 4, 1, state, "state")


def saying(*answers: tuple[str | None, list[list[str | int]]]) -> Any:
    """Code that says this of the states, in turn."""
    waiting = list(answers)

    def ask(request: dict[str, Any]) -> dict[str, Any]:
        pairs = [waiting.pop(0) for _ in request["states"]]
        return {"states": [{"error": error, "lost": lost} for error, lost in pairs]}

    return ask


def test_unreadable_state_is_named_with_its_item() -> None:
    """The first item of each name stands for all of them."""
    ask = saying(("no text", []), ("no text", []), (None, []))

    found = find_breaks(ask, [sample("a"), sample("b"), sample("c")], "todos", Writer(INTERFACE))

    assert list(map(str, found)) == ["breaking: todos.state: state of todos/a, version 4 (schema 1): no text"]


STORED = {"actorId": {"S": "todos/a"}, "version": {"N": "4"}, "state": {"B": b"{}"}}


@pytest.mark.parametrize(
    ("item", "text"),
    [
        ({"actorId": {"S": "todos/a"}}, "version must be of type N, and it has none"),
        ({**STORED, "version": {"S": "4"}}, "version must be of type N, and it is of type S"),
        ({"actorId": {"S": "todos/a"}, "version": {"N": "4"}}, "state must be of type B, and it has none"),
        ({**STORED, "state": {"M": {}}}, "state must be of type B, and it is of type M"),
        ({**STORED, "schema": {"S": "Todos"}}, "schema must be of type N, and it is of type S"),
    ],
)
def test_item_that_is_no_state_is_named_with_its_key(item: dict[str, Any], text: str) -> None:
    """Whoever wrote it: the gate says which one it is, and goes on."""
    with pytest.raises(DamagedItemError, match=re.escape(f"the item 'todos/a' is no state: {text}")):
        read_state(item)


def test_damaged_item_holds_nothing_up() -> None:
    """It is told, and no release is refused for it: none could read it."""
    told = io.StringIO()
    verdict = Verdict((), (), 3, 0, (), ("my-table: the item 'todos/a' is no state",))

    verdict.print(Output(out=told, err=told))
    verdict.check("production")

    assert "! my-table: the item 'todos/a' is no state" in told.getvalue()
    assert verdict.describe()["damaged"] == ["my-table: the item 'todos/a' is no state"]


def test_state_is_read() -> None:
    """A state of the first schema says nothing of it."""
    assert read_state(STORED) == Sample("todos/a", 4, 1, "{}", "state")


def test_state_that_the_running_version_cannot_read_either_is_no_evidence() -> None:
    """One damaged item does not hold up releases for ever."""
    ask, running = saying(("bad", []), ("new", [])), saying(("bad", []), (None, []))

    found = find_breaks(ask, [sample("a"), sample("b")], "todos", Writer(INTERFACE, running))

    assert [one.item for one in found] == [str(sample("b"))]


def test_broken_running_version_does_not_hold_up_what_mends_it() -> None:
    """A version that cannot be asked says nothing, and the candidate is judged alone."""

    def broken(_request: dict[str, Any]) -> dict[str, Any]:
        raise SilentVersionError("it does not start")

    call = Call("todos", "addTodo", (), "smoke test")

    found = find_breaks(saying(("bad", [])), [sample("a")], "todos", Writer(INTERFACE, broken))

    assert [one.item for one in found] == [str(sample("a"))]
    assert find_refused(lambda _request: {"calls": [{"error": None}]}, broken, [call], "todos") == []
    assert [
        one.name for one in find_refused(lambda _request: {"calls": [{"error": "no"}]}, broken, [call], "todos")
    ] == ["todos.addTodo"]


def test_lost_members_count_when_the_running_release_declares_them() -> None:
    """Those that were only carried along before are lost to nobody."""
    ask = saying((None, [["todos", 3, "title"], ["todos", 3, "stray"], ["old"]]))

    found = find_breaks(ask, [sample("a")], "todos", Writer(INTERFACE))

    assert [one.name for one in found] == ["todos.state.todos[].title"]
    assert [one.name for one in find_breaks(saying((None, [["old"]])), [sample("a")], "todos", Writer())] == [
        "todos.state.old"
    ]


def test_large_states_come_in_several_requests() -> None:
    """An invocation takes 6 MB."""
    sizes: list[int] = []

    def ask(request: dict[str, Any]) -> dict[str, Any]:
        sizes.append(len(request["states"]))
        return {"states": [{"error": None, "lost": []}] * len(request["states"])}

    find_breaks(ask, [sample(str(number), "x" * 900_000) for number in range(5)], "todos", Writer())

    assert sizes == [2, 2, 1]


def verdict(*allowed: str) -> Verdict:
    """A break, the difference that explains it, and others."""
    found = (
        Difference("todos.state.todos", Kind.BREAKING, "is gone"),
        Difference("todos.addTodo", Kind.BREAKING, "is gone"),
        Difference("todos.more", Kind.COMPATIBLE, "is new"),
    )
    return Verdict(found, (Break("todos.state.todos", "state of todos/a", "not known"),), 1, 0, allowed)


def test_item_stands_for_the_difference_that_explains_it() -> None:
    """Each name is refused once, and compatible differences never are."""
    assert verdict().refused == [
        "breaking: todos.state.todos: state of todos/a: not known",
        "breaking: todos.addTodo is gone",
    ]


def test_refusal_says_how_to_declare_it() -> None:
    """With the name, ready to be pasted."""
    with pytest.raises(CommandError) as refused:
        verdict().check("production")

    assert "pulumi config set --path 'trebuche:allowBreaking[0]' 'todos.state.todos' --stack production" in str(
        refused.value
    )
    verdict("todos.state", "todos.addTodo").check("production")


LOCKED = (
    "the stack is currently locked by 1 lock(s). Either wait for the other process(es) to end or delete the lock file "
    "with `pulumi cancel`.\n  file:///state/.pulumi/locks/x.json: created by ada@desk (pid 4242) "
    "at 2026-03-04T09:15:00Z"
)


BUSY = "error: [409] Conflict: Another update is currently in progress."


def test_lock_is_told_apart_from_a_failure() -> None:
    """Whoever is kept out, by a backend of one's own or by Pulumi Cloud, has nothing to take back."""
    for text in (LOCKED, BUSY):
        with pytest.raises(LockedError):
            run_engine(Output(), "Deploying", lambda _report, text=text: Finished(False, Progress(), text))  # type: ignore[misc]
    with pytest.raises(CommandError) as failed:
        run_engine(Output(), "Deploying", lambda _report: Finished(False, Progress(), "no such table"))
    assert not isinstance(failed.value, LockedError)


def test_whoever_comes_second_is_told_who_deploys() -> None:
    """Pulumi's lock in one sentence: who holds it, and that nothing was changed."""
    with pytest.raises(CommandError) as refused:
        run_engine(Output(), "Deploying", lambda _report: Finished(False, Progress(), LOCKED))

    assert "Somebody else is deploying this stack right now (ada@desk, process 4242, since 2026-03-04" in str(
        refused.value
    )
    assert "You changed nothing" in str(refused.value)
