"""The one AWS address of the sandbox: WebSocket APIs and event source mappings of ours, the emulator for the rest."""

from sandbox.front.server import Front

__all__ = ["Front"]
