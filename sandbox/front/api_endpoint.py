"""Puts the sandbox's address into what the control plane says about WebSocket APIs."""

import json

from sandbox.aws import Json


def rewrite_endpoints(body: bytes, address: str) -> bytes:
    """``apiEndpoint`` of each WebSocket API in an answer of ``/v2/apis…``, as a client can dial it.

    Args:
        body: The emulator's JSON answer.
        address: ``host:port`` of the front.
    """
    try:
        document = json.loads(body)
    except ValueError:
        return body
    if not isinstance(document, dict):
        return body
    items = document.get("items")
    for api in items if isinstance(items, list) else [document]:
        _rewrite(api, address)
    return json.dumps(document).encode()


def _rewrite(api: Json, address: str) -> None:
    if api.get("protocolType") == "WEBSOCKET" and "apiEndpoint" in api:
        api["apiEndpoint"] = f"ws://{address}/_aws/execute-api/{api['apiId']}"
