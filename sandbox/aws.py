"""Signed requests to the emulator: the few AWS calls that the front and the pump make themselves."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
from multidict import CIMultiDictProxy
from yarl import URL

from sandbox.signing import signed_headers

ACCOUNT: Final = "000000000000"
DEFAULT_REGION: Final = "us-east-1"
ROOT_ACCESS_KEY: Final = "test"
ROOT_SECRET_KEY: Final = "test"

_NEEDLESS: Final = ("Accept", "Accept-Encoding", "User-Agent")
"""What a client adds by itself, and the emulator would read for nothing."""

Json = dict[str, Any]
"""A JSON object as a service sent it; its fields are read into dataclasses as soon as their names are known."""


class AwsRefusedError(Exception):
    """A service answered with an error.

    Args:
        status: HTTP status.
        code: AWS's name of the error, e.g. ``ResourceNotFoundException``.
        message: AWS's text.
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code
        self.message = message


def root_of(account: str) -> tuple[str, str]:
    """Root keys of an account: the emulator takes twelve digits for the account itself."""
    return ROOT_ACCESS_KEY if account == ACCOUNT else account, ROOT_SECRET_KEY


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP response, read to its end."""

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes

    def refusal(self) -> AwsRefusedError:
        """The error that this answer carries."""
        try:
            document = json.loads(self.body)
        except ValueError:
            document = {}
        if not isinstance(document, dict):
            document = {}
        # REST services name the error in a header, JSON services in `__type`, either with a namespace around it.
        code = self.headers.get("x-amzn-ErrorType") or document.get("__type") or document.get("code") or "Unknown"
        message = document.get("message") or document.get("Message") or self.body.decode("utf-8", "replace")
        return AwsRefusedError(self.status, str(code).split("#")[-1].split(":")[0], str(message))


@dataclass(frozen=True, slots=True)
class Invocation:
    """What one Lambda invocation came to.

    ``status`` is the API's own (429 throttled, 404 no such function); ``error`` is set when the function raised;
    ``log`` is the end of what it printed.
    """

    status: int
    error: str | None
    executed_version: str
    payload: bytes
    log: str = ""

    @property
    def ok(self) -> bool:
        """Whether the function ran and returned."""
        return self.status == 200 and self.error is None


class AwsClient:
    """Calls the emulator as the root of each request's account.

    Args:
        session: Keeps the connections; shared by all clients of the sandbox.
        endpoint: The emulator's own address, ``http://127.0.0.1:port``.
    """

    def __init__(self, session: aiohttp.ClientSession, endpoint: str) -> None:
        self._session = session
        self._endpoint = endpoint
        self._host = endpoint.rpartition("/")[2]

    async def send(
        self,
        method: str,
        path: str,
        *,
        service: str,
        region: str,
        account: str = ACCOUNT,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        timeout: float = 60.0,
    ) -> Answer:
        """Sign and send one request.

        Args:
            method: HTTP method.
            path: Path and query, percent-encoded.
            service: Signing name, e.g. ``lambda``.
            region: Signing region; the emulator keeps every region's resources apart.
            account: Whose resources are meant; the emulator keeps every account's apart, too.
            headers: Further headers.
            body: Whole body.
            timeout: Seconds until ``TimeoutError``.

        Raises:
            aiohttp.ClientError: The emulator cannot be reached.
            TimeoutError: No answer in time.
        """
        keys = root_of(account)
        signed = signed_headers(method, self._host, path, body, service=service, region=region, keys=keys)
        async with self._session.request(
            method,
            # Sent as it was signed: quoting it anew would change the path.
            URL(self._endpoint + path, encoded=True),
            data=body,
            headers={**signed, **(headers or {})},
            skip_auto_headers=_NEEDLESS,
            timeout=aiohttp.ClientTimeout(total=timeout),
        ) as response:
            return Answer(response.status, response.headers, await response.read())

    async def get_json(self, path: str, *, service: str, region: str, account: str = ACCOUNT) -> Json:
        """A REST read.

        Raises:
            AwsRefusedError: Any status but 200.
        """
        answer = await self.send("GET", path, service=service, region=region, account=account)
        if answer.status != 200:
            raise answer.refusal()
        document: Json = json.loads(answer.body)
        return document

    async def call(self, target: str, payload: Json, *, service: str, region: str, account: str = ACCOUNT) -> Json:
        """A call of a JSON-RPC service, e.g. ``DynamoDBStreams_20120810.GetRecords``.

        Raises:
            AwsRefusedError: Any status but 200.
        """
        headers = {"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.0"}
        body = json.dumps(payload).encode()
        answer = await self.send(
            "POST", "/", service=service, region=region, account=account, headers=headers, body=body
        )
        if answer.status != 200:
            raise answer.refusal()
        document: Json = json.loads(answer.body or b"{}")
        return document
