"""Signature Version 4 (AWS reference, "Create a signed AWS API request"), for requests that are made by the thousand.

botocore's signer takes a millisecond, most of it for a key that changes once a day and for headers that need not be
signed.
"""

import hashlib
import hmac
import time
from functools import lru_cache
from typing import Final
from urllib.parse import quote

ALGORITHM: Final = "AWS4-HMAC-SHA256"
_SIGNED: Final = "host;x-amz-date"


def signed_headers(
    method: str, host: str, path: str, body: bytes, *, service: str, region: str, keys: tuple[str, str]
) -> dict[str, str]:
    """The headers that sign a request.

    Args:
        method: HTTP method.
        host: As the request's ``Host`` will be.
        path: Path and query as they are sent, percent-encoded.
        body: Whole body.
        service: Signing name, e.g. ``lambda``.
        region: Signing region.
        keys: Access key id and secret key.
    """
    stamp = _stamp(int(time.time()))
    scope = f"{stamp[:8]}/{region}/{service}/aws4_request"
    resource, _, query = path.partition("?")
    fields = f"host:{host}\nx-amz-date:{stamp}\n"
    request = (
        f"{method}\n{_quoted(resource)}\n{_ordered(query)}\n{fields}\n{_SIGNED}\n{hashlib.sha256(body).hexdigest()}"
    )
    text = f"{ALGORITHM}\n{stamp}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    signature = hmac.digest(_key(keys[1], stamp[:8], region, service), text.encode(), "sha256").hex()
    named = f"Credential={keys[0]}/{scope}, SignedHeaders={_SIGNED}, Signature={signature}"
    return {"X-Amz-Date": stamp, "Authorization": f"{ALGORITHM} {named}"}


def _ordered(query: str) -> str:
    """By name and value; one without a value has an empty one."""
    return "&".join(sorted(part if "=" in part else f"{part}=" for part in query.split("&") if part))


@lru_cache(maxsize=2)
def _stamp(now: int) -> str:
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))


@lru_cache(maxsize=1024)
def _quoted(path: str) -> str:
    """Every service but S3 wants the path encoded once more than it is sent."""
    return quote(path, safe="/~")


@lru_cache(maxsize=256)
def _key(secret: str, day: str, region: str, service: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key
