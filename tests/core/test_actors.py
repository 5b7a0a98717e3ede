"""The two actors of the page, and what the base offers and refuses."""

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import pytest

from actors.game_room import REMEMBERED_MESSAGES, GameRoom
from actors.todo_list import TodoList
from tests.support.world import World, call
from trebuche.actor_types import ActorType
from trebuche.actors import Actor, distributed


@pytest.fixture
def world() -> World:
    """A world with both."""
    return World(TodoList, GameRoom)


def refusal(world: World, actor: str, method: str, *arguments: Any) -> str | None:
    """What a call is refused with."""
    return world.ask(call(actor, method, *arguments)).error_message


def test_a_todo_is_added_at_the_end(world: World) -> None:
    """With an id of its own and not completed; white space around the title goes."""
    first = world.result("todos", "addTodo", " Milk ")
    second = world.result("todos", "addTodo", "Bread")
    assert first == {"id": str(UUID(first["id"])).upper(), "title": "Milk", "completed": False}
    assert [todo["id"] for todo in (first, second)] == [todo["id"] for todo in state(world, "todos")["todos"]]


def test_a_todo_is_ticked_and_unticked(world: World) -> None:
    """Each toggle turns it round."""
    todo = world.result("todos", "addTodo", "Milk")
    assert world.result("todos", "toggleTodo", todo["id"])["completed"] is True
    assert world.result("todos", "toggleTodo", todo["id"])["completed"] is False


def test_a_todo_is_renamed(world: World) -> None:
    """Keeping its id."""
    todo = world.result("todos", "addTodo", "Milk")
    assert world.result("todos", "renameTodo", todo["id"], "Oat milk") == {**todo, "title": "Oat milk"}


def test_a_todo_is_removed(world: World) -> None:
    """And then it is not found."""
    todo = world.result("todos", "addTodo", "Milk")
    assert world.result("todos", "removeTodo", todo["id"]) is None
    assert refusal(world, "todos", "toggleTodo", todo["id"]) == f"Todo '{todo['id']}' not found"


def test_completed_todos_are_cleared(world: World) -> None:
    """How many that were; the others stay."""
    kept = world.result("todos", "addTodo", "Milk")
    done = world.result("todos", "addTodo", "Bread")
    world.result("todos", "toggleTodo", done["id"])
    assert world.result("todos", "clearCompleted") == 1
    assert state(world, "todos")["todos"] == [kept]


@pytest.mark.parametrize("title", ["", "  "])
def test_a_todo_needs_a_title(world: World, title: str) -> None:
    """When added and when renamed."""
    todo = world.result("todos", "addTodo", "Milk")
    assert refusal(world, "todos", "addTodo", title) == "A todo needs a title"
    assert refusal(world, "todos", "renameTodo", todo["id"], title) == "A todo needs a title"


def test_a_player_joins_moves_and_leaves(world: World) -> None:
    """Steps add up; joining again changes nothing."""
    assert world.result("game", "join", "ada") == {"name": "ada", "x": 0, "y": 0, "score": 0}
    world.result("game", "move", "ada", 2, -1)
    assert world.result("game", "move", "ada", 1, 1) == {"name": "ada", "x": 3, "y": 0, "score": 0}
    assert world.result("game", "join", "ada")["x"] == 3
    assert world.result("game", "leave", "ada") is None
    assert state(world, "game")["players"] == {}


@pytest.mark.parametrize(("method", "more"), [("leave", ()), ("move", (1, 1)), ("say", ("hello",))])
def test_only_players_act(world: World, method: str, more: tuple[Any, ...]) -> None:
    """Who is not in the room is told so."""
    assert refusal(world, "game", method, "bob", *more) == "Player 'bob' not found"


def test_a_player_needs_a_name(world: World) -> None:
    """White space is none."""
    assert refusal(world, "game", "join", " ") == "A player needs a name"


def test_the_room_remembers_the_last_messages(world: World) -> None:
    """Fifty of them, the newest last."""
    world.result("game", "join", "ada")
    for number in range(REMEMBERED_MESSAGES + 2):
        world.result("game", "say", "ada", str(number))
    messages = state(world, "game")["messages"]
    assert len(messages) == REMEMBERED_MESSAGES
    assert (messages[0], messages[-1]) == ({"player": "ada", "text": "2"}, {"player": "ada", "text": "51"})


def state(world: World, actor: str) -> Any:
    """What a new watcher sees."""
    world.sender.sent.clear()
    world.watch(actor)
    return world.values()[-1][1]


@dataclass
class Empty:
    """A state without members."""


@dataclass
class Needy:
    """A state that cannot be made from nothing."""

    name: str


@dataclass
class Ticks:
    """How many."""

    ticks: int = 0


