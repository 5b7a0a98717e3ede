"""What users get for tests of their own: the documented example, the fixture, the strategies."""

import os
import re
import subprocess
import sys
from collections.abc import Hashable
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from pathlib import Path
from random import Random
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.game_room import GameRoom
from tests.support.world import World, message
from trebuche import Actor, ActorFailure, distributed, query
from trebuche.documents import Json, loads
from trebuche.envelopes import Envelope, InvocationEnvelope, decode, encode
from trebuche.errors import ProtocolError
from trebuche_testing import REFUSED, ExplorationError, Specification, explore
from trebuche_testing.explore import ledger
from trebuche_testing.file_check import RIGHT, check_file
from trebuche_testing.ledger import LEDGER, BoundLedger, Ledger, SignedLedger
from trebuche_testing.plan import Plan
from trebuche_testing.schedule import run
from trebuche_testing.specification import as_it_is
from trebuche_testing.strategies import calls, envelopes, frames, invocations, schedules

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "testing.md"
USING_THE_FIXTURE = """
from trebuche_testing.ledger import LEDGER, Ledger

def test_ledger(explore_actor):
    assert explore_actor(Ledger, LEDGER).schedules == 7
"""


@dataclass
class Clicks:
    """How many."""

    clicks: int = 0


class Forgetful(Actor[Clicks], exposed_as="forgetful"):
    """Does not count as its specification says."""

    @distributed
    def click(self) -> int:
        """Count up, but not beyond three."""
        self.state.clicks = min(3, self.state.clicks + 1)
        return self.state.clicks


def _click(clicks: int, _method: str, _arguments: tuple[object, ...]) -> tuple[int, object]:
    return clicks + 1, clicks + 1


def _call(_random: Random) -> tuple[str, tuple[()]]:
    return "click", ()


CLICKS = Specification(initial=0, apply=_click, calls=_call, shows=lambda clicks: {"clicks": clicks})


def run_pytest(folder: Path, *options: str) -> str:
    """Run pytest in a project of somebody else's; what it says."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'lambda_src'}"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", *options]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_documented_example_runs(tmp_path: Path) -> None:
    """As it stands in the document."""
    (example,) = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "test_example.py").write_text(example, encoding="utf-8")
    assert "1 passed" in run_pytest(tmp_path)


def test_an_actor_that_breaks_its_specification_is_told_step_by_step() -> None:
    """The error holds a small schedule."""
    with pytest.raises(ExplorationError) as failed:
        explore(Forgetful, CLICKS, seeds=range(20))
    text = str(failed.value)
    assert "CommitTurn" in text
    assert "no order of its calls explains" in text
    assert text.count("call on actor") <= 5
    # What was made smaller is the schedule of no seed: who would run it again needs the one it came from.
    assert "schedule of seed 0 fails" in text
    assert re.search(r"schedule \d", text) is None


def test_the_documented_history_is_right(tmp_path: Path) -> None:
    """As it stands in the document."""
    (history,) = re.findall(r"```json\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    file = tmp_path / "history.jsonl"
    file.write_text(history, encoding="utf-8")
    assert check_file(file, LEDGER).exit_code == RIGHT


class Priority(Enum):
    """Of two."""

    LOW = "low"
    HIGH = "high"


@dataclass
class Dish:
    """What somebody wants."""

    name: str
    notes: str | None = None


@dataclass
class Order:
    """Of a table."""

    dish: Dish
    priority: Priority = Priority.LOW


@dataclass
class Board:
    """All orders."""

    orders: dict[str, Order] = field(default_factory=dict)
    cook: str | None = None


class Kitchen(Actor[Board], exposed_as="kitchen"):
    """With nested members, an enum, members that may be missing, methods without result, and one that only looks."""

    @distributed
    def place_order(self, number: str, dish: Dish) -> None:
        """Put an order on the board."""
        if number in self.state.orders:
            raise ActorFailure(f"{number} is there already")
        self.state.orders[number] = Order(dish)

    @distributed
    def hurry(self, number: str) -> Priority:
        """Raise an order's priority."""
        if number not in self.state.orders:
            raise ActorFailure(f"no order {number}")
        self.state.orders[number].priority = Priority.HIGH
        return Priority.HIGH

    @distributed
    def hire(self, name: str | None) -> None:
        """Have a cook, or none."""
        self.state.cook = name

    @query
    def count(self, priority: Priority) -> int:
        """How many orders are so urgent."""
        return sum(order.priority is priority for order in self.state.orders.values())


