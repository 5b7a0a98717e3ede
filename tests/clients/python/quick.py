"""What tests of the Python client share: times that suit them, and an answer."""

from typing import Any

from tests.support.endpoint import as_data
from trebuche_client import Backoff, ClientOptions

QUICK = Backoff(first_seconds=0.01, longest_seconds=0.05)


def options(**chosen: Any) -> ClientOptions:
    """Times that suit a test."""
    return ClientOptions(**{"backoff": QUICK, "call_timeout": 20.0, **chosen})


async def answer(peer: Any, frame: dict[str, Any], value: object) -> None:
    """Answer a call."""
    await peer.send("response", callID=frame["payload"]["callID"], result=as_data(value))
