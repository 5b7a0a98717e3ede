"""One request to CloudWatch and its answer, in the protocol in which it came."""

import gzip
import json
import re
import zlib
from datetime import UTC, datetime
from typing import Any, Final

from aiohttp import web

from sandbox.aws import Answer, Json
from sandbox.front.signature import Owner
from sandbox.telemetry import cbor

# Of CloudWatch's protocols botocore speaks this one first (from 1.43 on).
CBOR_PATH: Final = re.compile(r"/service/GraniteServiceVersion20100801/operation/(?P<operation>\w+)/?")


class Exchange:
    """One request; it is answered in CBOR or in JSON."""

    def __init__(self, request: web.BaseRequest, body: bytes, operation: str, owner: Owner) -> None:
        self.request = request
        self.body = body
        self.operation = operation
        self.owner = owner
        self._cbor = CBOR_PATH.fullmatch(request.path) is not None
        # SDKs compress what is long (botocore from 10 KB on).
        self._compressed = request.headers.get("Content-Encoding", "") == "gzip"
        self.document = self._parse(self._unpack(body))

    @property
    def given(self) -> Json:
        """The request's members."""
        return self.document or {}

    def read(self, answer: Answer) -> Json | None:
        """The members of an answer."""
        return self._parse(answer.body)

    def pack(self, document: object) -> bytes:
        """A document as the request's own was sent."""
        content = self.write(document)
        return gzip.compress(content) if self._compressed else content

    def write(self, document: object) -> bytes:
        """A document in the protocol's encoding."""
        return cbor.dumps(document) if self._cbor else json.dumps(document, default=_seconds).encode()

    def time(self, seconds: float) -> datetime | float:
        """A time as the protocol writes it."""
        return datetime.fromtimestamp(seconds, UTC) if self._cbor else seconds

    def answer(self, document: Json) -> web.Response:
        """A successful answer."""
        if self._cbor:
            headers = {"smithy-protocol": "rpc-v2-cbor"}
            return web.Response(body=self.write(document), content_type="application/cbor", headers=headers)
        return web.Response(body=self.write(document), content_type="application/x-amz-json-1.0")

    def refuse(self, code: str, text: str) -> web.Response:
        """An error that is the caller's."""
        document = {"__type": code, "message": text}
        if self._cbor:
            # SDKs take the code from this header: the service once spoke the query protocol.
            headers = {"smithy-protocol": "rpc-v2-cbor", "x-amzn-query-error": f"{code};Sender"}
            body = self.write(document)
            return web.Response(status=400, body=body, content_type="application/cbor", headers=headers)
        return web.Response(status=400, body=self.write(document), content_type="application/x-amz-json-1.0")

    def _unpack(self, body: bytes) -> bytes:
        try:
            return gzip.decompress(body) if self._compressed else body
        except (OSError, EOFError, zlib.error):
            return body  # no more readable than it came

    def _parse(self, body: bytes) -> Json | None:
        try:
            document: Any = (cbor.loads(body) if self._cbor else json.loads(body)) if body else {}
        except ValueError:
            return None
        return document if isinstance(document, dict) else None


def _seconds(value: object) -> float:
    if isinstance(value, datetime):
        return value.timestamp()
    raise TypeError(f"{type(value).__name__} has no JSON")