@dataclass
class PricedOrder(Order):
    """One member more, deep inside."""

    price: int = 0


@dataclass
class PricedBoard:
    """One member more."""

    orders: dict[str, PricedOrder] = field(default_factory=dict)
    cook: str | None = None
    closed: bool = False


class PricedKitchen(Kitchen, Actor[PricedBoard], exposed_as="kitchen"):
    """The same with prices, and another schema."""

    schema = 2

    @classmethod
    def migrate(cls, old: dict[str, Any], schema: int) -> dict[str, Any]:
        """What was ordered when there were no prices costs one."""
        orders = {number: {**order, "price": schema} for number, order in old["orders"].items()}
        return {**old, "orders": orders}

    @distributed
    def place_order(self, number: str, dish: Dish) -> None:
        """Put an order on the board."""
        if number in self.state.orders:
            raise ActorFailure(f"{number} is there already")
        self.state.orders[number] = PricedOrder(dish, price=5)


_Orders = tuple[tuple[str, tuple[str, str | None, str]], ...]


def _cook(before: tuple[_Orders, str | None], method: str, arguments: Any) -> tuple[Hashable, object]:
    orders, cook = dict(before[0]), before[1]
    if method == "hire":
        return (before[0], arguments[0]), None
    if method == "count":
        return before, sum(priority == arguments[0] for _, _, priority in orders.values())
    number = arguments[0]
    if (number in orders) is (method == "placeOrder"):
        return before, REFUSED
    if method == "placeOrder":
        orders[number] = arguments[1]["name"], arguments[1].get("notes"), "low"
    else:
        orders[number] = (*orders[number][:2], "high")
    return (tuple(sorted(orders.items())), cook), None if method == "placeOrder" else "high"


def _order(random: Random) -> tuple[str, tuple[Any, ...]]:
    number = random.choice("123")
    dish = {"name": "soup", "notes": random.choice([None, "hot"])}
    return random.choice(
        [
            ("placeOrder", (number, dish)),
            ("hurry", (number,)),
            ("hire", (random.choice([None, "ada"]),)),
            ("count", (random.choice(["low", "high"]),)),
        ]
    )


def _board(state: tuple[_Orders, str | None]) -> Json:
    orders: dict[str, Json] = {
        number: {"dish": {"name": name, "notes": notes}, "priority": priority}
        for number, (name, notes, priority) in state[0]
    }
    return {"orders": orders, "cook": state[1]}


KITCHEN = Specification(initial=((), None), apply=_cook, calls=_order, shows=_board)


def test_an_actor_with_every_kind_of_member_is_explored() -> None:
    """Also while newer code, which adds members at every depth, is deployed."""
    total = explore(Kitchen, KITCHEN, seeds=range(60), deployed_later=[PricedKitchen])
    assert total.seen["deployment"] > 6


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"apply": lambda *_: (["list"], None)}, "have to be hashable"),
        ({"apply": lambda *_: None}, r"has to return \(next state, outcome\); for "),
        ({"calls": lambda _: ("hire", "ada")}, "a tuple of JSON values"),
        ({"calls": lambda _: ("count", (Priority.LOW,))}, "an enum is its raw value"),
    ],
    ids=["unhashable", "no-outcome", "no-tuple", "no-json"],
)
def test_a_specification_that_is_none_is_refused(change: dict[str, Any], told: str) -> None:
    """As a mistake of its author, not of the runtime."""
    with pytest.raises(TypeError, match=told):
        explore(Kitchen, replace(KITCHEN, **change), seeds=range(5))


def test_what_cannot_be_explored_is_refused() -> None:
    """No schedules, and another actor as newer code."""
    with pytest.raises(ValueError, match="no seeds"):
        explore(Kitchen, KITCHEN, seeds=[])
    with pytest.raises(ValueError, match="Ledger is exposed as 'ledger', not 'kitchen'"):
        explore(Kitchen, KITCHEN, deployed_later=[Ledger])


