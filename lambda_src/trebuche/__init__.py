"""Stateful, realtime actors on AWS: the runtime.

Names are imported when they are first used, so that a function loads only what it needs.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from trebuche.actors import Actor, distributed, query
    from trebuche.adapters.api_gateway import APIGatewayConnectionSender
    from trebuche.adapters.cloud_map import CloudMapRegistry
    from trebuche.adapters.dynamodb_connections import DynamoDBConnectionStorage
    from trebuche.adapters.dynamodb_states import DynamoDBStateStore
    from trebuche.adapters.memory import InMemoryConnectionSender, InMemoryConnectionStorage, InMemoryRegistry
    from trebuche.connections import ConnectionManager
    from trebuche.deltas import DeltaReader, StateDelta
    from trebuche.errors import ActorFailure
    from trebuche.gateway import CloudGateway
    from trebuche.stream_adapter import DynamoDBStreamAdapter
    from trebuche.websocket import WebSocketLambdaHandler

__all__ = [
    "APIGatewayConnectionSender",
    "Actor",
    "ActorFailure",
    "CloudGateway",
    "CloudMapRegistry",
    "ConnectionManager",
    "DeltaReader",
    "DynamoDBConnectionStorage",
    "DynamoDBStateStore",
    "DynamoDBStreamAdapter",
    "InMemoryConnectionSender",
    "InMemoryConnectionStorage",
    "InMemoryRegistry",
    "StateDelta",
    "WebSocketLambdaHandler",
    "distributed",
    "query",
]

_MODULES: Final = {
    "APIGatewayConnectionSender": "adapters.api_gateway",
    "Actor": "actors",
    "ActorFailure": "errors",
    "CloudGateway": "gateway",
    "CloudMapRegistry": "adapters.cloud_map",
    "ConnectionManager": "connections",
    "DeltaReader": "deltas",
    "DynamoDBConnectionStorage": "adapters.dynamodb_connections",
    "DynamoDBStateStore": "adapters.dynamodb_states",
    "DynamoDBStreamAdapter": "stream_adapter",
    "InMemoryConnectionSender": "adapters.memory",
    "InMemoryConnectionStorage": "adapters.memory",
    "InMemoryRegistry": "adapters.memory",
    "StateDelta": "deltas",
    "WebSocketLambdaHandler": "websocket",
    "distributed": "actors",
    "query": "actors",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
