"""Carries everything that is not ours to the emulator and back, byte for byte, so that signatures still verify."""

import json
from typing import Final

import aiohttp
from aiohttp import web
from multidict import CIMultiDict, MultiMapping
from yarl import URL

from sandbox.aws import Answer, AwsRefusedError

DOWN: Final = json.dumps(
    {
        "__type": "ServiceUnavailableException",
        "message": "The sandbox's emulator does not answer; it may have ended. Start the sandbox again.",
    }
)
# They belong to one hop; an Expect has been answered already, and a length is written anew.
_HOP_HEADERS: Final = ("Connection", "Keep-Alive", "Transfer-Encoding", "Content-Length", "Expect", "Upgrade", "TE")
_ADDED_BY_CLIENT: Final = ("Accept", "Accept-Encoding", "User-Agent", "Content-Type")


class EmulatorDownError(Exception):
    """The emulator could not be reached."""


class Proxy:
    """Sends requests on as they came: raw path, raw query, headers, host.

    Args:
        session: Must not decompress.
        endpoint: The emulator's address.
    """

    def __init__(self, session: aiohttp.ClientSession, endpoint: str) -> None:
        self._session = session
        self._endpoint = endpoint

    async def send(self, request: web.BaseRequest, body: bytes, *, headers: MultiMapping[str] | None = None) -> Answer:
        """Send a request on.

        Args:
            request: Whose method, path and query are sent.
            body: What is sent with it.
            headers: Instead of the request's own; those that it has signed must be among them.

        Raises:
            EmulatorDownError: No connection, or it broke.
        """
        sent = CIMultiDict(request.headers if headers is None else headers)
        for name in _HOP_HEADERS:
            sent.popall(name, None)
        try:
            async with self._session.request(
                request.method,
                # As it came: quoting it anew would break the signature (a connection's id holds `%3D`).
                URL(self._endpoint + request.raw_path, encoded=True),
                data=body or None,
                headers=sent,
                skip_auto_headers=_ADDED_BY_CLIENT,
                allow_redirects=False,
            ) as response:
                return Answer(response.status, response.headers, await response.read())
        except (aiohttp.ClientError, TimeoutError) as error:
            raise EmulatorDownError(str(error)) from error

    def respond(self, request: web.BaseRequest, answer: Answer, body: bytes | None = None) -> web.Response:
        """The emulator's answer for our caller, with another body if one is given."""
        headers = CIMultiDict(answer.headers)
        length = headers.get("Content-Length")
        for name in _HOP_HEADERS:
            headers.popall(name, None)
        # It is the length of what a GET would bring; there is no body to count here.
        if request.method == "HEAD" and length is not None:
            headers["Content-Length"] = length
        return web.Response(status=answer.status, headers=headers, body=answer.body if body is None else body)


def emulator_down() -> web.Response:
    """503, in a form that every SDK shows."""
    return web.Response(status=503, text=DOWN, content_type="application/json")


def refusal(error: AwsRefusedError) -> web.Response:
    """An error as the REST services (Lambda, say) send it."""
    text = json.dumps({"Type": "User", "Message": error.message, "message": error.message})
    headers = {"x-amzn-ErrorType": error.code}
    return web.Response(status=error.status, text=text, content_type="application/json", headers=headers)
