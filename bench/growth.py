"""``python -m bench.growth``: how ``pulumi up`` grows with the number of actors, first, silent and with one change.

Each number of actors gets a copy of the program, a sandbox and a stack of its own. The figures are of one run each and
of this machine; what is held is the shape: a silent ``up`` must not grow faster than the number of resources.

The first one does: Pulumi writes the whole state anew after each operation, for the case that it is killed.
"""

import json
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import click

from tests.loop.workshop import Workshop

STACK: Final = "growth"
COUNTS: Final = (2, 10, 20, 30)
SLACK: Final = 1.5
"""So many times as much per resource as with the fewest actors is still called linear."""
UP: Final = ("up", "--yes", "--skip-preview", "--non-interactive", "--stack", STACK)
ACTOR: Final = '''"""An actor."""

from dataclasses import dataclass

from trebuche import Actor, distributed


@dataclass
class State{number}:
    """A count."""

    clicks: int = 0


class Counter{number}(Actor[State{number}], exposed_as="counter{number}"):
    """Counts."""

    @distributed
    def click(self) -> int:
        """One more."""
        self.state.clicks += 1
        return self.state.clicks
'''


@dataclass(frozen=True)
class Growth:
    """Seconds of three deployments, and how many resources the stack then has."""

    actors: int
    resources: int
    first_seconds: float
    silent_seconds: float
    one_change_seconds: float
    changed: int

    @property
    def silent_ms_per_resource(self) -> float:
        """What an unchanged resource costs, the program's start included."""
        return self.silent_seconds * 1000 / self.resources


def measure(actors: int, folder: Path) -> Growth:
    """Deploy that many actors on a fresh sandbox, again without a change, and again with one."""
    workshop = Workshop.create(folder)
    write_actors(workshop.root, actors)
    with sandbox(workshop) as environment:
        workshop.pulumi(environment, "stack", "init", STACK)
        first = timed(workshop, environment)
        silent = timed(workshop, environment, "--expect-no-changes")
        before = serials(workshop, environment)
        workshop.replace("lambda_src/actors/counter_1.py", "clicks += 1", "clicks += 2")
        one_change = timed(workshop, environment)
        after = serials(workshop, environment)
    changed = sum(before.get(urn) != outputs for urn, outputs in after.items())
    return Growth(actors, len(after), first, silent, one_change, changed)


def write_actors(root: Path, number: int) -> None:
    """Have so many actors of one method each in the place of the shipped ones."""
    folder = root / "lambda_src/actors"
    for file in folder.glob("*.py"):
        if file.name != "__init__.py":
            file.unlink()
    for index in range(1, number + 1):
        (folder / f"counter_{index}.py").write_text(ACTOR.replace("{number}", str(index)))
    config = (root / "trebuche.yaml").read_text()
    before, _, rest = config.partition("actors:\n")
    after = rest[rest.index("\nwebsocket:") :]
    actors = "".join(f"  Counter{index}:\n    stateful: true\n" for index in range(1, number + 1))
    (root / "trebuche.yaml").write_text(f"{before}actors:\n{actors}{after}")


@contextmanager
def sandbox(workshop: Workshop) -> Iterator[Mapping[str, str]]:
    """A running sandbox; the variables of a shell that works on it."""
    workshop.trebuche("sandbox", "start")
    try:
        yield json.loads(workshop.trebuche("sandbox", "env", "--json").stdout)["set"]
    finally:
        workshop.trebuche("sandbox", "stop")


def timed(workshop: Workshop, environment: Mapping[str, str], *words: str) -> float:
    """Seconds of one ``pulumi up``."""
    started = time.monotonic()
    workshop.pulumi(environment, *UP, *words)
    return time.monotonic() - started


def serials(workshop: Workshop, environment: Mapping[str, str]) -> dict[str, str]:
    """Each resource of the stack with its outputs, as text."""
    export = json.loads(workshop.pulumi(environment, "stack", "export", "--stack", STACK).stdout)
    resources = export["deployment"]["resources"]
    return {one["urn"]: json.dumps(one.get("outputs"), sort_keys=True) for one in resources}


def is_linear(figures: list[Growth]) -> bool:
    """Whether a resource of the largest stack costs a silent ``up`` hardly more than one of the smallest."""
    return figures[-1].silent_ms_per_resource <= SLACK * figures[0].silent_ms_per_resource


def table(figures: list[Growth]) -> str:
    """For people."""
    lines = ["actors  resources  first s  silent s  one change s  changed  silent ms/resource"]
    for one in figures:
        lines.append(
            f"{one.actors:6}  {one.resources:9}  {one.first_seconds:7.1f}  {one.silent_seconds:8.1f}"
            f"  {one.one_change_seconds:12.1f}  {one.changed:7}  {one.silent_ms_per_resource:18.0f}"
        )
    return "\n".join(lines)


@click.command()
@click.option("--actors", "counts", type=int, multiple=True, default=COUNTS, show_default=True, help="May be repeated.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def main(counts: tuple[int, ...], *, as_json: bool) -> None:
    """Measure how deployments grow with the number of actors; exits with 1 when a silent one grows too fast."""
    figures = []
    for count in sorted(counts):
        with tempfile.TemporaryDirectory(prefix="trebuche-growth-") as folder:
            figures.append(measure(count, Path(folder) / "checkout"))
        click.echo(f"{count} actors measured", err=True)
    linear = is_linear(figures)
    rows = [{**asdict(one), "silent_ms_per_resource": one.silent_ms_per_resource} for one in figures]
    click.echo(json.dumps({"figures": rows, "linear": linear}) if as_json else table(figures))
    raise SystemExit(0 if linear else 1)


if __name__ == "__main__":
    main()
