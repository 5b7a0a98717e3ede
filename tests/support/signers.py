"""Credentials, and botocore's own signature to hold others against."""

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

FIXED = Credentials("AKIAEXAMPLE", "secret", None)
"""Of nobody."""


def signed_by_botocore(url: str, body: bytes, credentials: Credentials) -> dict[str, str]:
    """The headers that botocore sends with a post to ``execute-api`` in ``us-east-1``."""
    request = AWSRequest("POST", url, data=body)
    SigV4Auth(credentials, "execute-api", "us-east-1").add_auth(request)
    return {name.lower(): str(value) for name, value in request.headers.items()}
