"""What is no request is answered as AWS would, and leaves no traceback; no emulator is asked for that."""

import asyncio
import json
import logging
from urllib.parse import urlsplit

import pytest

from tests.support.front import turnable_front

NOBODY = "http://127.0.0.1:9"
HOST = b"Host: localhost\r\n"


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET / HTTP/1.1\r\n" + HOST + b"X-Long: " + b"x" * 70_000 + b"\r\n\r\n",
        b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET / HTTP/1.1\r\n" + HOST + b"no colon\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + HOST + b"Content-Length: -1\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET http://localhost/ HTTP/1.1\r\n" + HOST + b"\r\n",
        b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    ],
    ids=["long header", "long path", "no header", "negative length", "no host", "whole URL", "asterisk", "TLS"],
)
def test_what_is_no_request_is_a_bad_request(request_bytes: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """400 with an error document, and the connection ends."""

    async def main() -> tuple[bytes, bytes]:
        async with turnable_front(NOBODY) as front:
            reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(front.endpoint).port)
            writer.write(request_bytes)
            answer = await asyncio.wait_for(reader.read(), 20)
            writer.close()
        head, _, body = answer.partition(b"\r\n\r\n")
        return head, body

    with caplog.at_level(logging.INFO):
        head, body = asyncio.run(main())
    assert head.startswith(b"HTTP/1.1 400 ") or head.startswith(b"HTTP/1.0 400 ")
    assert b"x-amzn-ErrorType: BadRequestException" in head
    assert json.loads(body) == {"message": "Bad Request"}
    assert caplog.records == []
