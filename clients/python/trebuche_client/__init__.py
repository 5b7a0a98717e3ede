"""The Python client: calls that take effect once, streams that survive drops, and no thought of the gateway's clocks.

async with TrebuchetClient("wss://…/production") as client:
    todos = client.resolve("todos")
    await todos.add_todo("Buy milk")
    async for state in todos.observe("state"):
        print(state)
"""

from trebuche_client.backoff import Backoff
from trebuche_client.client import TrebuchetClient
from trebuche_client.errors import (
    CallFailedError,
    CallTimeoutError,
    ClientClosedError,
    ClientError,
    EndpointError,
    MessageTooLargeError,
    SlowReaderError,
    StreamFailedError,
)
from trebuche_client.observation import Observation, Value
from trebuche_client.options import ClientOptions
from trebuche_client.proxy import ActorProxy
from trebuche_client.state import ConnectionState, StateChange

__all__ = [
    "ActorProxy",
    "Backoff",
    "CallFailedError",
    "CallTimeoutError",
    "ClientClosedError",
    "ClientError",
    "ClientOptions",
    "ConnectionState",
    "EndpointError",
    "MessageTooLargeError",
    "Observation",
    "SlowReaderError",
    "StateChange",
    "StreamFailedError",
    "TrebuchetClient",
    "Value",
]
