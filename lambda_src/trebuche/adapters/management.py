"""API Gateway's ``@connections`` interface of one stage, over signed requests of our own.

botocore's client for it takes about a millisecond of processor time per post, ten times as much as all the rest of a
fan-out, and some tens of milliseconds of each cold start.
"""

import asyncio
import json
import ssl
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final
from urllib.parse import quote, urlsplit

from trebuche.adapters.http_answers import Answer
from trebuche.adapters.keep_alive import KeepAlive
from trebuche.adapters.pacing import Pacer
from trebuche.adapters.signing import Credentials, Signer

SERVICE: Final = "execute-api"
_THROTTLED: Final = 429


class ManagementApi:
    """Requests about single connections.

    Args:
        endpoint: The stage's ``https://…`` or ``http://…`` address, also that of a custom domain.
        credentials: Asked for each request.
        region: Of the stage.
        authorities: Path of the certificates to trust; asked for when the first connection is opened.
        pacer: How fast requests go out.
    """

    def __init__(
        self,
        endpoint: str,
        credentials: Callable[[], Credentials],
        region: str,
        *,
        authorities: Callable[[], str],
        pacer: Pacer | None = None,
    ) -> None:
        parts = urlsplit(endpoint)
        secure = parts.scheme == "https"
        self._path = f"{parts.path.rstrip('/')}/@connections/"
        self._signer = Signer(credentials, region, SERVICE, parts.netloc)
        self._pacer = pacer or Pacer()
        self._connections = KeepAlive(
            parts.hostname or "",
            parts.port or (443 if secure else 80),
            (lambda: ssl.create_default_context(cafile=authorities())) if secure else None,
        )

    @property
    def slowed(self) -> bool:
        """Whether many requests were refused lately, more than single clients could account for."""
        return self._pacer.slowed

    async def request(self, method: str, connection_id: str, body: bytes = b"") -> Answer:
        """Send one request.

        Raises:
            OSError: No answer.
            BotoCoreError: There are no credentials.
        """
        if seconds := self._pacer.take():
            await asyncio.sleep(seconds)
        path = self._path + _quoted(connection_id)
        head = self._signer.head(method, path, body, time.time())
        answer = await self._connections.exchange(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        if answer.status == _THROTTLED:
            self._pacer.throttled()
        return answer

    def forget(self) -> None:
        """Close idle connections, such as those of a snapshot that was restored elsewhere."""
        self._connections.forget()


@lru_cache(maxsize=4096)
def _quoted(connection_id: str) -> str:
    return quote(connection_id, safe="~")


def error_code(answer: Answer) -> str:
    """AWS's name for an error, such as ``GoneException``; the status where there is none."""
    named = answer.header("x-amzn-errortype") or str(_document(answer).get("__type") or answer.status)
    # "GoneException:http://internal…" and "com.amazonaws…#GoneException" are seen as well.
    return named.partition(":")[0].rpartition("#")[2]


def describe(operation: str, answer: Answer) -> str:
    """Operation, code, text and request id on one line, as of errors that botocore raises."""
    document = _document(answer)
    message = document.get("message") or document.get("Message") or ""
    request_id = answer.header("x-amzn-requestid") or "unknown"
    return f"{operation}: {error_code(answer)}: {message} (request {request_id})"


def _document(answer: Answer) -> dict[str, Any]:
    try:
        document = json.loads(answer.body)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
