"""API Gateway's quotas for WebSocket APIs (quota page of the developer guide; none of these is adjustable).

Those that AWS raises on request are in ``sandbox.quotas``.
"""

from typing import Final

MESSAGE_BYTES: Final = 128 * 1024
FRAME_BYTES: Final = 32 * 1024
IDLE_SECONDS: Final = 600.0
AGE_SECONDS: Final = 7200.0
URL_CHARACTERS: Final = 4096
HEADER_BYTES: Final = 10_240
"""All values of a handshake's headers together."""
CLIENT_BUFFER_BYTES: Final = 512 * 1024
"""What may wait for a client that does not read. API Gateway has such a buffer and does not tell its size."""
KERNEL_BUFFER_BYTES: Final = 64 * 1024
"""What the kernel may hold besides; left alone it takes some megabytes per socket."""

GOING_AWAY: Final = 1001
NOT_TEXT: Final = 1007
UNSUPPORTED: Final = 1003
"""Binary frames are not accepted from clients."""
