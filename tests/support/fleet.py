"""Many clients of one endpoint whose connections break off at one moment.

python -m tests.support.fleet python ws://…        # a hundred, on an endpoint that is deployed; figures as JSON
"""

import json
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import partial
from typing import Final

from tests.support.client_process import ClientProcess, client_process
from tests.support.wire import Wire

HUNDRED: Final = 100
HUNDREDS_SPREAD_SECONDS: Final = 60.0
"""Each that comes back costs the sandbox a dozen requests, and two cores answer about a hundred a second."""
JOINING_AT_ONCE: Final = 2
MISSED: Final = 3


@dataclass(frozen=True)
class Cut:
    """What was seen of it.

    Args:
        clients: How many there were.
        attempts: How often they tried to connect until all were back.
        most_in_a_second: The most of these attempts in any one second.
        spread_seconds: From the first to the last attempt.
        seconds: From the cut until everybody had every value.
    """

    clients: int
    attempts: int
    most_in_a_second: int
    spread_seconds: float
    seconds: float


def cut_fleet(client: ClientProcess, wire: Wire, actor: str, *, endpoint: str, clients: int, spread: float) -> Cut:
    """Cut clients that observe an actor, change it three times meanwhile, and wait until all have seen that.

    Args:
        client: The process that they are in.
        wire: Their way to the endpoint.
        actor: A list of todos that is empty.
        endpoint: Where somebody else changes it.
        clients: How many.
        spread: Ceiling of the first pause of each, in seconds.
    """
    names = [f"client {number}" for number in range(clients)]

    def join(name: str) -> None:
        # The sandbox may take long for many: whoever only waits for it repeats nothing.
        client.connect(
            wire.url,
            client=name,
            backoff=[spread, 4 * spread],
            call_timeout=110.0,
            probe_after=110.0,
            gateway_retries=50,
        )
        client.observe(actor, stream=name, client=name)
        client.until(lambda: len(client.values(name)) == 1, f"the first value of {name}")

    with ThreadPoolExecutor(JOINING_AT_ONCE) as pool:
        list(pool.map(join, names))
    with client_process("python") as other:
        other.connect(endpoint)
        wire.cut()
        cut_at = time.monotonic()
        for number in range(MISSED):
            other.call(actor, "addTodo", f"while they are away {number}")
    for name in names:
        client.until(partial(_has_all, client, name), f"the last value of {name}")
    back = wire.opened[clients:]
    most = max(sum(1 for later in back if first <= later < first + 1) for first in back)
    return Cut(clients, len(back), most, round(max(back) - min(back), 1), round(time.monotonic() - cut_at, 1))


def _has_all(client: ClientProcess, name: str) -> bool:
    return len(client.values(name)) == 1 + MISSED


if __name__ == "__main__":
    _, language, address = sys.argv
    with ExitStack() as ends, client_process(language) as fleet:
        way = Wire(address)
        ends.callback(way.stop)
        actor = f"todos/{uuid.uuid4().hex}"
        cut = cut_fleet(fleet, way, actor, endpoint=address, clients=HUNDRED, spread=HUNDREDS_SPREAD_SECONDS)
        print(json.dumps(asdict(cut)))
