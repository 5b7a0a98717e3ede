"""A canary: a connection to a stage, a message that changes nothing, a ping, a clean end; and one that is refused."""

import json
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Final
from uuid import uuid4

from websockets.exceptions import InvalidStatus, WebSocketException
from websockets.sync.client import ClientConnection, connect

from cli.doctor.findings import RUNNING, Finding
from cli.proxies import proxy_for
from policies.model import ERROR, WARNING
from policies.sources import BROADCASTING, LATENCY, PERSISTING, page
from trebuche.auth.api_keys import SECRET_BYTES, key_text
from trebuche.envelope_types import InvocationEnvelope, ResponseEnvelope, TrebuchetActorID
from trebuche.envelopes import decode, encode
from trebuche.errors import ProtocolError

RULE: Final = "canary"
DISTANT: Final = "distance"
DOOR: Final = "door"
RULES: Final = (
    (RULE, "A connection stays open, and a message is answered", ERROR, (page(PERSISTING, 1), page(BROADCASTING, 3))),
    (DOOR, "Who shows no credentials of this stage is refused", ERROR, ("docs/auth.md",)),
    (DISTANT, "The region is close to its users", WARNING, (page(LATENCY, 4),)),
)
_NOBODY: Final = "trebuche-doctor"
"""An actor that no program has: the answer is an error, and nothing is written for it."""
_PATIENCE_SECONDS: Final = 20.0
_REFUSALS: Final = (401, 403)
_PINGS: Final = 3
"""The shortest tells of the way: one may have met a machine that was busy."""
_FAR_SECONDS: Final = 0.3
"""From one continent to another; measured on a socket that is open, so without the handshake."""


@dataclass(frozen=True, slots=True)
class Sung:
    """How it went: what failed, if anything, and how long a ping takes."""

    failure: str
    round_trip_seconds: float = 0.0


def send_canary(endpoint: str, token: str | None = None) -> list[Finding]:
    """Connect, ask, ping and close; what fails is a finding, and so is a long way.

    Args:
        endpoint: Of the stage.
        token: Shown at the door.
    """
    return list(findings_of(endpoint, _sing(endpoint, token)))


def try_door(endpoint: str) -> list[Finding]:
    """Knock with credentials that are none: that anybody is let in is a finding, and so is a door that breaks."""
    try:
        # The form of a key has the authorizer look into its secret, where it takes keys.
        with _connection(endpoint, key_text(_NOBODY, secrets.token_bytes(SECRET_BYTES))):
            what, mend = "it lets in who shows made-up credentials", "see that $connect asks the authorizer"
    except InvalidStatus as error:
        status = error.response.status_code
        if status in _REFUSALS:
            return []
        what, mend = f"it answers {status} to made-up credentials, and not 403", "`trebuche logs authorizer` says why"
    except (OSError, WebSocketException) as error:
        what, mend = f"it cannot be reached: {error}", "see that the stage is there, and this machine online"
    return [_finding(DOOR, endpoint, what, mend)]


def findings_of(endpoint: str, sung: Sung) -> Iterator[Finding]:
    """What is wrong with how it went."""
    if sung.failure:
        mend = "`trebuche logs websocket`; the findings above say what its function lacks"
        yield _finding(RULE, endpoint, sung.failure, mend)
    elif sung.round_trip_seconds > _FAR_SECONDS:
        what = f"a ping takes {sung.round_trip_seconds * 1000:.0f} ms from here"
        yield _finding(DISTANT, endpoint, what, "deploy a stack in a region that is closer to its users")


def _finding(rule: str, endpoint: str, what: str, mend: str) -> Finding:
    [(severity, sources)] = [(severity, sources) for name, _, severity, sources in RULES if name == rule]
    return Finding(rule=rule, severity=severity, part=RUNNING, where=endpoint, what=what, mend=mend, sources=sources)


def _sing(endpoint: str, token: str | None) -> Sung:
    reached = "it cannot connect"
    try:
        with _connection(endpoint, token) as socket:
            reached = "it connects, and gets no answer"
            _ask(socket)
            reached = "it connects and is answered, and the connection does not stay"
            return Sung("", shortest_ping(socket))
    except (OSError, WebSocketException) as error:
        return Sung(f"{reached}: {str(error) or f'nothing within {_PATIENCE_SECONDS:g} s'}")


def _connection(endpoint: str, token: str | None) -> ClientConnection:
    return connect(
        endpoint,
        proxy=proxy_for(endpoint),
        additional_headers={"Authorization": f"Bearer {token}"} if token else None,
        open_timeout=_PATIENCE_SECONDS,
        close_timeout=1,
    )


def _ask(socket: ClientConnection) -> None:
    """Send a call, and wait for its answer, which is an error.

    Raises:
        TimeoutError: Nothing of the kind comes.
    """
    nobody = TrebuchetActorID(id=_NOBODY)
    call = InvocationEnvelope(call_id=uuid4(), actor_id=nobody, target_identifier="nothing", protocol_version=2)
    # No route has this action, so that the frame goes the way of $default.
    socket.send(json.dumps({"action": _NOBODY, **json.loads(encode(call))}))
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while (left := deadline - time.monotonic()) > 0:
        text = socket.recv(timeout=left)
        with suppress(ProtocolError):
            envelope = decode(text if isinstance(text, str) else text.decode(errors="replace"))
            if isinstance(envelope, ResponseEnvelope) and envelope.call_id == call.call_id:
                return
        # API Gateway's own error frame, which no callID leads back to this call.
        if '"requestId"' in str(text):
            raise TimeoutError(f"API Gateway says {text!r}")
    raise TimeoutError


def shortest_ping(socket: ClientConnection, now: Callable[[], float] = time.monotonic) -> float:
    """Seconds that the fastest of some pings takes.

    Raises:
        TimeoutError: One is not answered.
    """
    return min(_ping(socket, now) for _ in range(_PINGS))


def _ping(socket: ClientConnection, now: Callable[[], float]) -> float:
    begun = now()
    if not socket.ping().wait(_PATIENCE_SECONDS):
        raise TimeoutError("no pong")
    return now() - begun
