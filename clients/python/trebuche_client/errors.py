"""What can go wrong, as one tree.

ClientError
├── EndpointError          the address refuses the connection for good, or never answered
├── CallFailedError        the server answered a call with an error
├── CallTimeoutError       no answer in time; the call may still take effect
├── StreamFailedError      the server refused or broke off a stream
├── SlowReaderError        values came faster than they were read
├── MessageTooLargeError   what was to be sent is over the gateway's limit
└── ClientClosedError      the client was closed
"""

from uuid import UUID


class ClientError(Exception):
    """Root of every error that the client raises on purpose."""


class EndpointError(ClientError):
    """The endpoint refuses the connection for good, or nothing ever answered there.

    Args:
        message: What was tried and what came back.
        status: The HTTP status of the last refused handshake, where there was one.
    """

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class CallFailedError(ClientError):
    """The server answered a call with an error; nothing was written.

    Args:
        message: The server's text.
        code: Its stable word for the kind of failure, where it sent one.
        retryable: Whether the same call may work later.
    """

    def __init__(self, message: str, *, code: str | None = None, retryable: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.retryable = retryable


class CallTimeoutError(ClientError, TimeoutError):
    """No answer came in time; whether the call took effect is not known.

    Args:
        call_id: Sent once more under this id, the call takes effect at most once.
        seconds: How long was waited.
    """

    def __init__(self, call_id: UUID, seconds: float) -> None:
        super().__init__(f"no answer within {seconds:g} s; the call may still take effect (callID {call_id})")
        self.call_id = call_id


class StreamFailedError(ClientError):
    """The server refused a stream or broke it off for good.

    Args:
        message: The server's text.
        code: Its stable word for the kind of failure, where it sent one.
        retryable: Whether observing again may work later.
    """

    def __init__(self, message: str, *, code: str | None = None, retryable: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.retryable = retryable


class SlowReaderError(ClientError):
    """More values wait than a reader may leave unread; observe with ``latest_per_ms`` to get only the newest."""


class MessageTooLargeError(ClientError):
    """A message is over what API Gateway takes.

    Args:
        size: Its bytes in UTF-8.
        limit: The most that is taken, in bytes.
    """

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(f"the message has {size:,} bytes; API Gateway takes {limit:,} at the most")
        self.size = size
        self.limit = limit


class ClientClosedError(ClientError):
    """The client was closed, by ``close()`` or because its endpoint refused it for good."""


class LinkLostError(Exception):
    """A socket closed although nobody asked for it, or could not be opened; another one may help. Stays inside.

    Args:
        reason: What happened.
        refusing: Whether the gateway closed it because of what was sent.
        status: The HTTP status of a handshake that was refused for now.
    """

    def __init__(self, reason: str, *, refusing: bool = False, status: int | None = None) -> None:
        super().__init__(reason)
        self.refusing = refusing
        self.status = status
