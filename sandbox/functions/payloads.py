"""What an invocation's event must be, with Lambda's own texts; pure."""

import json
from typing import Final

from sandbox.functions.constraints import Refusal
from sandbox.functions.limits import ASYNC_PAYLOAD_BYTES, SYNC_PAYLOAD_BYTES

_LIMITS: Final = {"RequestResponse": SYNC_PAYLOAD_BYTES, "Event": ASYNC_PAYLOAD_BYTES}


def refuse_payload(payload: bytes, kind: str) -> Refusal | None:
    """What Invoke says to an event that is too long or no JSON; None when it takes it. No event at all is taken.

    Args:
        payload: The event.
        kind: ``RequestResponse`` or ``Event``.
    """
    if len(payload) > _LIMITS[kind]:
        text = f"{len(payload)} byte payload is too large for the {kind} invocation type (limit {_LIMITS[kind]} bytes)"
        return Refusal(413, "RequestTooLargeException", text)
    if not payload:
        return None
    try:
        json.loads(payload.decode(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:  # nested as deep as AWS does not read it either
        text = f"Could not parse request body into json: Could not parse payload into json: {error}"
        return Refusal(400, "InvalidRequestContentException", text)
    return None


def _refuse_constant(name: str) -> None:
    """Python reads ``NaN`` and ``Infinity``, which are no JSON."""
    raise ValueError(f"Non-standard token '{name}'")
