"""What users get for tests of their own: the documented example, the fixture, the strategies."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from pathlib import Path
from random import Random
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actors.game_room import GameRoom
from tests.support.world import World, message
from trebuche import Actor, distributed, query
from trebuche.documents import loads
from trebuche.envelopes import Envelope, InvocationEnvelope, decode, encode
from trebuche.errors import ProtocolError
from trebuche_testing import ExplorationError, Specification, explore
from trebuche_testing.explore import ledger
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


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(calls(Parrot))
def test_calls_are_right(invocation: InvocationEnvelope) -> None:
    """Each is answered with what it carried."""
    answer = World(Parrot).ask(invocation)
    assert answer.error_message is None
    given_ = [loads(document) for document in invocation.arguments]
    returned = loads(answer.result or b"")
    assert isinstance(returned, list)
    assert returned[: len(given_)] == given_


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
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


@settings(max_examples=20, deadline=None)
@given(schedules(LEDGER))
def test_schedules_can_be_drawn_by_hypothesis(plan: Plan) -> None:
    """And find nothing wrong."""
    assert run(plan, ledger()).violations == []
