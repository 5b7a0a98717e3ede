"""What is soaked: the shipped actors as sequential machines, and users who know what to call next."""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final, Protocol

from trebuche.documents import Json
from trebuche_testing.specification import REFUSED, Arguments, Specification

REMEMBERED: Final = 50
Todo = tuple[str, str, bool]
"""Id, title, completed."""
Place = tuple[int, int]


class User(Protocol):
    """Somebody who uses one actor, and knows what it answered."""

    def next(self, random: Random) -> tuple[str, Arguments]:
        """A call: method and arguments."""

    def learn(self, method: str, result: Any) -> None:
        """Take an answer in."""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """An actor to be soaked.

    Attributes:
        name: What it is exposed as.
        specification: What it does, one call after the other.
        user: Makes a user of one actor, by a name of their own.
        foreseen: Arguments for the specification, from a call's arguments and its result.
    """

    name: str
    specification: Specification
    user: Callable[[str], User]
    foreseen: Callable[[str, Arguments, Any], Arguments] = lambda _method, arguments, _result: arguments


@dataclass
class TodoUser:
    """Adds, ticks off, renames and removes what they added, so that lists stay as short as people's are."""

    name: str
    made: int = 0
    ids: list[str] = field(default_factory=list)

    def next(self, random: Random) -> tuple[str, Arguments]:
        """A call: method and arguments."""
        drawn = random.random()
        self.made += 1
        if not self.ids or drawn < 0.4:
            return "addTodo", (f"{self.name} {self.made}",)
        chosen = random.choice(self.ids)
        if drawn < 0.6:
            return "toggleTodo", (chosen,)
        if drawn < 0.75:
            return "renameTodo", (chosen, f"{self.name} {self.made}")
        self.ids.remove(chosen)
        return "removeTodo", (chosen,)

    def learn(self, method: str, result: Any) -> None:
        """Take an answer in."""
        if method == "addTodo":
            self.ids.append(result["id"])


@dataclass
class Walker:
    """Enters a room, walks about in it, and talks."""

    name: str
    inside: bool = False

    def next(self, random: Random) -> tuple[str, Arguments]:
        """A call: method and arguments."""
        if not self.inside:
            return "join", (self.name,)
        if random.random() < 0.85:
            return "move", (self.name, random.randint(-9, 9), random.randint(-9, 9))
        return "say", (self.name, f"{random.getrandbits(32):08x}")

    def learn(self, method: str, result: Any) -> None:
        """Take an answer in."""
        del result
        self.inside = self.inside or method == "join"


def _apply_todos(before: tuple[Todo, ...], method: str, arguments: Arguments) -> tuple[tuple[Todo, ...], object]:
    if method == "addTodo":
        title, made = arguments
        after: Todo = (str(made), str(title), False)
        return (*before, after), _todo(after)
    place = next((i for i, one in enumerate(before) if one[0] == arguments[0]), None)
    if place is None:
        return before, REFUSED
    old = before[place]
    if method == "removeTodo":
        return (*before[:place], *before[place + 1 :]), None
    after = (old[0], str(arguments[1]), old[2]) if method == "renameTodo" else (old[0], old[1], not old[2])
    return (*before[:place], after, *before[place + 1 :]), _todo(after)


def _todo(one: Todo) -> dict[str, Json]:
    return {"id": one[0], "title": one[1], "completed": one[2]}


def _made_id(method: str, arguments: Arguments, result: Any) -> Arguments:
    """Ids are drawn by the server: the result says which one it was."""
    return (*arguments, result["id"]) if method == "addTodo" and result else arguments


@dataclass(frozen=True, slots=True)
class _Room:
    places: tuple[tuple[str, Place], ...] = ()
    messages: tuple[tuple[str, str], ...] = ()


def _apply_game(before: _Room, method: str, arguments: Arguments) -> tuple[_Room, object]:
    name = str(arguments[0])
    places = dict(before.places)
    if method == "join":
        places.setdefault(name, (0, 0))
    elif name not in places:
        return before, REFUSED
    elif method == "say":
        said = (*before.messages, (name, str(arguments[1])))[-REMEMBERED:]
        return _Room(before.places, said), None
    else:
        (x, y), (_, dx, dy) = places[name], arguments
        assert isinstance(dx, int)
        assert isinstance(dy, int)
        places[name] = (x + dx, y + dy)
    return _Room(tuple(sorted(places.items())), before.messages), _player(name, places[name])


def _player(name: str, place: Place) -> dict[str, Json]:
    return {"name": name, "x": place[0], "y": place[1], "score": 0}


def _shows_game(room: _Room) -> Json:
    players: dict[str, Json] = {name: _player(name, place) for name, place in room.places}
    return {"players": players, "messages": [{"player": who, "text": text} for who, text in room.messages]}


def _without_mood(shown: Any) -> Json:
    """A state or a result without what a deployment in the middle adds to each player; any other mood is wrong."""
    if not isinstance(shown, dict):
        return shown if not isinstance(shown, list) else [_without_mood(one) for one in shown]
    return {key: _without_mood(one) for key, one in shown.items() if (key, one) != ("mood", "calm")}


def _nothing(_random: Random) -> tuple[str, Arguments]:
    raise NotImplementedError("users draw the calls of a soak")


TODOS: Final = Subject(
    name="todos",
    specification=Specification(
        initial=(), apply=_apply_todos, calls=_nothing, shows=lambda todos: {"todos": [_todo(one) for one in todos]}
    ),
    user=TodoUser,
    foreseen=_made_id,
)
GAME: Final = Subject(
    name="game",
    specification=Specification(
        initial=_Room(), apply=_apply_game, calls=_nothing, shows=_shows_game, plain=_without_mood
    ),
    user=Walker,
)
