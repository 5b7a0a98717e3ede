"""API Gateway's quotas for WebSocket APIs (quota page of the developer guide; none of these is adjustable)."""

from typing import Final

MESSAGE_BYTES: Final = 128 * 1024
FRAME_BYTES: Final = 32 * 1024
IDLE_SECONDS: Final = 600.0
AGE_SECONDS: Final = 7200.0

GOING_AWAY: Final = 1001
NOT_TEXT: Final = 1007
UNSUPPORTED: Final = 1003
"""Binary frames are not accepted from clients."""
