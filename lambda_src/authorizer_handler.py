"""Entry point of the authorizer, which API Gateway asks about each handshake."""

from typing import Any

from trebuche.adapters import environment

_authorizer = environment.authorizer()


def handle(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Say whether a handshake may go on."""
    return _authorizer.handle(event)
