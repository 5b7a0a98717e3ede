"""Through which proxy a WebSocket goes."""

import ipaddress
from typing import Literal
from urllib.parse import urlsplit


def proxy_for(endpoint: str) -> Literal[True] | None:
    """What ``websockets`` takes as ``proxy``: none for this machine's own addresses, else the environment's."""
    return None if _is_loopback(urlsplit(endpoint).hostname or "") else True


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
