"""What the benchmarks of time say, each row read from the line of JSON that its benchmark prints. Pure."""

from collections.abc import Iterator

from bench import cold_start, front, growth, turn
from bench.delivery import figures as delivery
from bench.driver.benchmark import Document
from bench.driver.rows import Row, at_least, at_most
from bench.fan_out import figures as fan_out
from trebuche.contract import INTEGRATION_TIMEOUT_SECONDS


def cold_starts(document: Document) -> Iterator[Row]:
    """Each function's, as a part of the rival's."""
    for name, ratio in document["ratios"].items():
        yield Row(
            what=f"cold start of {name}",
            unit="ms CPU",
            ours=document["starts_ms"][name],
            against="import boto3 and two clients",
            rival=document["rival_ms"],
            times=ratio,
            limit=at_most(cold_start.LIMIT),
        )


def turns(document: Document) -> Iterator[Row]:
    """A turn, in times of its documents."""
    yield Row(
        what=f"turn in memory, state of {document['state_bytes']} bytes",
        unit="us CPU",
        ours=document["turn_us"],
        against="json.loads and json.dumps of its documents",
        rival=document["rival_us"],
        times=document["ratio"],
        limit=at_most(turn.LIMIT),
    )


def posts(document: Document) -> Iterator[Row]:
    """Posts per second of processor time, and whether all arrived."""
    taken = document["cpu_ms"]
    for rival, ratio in document["ratios"].items():
        yield Row(
            what="posts over TLS",
            unit="/CPU-s",
            ours=1000 / taken[fan_out.OURS],
            against=rival,
            rival=1000 / taken[rival],
            times=ratio,
            limit=at_least(fan_out.LIMIT) if rival == fan_out.THREADED else None,
        )
    what = "connections that got too much, too little or out of order"
    yield Row(what=what, unit="", ours=document["wrong"], limit=at_most(0, of_ratio=False))


def deliveries(document: Document) -> Iterator[Row]:
    """From a call to its last subscriber."""
    for count, ratio in document["ratios"].items():
        yield Row(
            what=f"call to last of {count} subscribers",
            unit="s",
            ours=document["ours"][count],
            against="the page's algorithm",
            rival=document["rival"][count],
            times=ratio,
            limit=at_least(delivery.LIMIT) if int(count) == delivery.HELD_AT else None,
        )


def fronts(document: Document) -> Iterator[Row]:
    """The sandbox's WebSocket front."""
    yield Row(
        what="sandbox: message to reply, one socket",
        unit="ms",
        ours=document["front_ms"],
        against="the bare emulator",
        rival=document["bare_ms"],
        times=document["latency_ratio"],
        limit=at_most(front.LATENCY_LIMIT),
    )
    yield Row(
        what=f"sandbox: messages on {front.SOCKETS} sockets",
        unit="/s",
        ours=document["front_per_second"],
        against="the bare emulator",
        rival=document["bare_per_second"],
        times=document["throughput_ratio"],
        limit=at_least(front.THROUGHPUT_LIMIT),
    )


def many_sockets(document: Document) -> Iterator[Row]:
    """Sockets that are held at once."""
    what = f"sandbox: updates lost on {document['sockets']:,} sockets"
    yield Row(what=what, unit="", ours=document["lost"], limit=at_most(0, of_ratio=False))


def contended(document: Document) -> Iterator[Row]:
    """Many callers of one actor."""
    callers = f"{document['callers']} callers on one actor"
    yield Row(
        what=f"{callers}: 99th percentile of the answers",
        unit="s",
        ours=document["p99"],
        limit=at_most(INTEGRATION_TIMEOUT_SECONDS, of_ratio=False),
    )
    yield Row(what=f"{callers}: wrong", unit="", ours=document["wrong"], limit=at_most(0, of_ratio=False))


def neighbours(document: Document) -> Iterator[Row]:
    """Quiet clients beside a noisy one."""
    for noise, phase in document["beside"].items():
        yield Row(
            what=f"99th percentile of answers beside {noise}",
            unit="ms",
            ours=phase["p99_ms"],
            against="without it",
            rival=document["alone"]["p99_ms"],
            times=document["p99_ratio"][noise],
        )
        yield Row(
            what=f"quiet calls refused beside {noise}", unit="", ours=phase["refused"], limit=at_most(0, of_ratio=False)
        )
        yield Row(
            what=f"calls served in {noise}",
            unit="",
            ours=phase["served"],
            against="what its limit allows",
            rival=phase["allowed"],
            times=phase["served"] / phase["allowed"],
            limit=at_most(1.1),
        )


def deployments(document: Document) -> Iterator[Row]:
    """A silent deployment of many actors."""
    few, *_, many = document["figures"]
    yield Row(
        what=f"silent pulumi up with {many['actors']} actors",
        unit="ms/resource",
        ours=many["silent_ms_per_resource"],
        against=f"with {few['actors']}",
        rival=few["silent_ms_per_resource"],
        times=many["silent_ms_per_resource"] / few["silent_ms_per_resource"],
        limit=at_most(growth.SLACK),
    )
