"""Answers of HTTP/1.1 servers, read as far as AWS's are of interest: status, a few headers, the body."""

import re
from dataclasses import replace
from functools import cache
from typing import Final

from trebuche.immutable import immutable

HEAD_LIMIT: Final = 65_536
_NO_CONTENT: Final = 204
_END_OF_HEAD: Final = b"\r\n\r\n"


class BrokenAnswerError(ConnectionError):
    """The peer closed before its answer was complete, or spoke no HTTP."""


class UnansweredError(BrokenAnswerError):
    """The peer closed without a byte of an answer, as it does with a connection that it found idle for too long."""


@immutable
class Answer:
    """What came back; most of it is never looked at."""

    status: int
    head: str
    body: bytes

    def header(self, name: str) -> str:
        """What a header says; empty without it."""
        found = _header(name).search(self.head)
        return found[1].strip() if found else ""


def read_answer(data: bytes, *, ended: bool) -> Answer | None:
    """The answer in what came so far; None when more has to come, which it cannot when the connection has ended.

    Raises:
        BrokenAnswerError: It ends too early, or is no HTTP.
    """
    if ended and not data:
        raise UnansweredError("the peer closed the connection")
    try:
        return _read(data, ended=ended)
    except ValueError as error:
        raise BrokenAnswerError(f"no HTTP: {error}") from error


def _read(data: bytes, *, ended: bool) -> Answer | None:
    head, separator, rest = data.partition(_END_OF_HEAD)
    if separator:
        answer = Answer(_status(head), head.decode("latin-1"), b"")
        body = _read_body(answer, rest, ended=ended)
        if body is not None:
            return replace(answer, body=body) if body else answer
    if ended or len(data) - len(rest) > HEAD_LIMIT:
        raise BrokenAnswerError(f"the answer ends after {len(data)} bytes, or its head does not")
    return None


def _status(head: bytes) -> int:
    if not head.startswith(b"HTTP/1."):
        raise BrokenAnswerError(f"no HTTP: {head[:64]!r}")
    return int(head[9:12])


def _read_body(answer: Answer, rest: bytes, *, ended: bool) -> bytes | None:
    if answer.status == _NO_CONTENT:
        return b""
    if length := answer.header("content-length"):
        return rest[: int(length)] if len(rest) >= int(length) else None
    if answer.header("transfer-encoding").lower() == "chunked":
        return _join_chunks(rest)
    return rest if ended else None  # up to where the peer closes


def _join_chunks(rest: bytes) -> bytes | None:
    chunks: list[bytes] = []
    at = 0
    while (end := rest.find(b"\r\n", at)) >= 0:
        size = int(rest[at:end].partition(b";")[0], 16)
        if not size:
            # After the last one a trailer may come, which says nothing here.
            return b"".join(chunks) if rest.find(_END_OF_HEAD, end) >= 0 else None
        at = end + 2 + size + 2
        chunks.append(rest[end + 2 : at - 2])
    return None


@cache
def _header(name: str) -> re.Pattern[str]:
    return re.compile(rf"\r\n{name}:([^\r]*)", re.IGNORECASE)
