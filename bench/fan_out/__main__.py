"""``python -m bench.fan_out``: processor time per post over TLS, ours, boto3's with 32 threads, and aiobotocore's."""

import logging
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import click

from bench.fan_out import ours, public, threads
from bench.fan_out.figures import LIMIT, OURS, PUBLIC, THREADED, Figures, Round
from bench.fan_out.server import Server, running_server
from bench.fan_out.workload import Workload
from sandbox.setup import SetupError

Sender = Callable[[Server, Workload], float]


def judged(send: Sender, server: Server, work: Workload, expected: dict[str, list[str]]) -> Round:
    """Let a sender send, and look at what came."""
    started = time.perf_counter()
    cpu = send(server, work)
    wall = time.perf_counter() - started
    report = server.report()
    got: dict[str, list[str]] = report["got"]
    posts = sum(map(len, got.values()))
    wrong = [name for name in expected.keys() | got.keys() if expected.get(name) != got.get(name)]
    return Round(posts, cpu * 1000 / posts, wall, report["refused"], wrong)


def measure(work: Workload, rounds: int, *, with_public: bool = True) -> Figures:
    """All in turns; the first round of each opens connections and is not counted."""
    senders: dict[str, Sender] = {OURS: ours.send, THREADED: threads.send}
    missing = ""
    if with_public:
        try:
            public.install()
            senders[PUBLIC] = public.send
        except SetupError as error:
            missing = str(error)
    taken: dict[str, list[Round]] = {name: [] for name in senders}
    expected = work.expected()
    with tempfile.TemporaryDirectory() as folder, running_server(Path(folder, "certificate.pem")) as server:
        for number in range(rounds + 1):
            for name, send in senders.items():
                one = judged(send, server, work, expected)
                taken[name] += [one] if number else []
    return Figures(taken, missing)


@click.command()
@click.option("--connections", default=200, show_default=True, help="Subscribers.")
@click.option("--versions", default=10, show_default=True, help="Changes, each to every subscriber.")
@click.option("--rounds", default=4, show_default=True, help="Of each sender.")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON.")
def main(connections: int, versions: int, rounds: int, as_json: bool) -> None:
    """Measure the fan-out against its rivals; exit 1 when it is too slow, or a connection did not get all."""
    logging.disable()
    figures = measure(Workload(connections, versions, state_bytes=1_000), rounds)
    if as_json:
        click.echo(figures.to_json())
    else:
        _print(figures)
    raise SystemExit(0 if figures.good else 1)


def _print(figures: Figures) -> None:
    for name, taken in figures.cpu_ms.items():
        ratio = f"; ours {figures.ratios[name]:.1f} times" if name in figures.ratios else ""
        least = f" (at least {LIMIT:.0f})" if name == THREADED else ""
        click.echo(
            f"{name}: {taken:.3f} ms of processor time per post, {1000 / taken:.0f} posts in a second{ratio}{least}"
        )
    if figures.missing:
        click.echo(f"{PUBLIC} is not there: {figures.missing}")
    for name, rounds in figures.rounds.items():
        for one in rounds:
            told = "all once, in order" if not one.wrong else f"WRONG on {len(one.wrong)} connections"
            refused = ", ".join(f"{count} of {status}" for status, count in one.refused.items())
            click.echo(f"  {name}: {one.posts} posts, {refused}, {one.wall_seconds:.1f} s: {told}")


if __name__ == "__main__":
    main()
