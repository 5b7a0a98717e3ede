"""All benchmarks in the order of a run: those that want a quiet machine first, those that take long last."""

from typing import Final

from bench.driver import dollars, speed
from bench.driver.benchmark import Benchmark

SLOW_SECONDS: Final = 900.0
"""For those that connect hundreds of clients, on a machine that does much else."""
BENCHMARKS: Final = (
    Benchmark(name="cold_start", about="what a handler's start takes", read=speed.cold_starts, short=("--rounds", "5")),
    Benchmark(name="turn", about="what a turn in memory takes", read=speed.turns),
    Benchmark(name="fan_out", about="processor time per post", read=speed.posts, full=("--rounds", "9")),
    Benchmark(name="simulation", about="lateness at audiences that no test can have", read=dollars.simulated),
    Benchmark(name="savings", about="the page's five optimisations", read=dollars.savings),
    Benchmark(name="million", about="a million connections", read=dollars.million),
    Benchmark(name="front", about="the sandbox's WebSocket front", read=speed.fronts, short=("--messages", "100")),
    Benchmark(
        name="sockets",
        about="many sockets on one front",
        read=speed.many_sockets,
        short=("--sockets", "500"),
        full=("--sockets", "2000"),
    ),
    Benchmark(name="cost_gate", about="dollars per 1,000 deliveries", read=dollars.gate),
    Benchmark(
        name="workloads",
        about="an hour of W1 and of W2",
        read=dollars.workloads,
        short=("--minutes", "3", "--seconds", "10"),
        full=("--minutes", "30", "--seconds", "60"),
        seconds=SLOW_SECONDS,
    ),
    Benchmark(
        name="delivery",
        about="from a call to its last subscriber",
        read=speed.deliveries,
        full=("--full",),
        seconds=SLOW_SECONDS,
    ),
    Benchmark(name="contention", about="many callers of one actor", read=speed.contended, short=None),
    Benchmark(name="noisy", about="a noisy client's neighbours", read=speed.neighbours, short=None),
    Benchmark(name="growth", about="deployments of many actors", read=speed.deployments, short=None),
)
