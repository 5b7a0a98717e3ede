"""A short way for the sandbox's own invocations, which are the account's root's.

The emulator looks at each request for two dozen services, reads it for a policy evaluation that root always passes, and
looks at its answer again. A message on a socket waits for all of it. What Lambda itself does is the same either way.
"""

import re
import uuid
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs

from ministack import app
from ministack.core import router
from ministack.services import lambda_svc

MARK = b"x-sandbox-invocation"
"""Header of a request that goes the short way."""
PATH = re.compile(r"/2015-03-31/functions/[^/]+/invocations")
ROOT = re.compile(r"\d{12}|test")
"""Access keys of an account's root."""
App = Callable[[dict[str, Any], Any, Any], Awaitable[None]]


def install() -> None:
    """Have invocations that are marked go this way."""
    app.app = beside(app.app)


def beside(whole: App) -> App:
    """The emulator's application, and the short way beside it."""

    async def serve(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if not is_marked(scope) or not await invoke(scope, receive, send):
            await whole(scope, receive, send)

    return serve


def is_marked(scope: dict[str, Any]) -> bool:
    """Whether it is an invocation that asks for this way."""
    is_invocation = scope["type"] == "http" and PATH.fullmatch(scope["path"])
    return bool(is_invocation and any(name == MARK for name, _ in scope["headers"]))


async def invoke(scope: dict[str, Any], receive: Any, send: Any) -> bool:
    """Answer an invocation of root's; anybody else's is left as it came, and false."""
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    query = parse_qs(scope["query_string"].decode("latin-1"))
    key = router.extract_access_key_id(headers, query)
    if not ROOT.fullmatch(key):
        return False
    app.set_request_account_id(key)
    app.set_request_region(router.extract_region(headers, query))
    body = await read(receive)
    await answer(send, *await lambda_svc.handle_request("POST", scope["path"], headers, body, query))
    return True


async def read(receive: Any) -> bytes:
    """A request's body."""
    parts, more = [], True
    while more:
        event = await receive()
        parts.append(event.get("body", b""))
        more = event.get("more_body", False)
    return b"".join(parts)


async def answer(send: Any, status: int, headers: dict[str, str], body: bytes | str) -> None:
    """Send what Lambda answers."""
    data = body if isinstance(body, bytes) else body.encode()
    named = {**headers, "Content-Length": str(len(data)), "x-amzn-RequestId": str(uuid.uuid4())}
    pairs = [(name.lower().encode("latin-1"), str(value).encode("latin-1")) for name, value in named.items()]
    await send({"type": "http.response.start", "status": status, "headers": pairs})
    await send({"type": "http.response.body", "body": data})
