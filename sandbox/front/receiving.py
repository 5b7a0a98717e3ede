"""Receives requests; what is none is answered in AWS's form, without a word on standard error."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import http_exceptions, web


class Request(web.BaseRequest):
    """A request whose body can be read as often as wanted, however large it is: each service has a limit of its own."""

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts, client_max_size=0)

    async def _prepare_hook(self, response: web.StreamResponse) -> None:
        # AWS does not say by what it is served.
        response.headers.pop("Server", None)


Handle = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class Receiver(web.RequestHandler):
    """One TCP connection."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what could not be read; any other error is ours and is told with its traceback."""
        if not isinstance(exc, http_exceptions.HttpProcessingError):
            return super().handle_error(request, status, exc, message)
        return bad_request()


class ReceivingServer(web.Server):
    """Makes a receiver for each connection.

    Args:
        handle: Answers requests.
        options: Of aiohttp's protocol, such as ``max_field_size``.
    """

    def __init__(self, handle: Handle, **options: Any) -> None:
        super().__init__(handle, request_factory=self._make, **options)
        self._options = options

    def _make(self, *parts: Any) -> Request:
        return Request(*parts, asyncio.get_running_loop())

    def __call__(self) -> Receiver:
        """What asyncio asks for when somebody connects."""
        return Receiver(self, loop=asyncio.get_running_loop(), **self._options)


def bad_request() -> web.Response:
    """The answer to what is no request; the connection ends with it."""
    headers = {"x-amzn-ErrorType": "BadRequestException"}
    response = web.json_response({"message": "Bad Request"}, status=400, headers=headers)
    # Where the next request would begin in what follows is anybody's guess.
    response.force_close()
    return response
