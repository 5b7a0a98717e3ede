"""A schedule before it runs: clients, what they do and when, and what disturbs them. All of it can be left out."""

from dataclasses import dataclass
from typing import Final

from trebuche_testing.faults import Fault
from trebuche_testing.specification import Arguments

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


@dataclass(frozen=True, slots=True)
class Act:
    """Something a client does, or something that happens to it.

    Attributes:
        at_ms: When, after the start.
        kind: One of the names above.
        client: Whose; for a shard or an actor, its number.
        actor: Number of the actor.
        amount: Milliseconds, where the kind has any (of a ``call``, until its client sends it once more; 0: it does
            not); of an ``observe``, what decides which member and filter; of a ``deploy``, which version.
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
        cold: Share of frames whose function starts first.
        poll_ms: How long records of the stream wait for others at most.
        drag: Share of effects that take longer than others.
        acts: What clients do.
        events: What happens to sockets, shards, time, code and actors.
        faults: What hits effects.
    """

    seed: int
    swift: tuple[bool, ...]
    direct: tuple[bool, ...]
    young_ms: tuple[int, ...]
    skew_ms: int
    cold: float
    poll_ms: int
    drag: float
    actors: int
    shards: int
    acts: tuple[Act, ...]
    events: tuple[Act, ...]
    faults: tuple[Fault, ...]
