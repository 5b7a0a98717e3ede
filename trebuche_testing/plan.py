"""What a seed means: clients, what they do and when, and what disturbs them. All of it can be left out bit by bit."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import Final

from trebuche_testing import faults
from trebuche_testing.faults import Fault
from trebuche_testing.specification import Arguments, Specification

CALL: Final = "call"
OBSERVE: Final = "observe"
UNSUBSCRIBE: Final = "unsubscribe"
CUT: Final = "cut"
CUT_UNTOLD: Final = "cut-untold"
"""Without $disconnect."""
CUT_CLIENT_LATE: Final = "cut-client-late"
CUT_GATEWAY_LATE: Final = "cut-gateway-late"
"""Posts go on to succeed, and arrive nowhere."""
SLOW: Final = "slow-client"
"""Posts are answered with 429 for a while."""
LAG: Final = "lag"
REPEAT: Final = "repeat"
OVERLAP: Final = "overlap"
JUMP: Final = "clock-jump"
SLEEP: Final = "sleep"
"""A client's device sleeps for hours, and the others' sockets end meanwhile; what is kept for a day may expire."""
DEPLOY: Final = "deploy"
DELETE: Final = "delete"
_CUTS: Final = (CUT, CUT, CUT_UNTOLD, CUT_CLIENT_LATE, CUT_GATEWAY_LATE)
_EVENTS: Final = (*_CUTS, *_CUTS, SLOW, SLOW, LAG, REPEAT, REPEAT, OVERLAP, OVERLAP, JUMP, DEPLOY, DELETE, SLEEP)
_LONGEST_MS: Final = {JUMP: 40_000, SLOW: 12_000, SLEEP: 30 * 3_600_000}
_SETTLED_MS: Final = 6_000
_SOON_MS: Final = 15
_WINDOWS_MS: Final = (30, 250)
LEAST_CALLS: Final = 12


@dataclass(frozen=True, slots=True)
class Act:
    """Something a client does, or something that happens to it.

    Attributes:
        at_ms: When, after the start.
        kind: One of the names above.
        client: Whose; for a shard or an actor, its number.
        actor: Number of the actor.
        amount: Milliseconds, where the kind has any; of an ``observe``, what decides which member and filter.
        window_ms: Of a stream, per value, when its reader wants the latest only.
    """

    at_ms: int
    kind: str
    client: int = 0
    actor: int = 0
    method: str = ""
    arguments: Arguments = ()
    amount: int = 0
    window_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A schedule before it runs.

    Attributes:
        seed: Decides everything that the plan does not say.
        swift: For each client, whether it has Swift's habits.
        direct: For each client, whether its frames go straight to the actor's function.
        young_ms: For each client, how long posts to its first connections are refused.
        skew_ms: By how much the clocks of functions and gateways are wrong at most.
        acts: What clients do.
        events: What happens to sockets, shards, time, code and actors.
        faults: What hits effects.
    """

    seed: int
    swift: tuple[bool, ...]
    direct: tuple[bool, ...]
    young_ms: tuple[int, ...]
    skew_ms: int
    actors: int
    shards: int
    acts: tuple[Act, ...]
    events: tuple[Act, ...]
    faults: tuple[Fault, ...]