def test_newer_code_is_deployed_beside_older_code() -> None:
    """A class that follows runs in the same schedules, and what it adds to a state is no finding."""
    own = replace(LEDGER, plain=as_it_is)
    total = explore(Ledger, own, seeds=range(60), deployed_later=[SignedLedger, BoundLedger])
    assert total.schedules == 60
    assert total.seen["deployment"] > 6


def test_the_fixture_takes_its_seeds_from_the_command_line(tmp_path: Path) -> None:
    """In a project whose conftest.py names the plugin."""
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["trebuche_testing.pytest_plugin"]\n', encoding="utf-8")
    (tmp_path / "test_ledger.py").write_text(USING_THE_FIXTURE, encoding="utf-8")
    assert "1 passed" in run_pytest(tmp_path, "--schedules", "7")


@given(envelopes())
def test_envelopes_are_what_frames_carry(envelope: Envelope) -> None:
    """Each can be written, and read again as the same one."""
    assert decode(encode(envelope)) == envelope


@given(frames())
def test_broken_frames_are_refused_with_the_one_error(frame: str) -> None:
    """Nothing else comes out of the decoder."""
    try:
        envelope = decode(frame)
    except ProtocolError:
        return
    assert decode(encode(envelope)) == envelope


@given(invocations("ledger", "append"))
def test_invocations_are_answered(invocation: InvocationEnvelope) -> None:
    """Whatever the arguments are."""
    world = World(Ledger)
    world.connect()
    assert world.handler.handle(message(invocation))["statusCode"] == 200


class Colour(Enum):
    """Of two."""

    RED = "red"
    BLUE = 2


@dataclass
class Branch:
    """Contains itself."""

    colour: Colour
    rest: "Branch | None" = None


class Parrot(Actor[None], exposed_as="parrot"):
    """Says what it is told, in every type."""

    @query
    def scalars(self, a: str, b: int, c: float, d: bool, e: UUID) -> tuple[str, int, float, bool, UUID]:
        """Five of them."""
        return a, b, c, d, e

    @query
    def more(self, a: datetime, b: bytes, c: Any, d: Literal["x", 7]) -> tuple[datetime, bytes, Any, Literal["x", 7]]:
        """Four of them."""
        return a, b, c, d

    @query
    def containers(
        self, a: list[int], b: set[str], c: dict[int, bool], d: tuple[int, ...] = ()
    ) -> tuple[list[int], set[str], dict[int, bool], tuple[int, ...]]:
        """The last one may be left out."""
        return a, b, c, d

    @query
    def branch(self, a: Branch, b: Annotated[int, "any"] | None) -> tuple[Branch, int | None]:
        """A tree without forks."""
        return a, b


@settings(max_examples=50)
@given(calls(Parrot))
def test_calls_are_right(invocation: InvocationEnvelope) -> None:
    """Each is answered with what it carried."""
    answer = World(Parrot).ask(invocation)
    assert answer.error_message is None
    given_ = [loads(document) for document in invocation.arguments]
    returned = loads(answer.result or b"")
    assert isinstance(returned, list)
    assert returned[: len(given_)] == given_


@settings(max_examples=50)
@given(st.lists(calls(GameRoom, "game/1"), max_size=5))
def test_calls_of_a_users_actor_find_no_defect(invocations_: list[InvocationEnvelope]) -> None:
    """Whatever they are, they are done or refused."""
    world = World(GameRoom)
    for invocation in invocations_:
        assert world.ask(invocation).code in (None, "refused")


def test_a_failing_seed_can_be_run_again() -> None:
    """The message names it, and it fails in the same way."""
    with pytest.raises(ExplorationError) as first:
        explore(Forgetful, CLICKS, seeds=range(20))
    (seed,) = re.findall(r"seeds=\[(\d+)\] runs it again", str(first.value))
    with pytest.raises(ExplorationError) as again:
        explore(Forgetful, CLICKS, seeds=[int(seed)])
    assert str(again.value) == str(first.value)


@settings(max_examples=20)
@given(schedules(LEDGER))
def test_schedules_can_be_drawn_by_hypothesis(plan: Plan) -> None:
    """And find nothing wrong."""
    assert run(plan, ledger()).violations == []
