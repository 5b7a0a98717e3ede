"""Reads the credential scope of a signed request."""

import re

from multidict import MultiMapping

from sandbox.aws import DEFAULT_REGION

_SCOPE = re.compile(r"Credential=[^/,]+/\d{8}/(?P<region>[^/]+)/[^/]+/aws4_request")


def region_of(headers: MultiMapping[str]) -> str:
    """The region that a request was signed for (Signature Version 4); an unsigned one gets the default."""
    match = _SCOPE.search(headers.get("Authorization", ""))
    return DEFAULT_REGION if match is None else match["region"]
