"""Signature Version 4 for requests to one service, as the AWS reference "Create a signed AWS API request" has it.

botocore's signer makes a request object, sorts its headers and derives the key anew for every request; a fan-out signs
thousands of requests that differ in path and body only.
"""

import hashlib
import hmac
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Final, Protocol
from urllib.parse import quote

ALGORITHM: Final = "AWS4-HMAC-SHA256"


class Credentials(Protocol):
    """Who signs; ``token`` is there for temporary credentials, which a function's are."""

    @property
    def access_key(self) -> str:
        """Its public name."""

    @property
    def secret_key(self) -> str:
        """What is never sent."""

    @property
    def token(self) -> str | None:
        """Sent with each request."""


class Signer:
    """Signs requests of one service and region to one host.

    Args:
        credentials: Asked for each request: temporary ones are replaced before they expire.
        region: Such as ``eu-central-1``.
        service: Signing name, such as ``execute-api``.
        host: As in the request's ``Host`` header.
    """

    def __init__(self, credentials: Callable[[], Credentials], region: str, service: str, host: str) -> None:
        self._credentials = credentials
        self._region = region
        self._service = service
        self._host = host
        # One value, replaced as a whole: threads sign at the same time.
        self._cached: tuple[tuple[str, str], bytes] = ("", ""), b""

    def head(self, method: str, path: str, body: bytes, now: float, more: tuple[tuple[str, str], ...] = ()) -> str:
        """The request's first line and its signed headers, each with its line end.

        Args:
            method: Such as ``POST``.
            path: As it is sent, percent-encoded; without a query.
            body: Of the request.
            now: Seconds since 1970; AWS refuses what is more than five minutes off.
            more: Further headers, with names in small letters.
        """
        who = self._credentials()
        stamp = _stamp(int(now))
        scope = f"{stamp[:8]}/{self._region}/{self._service}/aws4_request"
        fields, signed, lines = _headers(self._host, stamp, who.token, more)
        request = f"{method}\n{_canonical(path)}\n\n{fields}\n{signed}\n{hashlib.sha256(body).hexdigest()}"
        text = f"{ALGORITHM}\n{stamp}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
        signature = hmac.digest(self._key(who.secret_key, stamp[:8]), text.encode(), "sha256").hex()
        return (
            f"{method} {path} HTTP/1.1\r\n{lines}"
            f"Authorization: {ALGORITHM} Credential={who.access_key}/{scope}, "
            f"SignedHeaders={signed}, Signature={signature}\r\n"
        )

    def _key(self, secret: str, day: str) -> bytes:
        """The signing key, which changes with the day and the credentials only."""
        cached, key = self._cached
        if cached != (secret, day):
            key = f"AWS4{secret}".encode()
            for part in (day, self._region, self._service, "aws4_request"):
                key = hmac.digest(key, part.encode(), "sha256")
            self._cached = (secret, day), key
        return key


@lru_cache(maxsize=2)
def _stamp(now: int) -> str:
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))


@lru_cache(maxsize=16)
def _headers(host: str, stamp: str, token: str | None, more: tuple[tuple[str, str], ...]) -> tuple[str, str, str]:
    """Those that are signed, the same for all requests of a second: as they are signed, by name, as they are sent."""
    pairs = [("host", host), ("x-amz-date", stamp), *more]
    if token:
        pairs.append(("x-amz-security-token", token))
    pairs.sort()
    fields = "".join(f"{name}:{value}\n" for name, value in pairs)
    return fields, ";".join(name for name, _ in pairs), "".join(f"{name}: {value}\r\n" for name, value in pairs)


@lru_cache(maxsize=4096)
def _canonical(path: str) -> str:
    """Every service but S3 wants the path encoded once more than it is sent."""
    return quote(path, safe="/~")