class Tally(Actor[Ticks], exposed_as="tally"):
    """Counts under two names."""

    @distributed(aliases=["tick"])
    def count(self) -> int:
        """One more."""
        self.state.ticks += 1
        return self.state.ticks


class Odd(Actor[Empty], exposed_as="odd"):
    """An actor with unusual methods."""

    @distributed(name="$s4main3OddC4pingyyYaKFTE")
    def ping_swift(self) -> str:
        """Registered under a whole mangled identifier."""
        return "pong"

    @distributed(aliases=["hail", "$s4main3OddC5greetyySi_tYaKFTE"])
    def greet(self, name: str, greeting: str = "Hello") -> str:
        """A parameter with a default may be left out."""
        return f"{greeting}, {name}"


def test_a_method_can_have_any_name_on_the_wire() -> None:
    """A registered identifier is found before anything is read out of it."""
    world = World(Odd)
    assert world.result("odd", "$s4main3OddC4pingyyYaKFTE") == "pong"
    assert world.result("odd", "ping_swift") == "pong"


def test_a_parameter_with_a_default_may_be_left_out() -> None:
    """And the count of arguments is a range then."""
    world = World(Odd)
    assert world.result("odd", "greet", "Ada") == "Hello, Ada"
    assert world.result("odd", "greet", "Ada", "Hi") == "Hi, Ada"
    assert refusal(world, "odd", "greet") == "greet: expected 1 to 2 arguments, got 0"


@pytest.mark.parametrize("target", ["greet", "hail", "$s4main3OddC5greetyySi_tYaKFTE", "$s4main3OddC4hailyySS_tYaKFTE"])
def test_a_renamed_method_answers_to_its_old_names(target: str) -> None:
    """Older clients go on, and so do those that name an overload by its whole identifier."""
    assert World(Odd).result("odd", target, "Ada") == "Hello, Ada"


def test_a_call_is_the_same_under_each_name() -> None:
    """A client that repeats a call after an update of its own gets the result, and the call takes effect once."""
    world = World(Tally)
    first = call("tally", "count")
    assert world.ask(first).result == b"1"
    assert world.ask(replace(first, target_identifier="tick")).result == b"1"
    assert world.result("tally", "count") == 2


class Clock(Actor[None], exposed_as="clock"):
    """An actor that has nothing to keep."""

    @distributed
    def year(self) -> int:
        """When the call came."""
        return self.now.year


def test_an_actor_needs_no_state() -> None:
    """Nothing is written, whatever is called; ``null`` is what a watcher sees."""
    world = World(Clock)
    assert world.result("clock", "year") == 2026
    assert world.states.states == {}
    assert state(world, "clock") is None


class Untyped(Actor[Empty], exposed_as="untyped"):
    """A parameter without a hint."""

    @distributed
    def act(self, what) -> None:  # type: ignore[no-untyped-def]
        """Do something."""


class Keyword(Actor[Empty], exposed_as="keyword"):
    """A parameter that has no position."""

    @distributed
    def act(self, *, what: str) -> None:
        """Do something."""


class Unwired(Actor[Empty], exposed_as="unwired"):
    """A result that has no wire form."""

    @distributed
    def act(self) -> complex:
        """Do something."""
        return 1j


class Twice(Actor[Empty], exposed_as="twice"):
    """Two methods of one name."""

    @distributed
    def act(self) -> None:
        """Do something."""

    @distributed(aliases=["act"])
    def react(self) -> None:
        """Do something else."""


class Stateless(Actor, exposed_as="stateless"):  # type: ignore[type-arg]
    """Nothing said about its state."""


class Demanding(Actor[Needy], exposed_as="demanding"):
    """A state that needs an argument."""


class Loose(Actor[dict[str, int]], exposed_as="loose"):
    """A state that is no dataclass."""


@pytest.mark.parametrize(
    ("actor_class", "problem"),
    [
        (Untyped, "Untyped.act: no type hint for what"),
        (Keyword, "Keyword.act: what: arguments come by position"),
        (Unwired, "complex has no wire form"),
        (Twice, "Twice.react: clients call act 'act' already"),
        (Stateless, "Stateless says nothing about its state"),
        (Demanding, "Needy: name needs a default"),
        (Loose, "Loose: the state must be a dataclass"),
    ],
)
def test_a_class_that_cannot_be_exposed_says_why(actor_class: type[Actor[Any]], problem: str) -> None:
    """When the function starts, not at the first call."""
    with pytest.raises(TypeError, match=problem):
        ActorType(actor_class)


def test_aliases_are_several() -> None:
    """One text would be taken for its letters."""
    with pytest.raises(TypeError, match=r'aliases="hail" is one text; write aliases=\["hail"\]'):
        distributed(aliases="hail")
