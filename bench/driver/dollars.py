"""What the benchmarks of cost and of lateness say, each row read from the line of JSON that they print. Pure."""

from collections.abc import Iterator

from bench.cost_gate import MOST
from bench.driver.benchmark import Document
from bench.driver.rows import Row, at_least, at_most
from bench.workloads import hot, steady
from cli.cost.bill import SEED_LOW

USD = "USD"


def workloads(document: Document) -> Iterator[Row]:
    """An hour of W1 by part, with what comes around it apart, and one of W2 with and without its window."""
    first, latest, every = document["w1"], document["w2"], document["w2every"]
    yield Row(
        what="W1: steady hour of 10,000, without transfer",
        unit=USD,
        ours=first["usd"],
        against="upstream's own page, as quoted",
        rival=steady.UPSTREAM,
        times=first["usd"] / steady.UPSTREAM,
        limit=at_most(steady.LIMIT, of_ratio=False),
    )
    for part, usd in first["steady"].items():
        yield Row(what=f"  W1 hour: {part}", unit=USD, ours=usd)
    for name in ("connecting", "subscribing", "leaving"):
        yield Row(what=f"  W1 around it: {name}", unit=USD, ours=sum(first[name].values()))
    yield Row(
        what="W2: hour with a window, without transfer",
        unit=USD,
        ours=latest["usd"],
        against="every value",
        rival=every["usd"],
        times=latest["usd"] / every["usd"],
        limit=at_most(hot.LIMIT, of_ratio=False),
    )
    yield Row(
        what="W2: deliveries spared by the window",
        unit="times fewer",
        ours=latest["fewer"],
        against="every value",
        rival=every["fewer"],
        times=latest["fewer"] / every["fewer"],
        limit=at_least(hot.FEWER),
    )


def gate(document: Document) -> Iterator[Row]:
    """1,000 deliveries against what they were recorded to cost."""
    yield Row(
        what="1,000 deliveries",
        unit=USD,
        ours=document["usdPer1000Deliveries"],
        against="bench/cost_record.json",
        rival=document["recorded"],
        times=document["usdPer1000Deliveries"] / document["recorded"],
        limit=at_most(MOST),
    )


def simulated(document: Document) -> Iterator[Row]:
    """How late subscribers are, and how far the model is off where it can be held against the sandbox."""
    for one in document["simulated"]:
        yield Row(what=f"simulated p50: {one['name']}", unit="ms", ours=one["p50_ms"])
        yield Row(what=f"simulated p99: {one['name']}", unit="ms", ours=one["p99_ms"])
    for one in document["calibration"]:
        yield Row(
            what=f"model's p50 at {one['measured']['subscribers']} subscribers",
            unit="ms",
            ours=one["p50_ms"],
            against="the sandbox, when it was calibrated",
            rival=one["measured"]["p50_ms"],
            times=one["p50_ms"] / one["measured"]["p50_ms"],
        )


def savings(document: Document) -> Iterator[Row]:
    """The page's optimisations, of W1's hour."""
    for one in document["advice"]:
        yield Row(
            what=f"the page's advice: {one['name']}",
            unit=USD,
            ours=one["before"],
            against="with it",
            rival=one["after"],
            times=one["after"] / one["before"],
        )


def million(document: Document) -> Iterator[Row]:
    """A million connections, a month."""
    for one in document["bills"]:
        what = f"a million users, {one['updatesPerMinute']:,} updates a minute: one of them, a month"
        yield Row(what=what, unit=USD, ours=one["usdPerUser"], against="the page's lowest", rival=SEED_LOW)
