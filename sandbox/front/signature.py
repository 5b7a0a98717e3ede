"""Reads the scope of a signed request: who signed it, for which region and service."""

import re
from dataclasses import dataclass

from multidict import MultiMapping

from sandbox.aws import DEFAULT_REGION

_SCOPE = re.compile(r"Credential=(?P<key>[^/,]+)/\d{8}/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request")


@dataclass(frozen=True, slots=True)
class Scope:
    """The credential scope of Signature Version 4."""

    access_key: str | None
    region: str
    service: str | None


def scope_of(headers: MultiMapping[str]) -> Scope:
    """The scope of a request; an unsigned one is for nobody, in the default region."""
    match = _SCOPE.search(headers.get("Authorization", ""))
    if match is None:
        return Scope(None, DEFAULT_REGION, None)
    return Scope(match["key"], match["region"], match["service"])
