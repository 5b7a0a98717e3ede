"""JWK Sets from their issuers, over HTTPS."""

import http.client
import urllib.request
from typing import Any, Final

from trebuche.auth.keys import PublishedKey, read_key_set
from trebuche.documents import loads
from trebuche.errors import CredentialsError, MalformedError, ServiceError

TIMEOUT_SECONDS: Final = 3.0
LONGEST_BYTES: Final = 262_144


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Keys come from the address that the configuration names, not from where it points to."""

    def redirect_request(self, *_: Any) -> None:
        return None


_OPENER: Final = urllib.request.build_opener(_NoRedirects)


def fetch_key_set(url: str) -> tuple[PublishedKey, ...]:
    """The keys that an issuer publishes now.

    Raises:
        ServiceError: It does not answer, or with something else.
    """
    try:
        with _OPENER.open(url, timeout=TIMEOUT_SECONDS) as answer:
            content = answer.read(LONGEST_BYTES + 1)
        return read_key_set(loads(content, limit_bytes=LONGEST_BYTES))
    except (OSError, http.client.HTTPException, MalformedError, CredentialsError) as error:
        raise ServiceError(f"the key set at {url} cannot be used: {error}") from error