def draw(seed: int, specification: Specification) -> Plan:
    """The plan of a seed: at least three clients, two actors, twelve calls and two disturbances."""
    # The order of the draws is what a seed means: one more in between, and every seed has another plan.
    random = Random(seed)
    clients = 3 + int(random.random() * 2)
    length_ms = random.choice((40, 150, 400))
    calls = [_call(random, length_ms, clients, specification) for _ in range(LEAST_CALLS + int(random.random() * 3))]
    streams = [_observe(random, length_ms, clients) for _ in range(2 + int(random.random() * 3))]
    streams = list(_with_windows(streams, Random(f"windows of {seed}")))
    if random.random() < 0.1:
        streams.append(Act(_time(random, length_ms), UNSUBSCRIBE, int(random.random() * clients)))
    events = [_event(random, length_ms, clients) for _ in range(2 + int(random.random() * 2))]
    again = [_once_more(random, event) for event in events if event.kind in _CUTS and random.random() < 0.5]
    asleep = [event for event in events if event.kind == SLEEP]
    others = [replace(event, actor=1 - event.actor) for event in again]
    calls += [_call_after(random, clients, event, specification) for event in (*again, *others, *asleep)]
    events += again
    streams += _after_deletions(events, clients, Random(f"deletions of {seed}"))
    hits = [_fault(random) for _ in range(1 + int(random.random() * 3))]
    return Plan(
        seed=seed,
        swift=tuple(random.random() < 0.25 for _ in range(clients)),
        direct=tuple(random.random() < 0.6 for _ in range(clients)),
        young_ms=tuple(random.choice((0, 0, 150, 450, 600)) for _ in range(clients)),
        skew_ms=random.choice((0, 0, 30, 2_000)),
        actors=2,
        shards=1 + int(random.random() * 2),
        acts=tuple(sorted((*calls, *streams), key=lambda act: act.at_ms)),
        events=tuple(sorted(events, key=lambda act: act.at_ms)),
        faults=tuple(hits),
    )


def _time(random: Random, length_ms: int) -> int:
    return int(random.random() * length_ms)


def _call(random: Random, length_ms: int, clients: int, specification: Specification) -> Act:
    method, arguments = specification.calls(random)
    actor = int(random.random() * 2)
    return Act(
        _time(random, length_ms), CALL, int(random.random() * clients), actor, method=method, arguments=arguments
    )


def _call_after(random: Random, clients: int, event: Act, specification: Specification) -> Act:
    """A call of somebody else, while a client sleeps or after all is said about its two sockets."""
    method, arguments = specification.calls(random)
    within_ms = event.amount if event.kind == SLEEP else _SETTLED_MS
    client = (event.client + 1 + int(random.random() * (clients - 1))) % clients
    at_ms = event.at_ms + int(random.random() * within_ms)
    return Act(at_ms, CALL, client, event.actor, method=method, arguments=arguments)


def _observe(random: Random, length_ms: int, clients: int) -> Act:
    client, actor = int(random.random() * clients), int(random.random() * 2)
    return Act(_time(random, length_ms // 2), OBSERVE, client, actor, amount=int(random.random() * 600))


def _with_windows(streams: list[Act], random: Random) -> Iterator[Act]:
    """Every third schedule has streams of latest values, all of them or some; chance of its own keeps old seeds."""
    share = random.choice((0.0, 0.0, 0.0, 0.0, 0.5, 1.0))
    for stream in streams:
        yield replace(stream, window_ms=random.choice(_WINDOWS_MS)) if random.random() < share else stream


def _after_deletions(events: list[Act], clients: int, random: Random) -> Iterator[Act]:
    """Streams that begin when their actor's state was just deleted, while that is still on its way."""
    for event in (event for event in events if event.kind == DELETE):
        for _ in range(2):
            at_ms = event.at_ms + int(random.random() * _SOON_MS)
            yield Act(at_ms, OBSERVE, int(random.random() * clients), event.actor, amount=int(random.random() * 600))


def _event(random: Random, length_ms: int, clients: int) -> Act:
    kind = random.choice(_EVENTS)
    amount = int(random.random() * _LONGEST_MS.get(kind, 400))
    target, actor = int(random.random() * clients), int(random.random() * 2)
    # Nobody falls asleep over what it still wants to say.
    at_ms = _time(random, 2 * length_ms) + (_SETTLED_MS // 2 if kind == SLEEP else 0)
    return Act(at_ms, kind, target, actor, amount=amount)


def _once_more(random: Random, cut: Act) -> Act:
    """The next socket breaks as well, perhaps before all is handled that came on the first one."""
    return replace(cut, at_ms=cut.at_ms + int(random.random() * 1_500), kind=CUT)


def _fault(random: Random) -> Fault:
    kind = random.choice(faults.KINDS)
    amount = int(random.random() * random.choice((60, 400, 35_000)))
    return Fault(kind, int(random.random() * 200), amount)
