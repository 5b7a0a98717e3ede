"""The signer signs as botocore's does."""

import time
from typing import Final

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from sandbox.signing import signed_headers

HOST: Final = "127.0.0.1:4566"
KEYS: Final = ("111122223333", "secret")


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/2015-03-31/functions/f/invocations?Qualifier=live",
        "/2015-03-31/functions/f%3Alive/invocations",
        "/v2/apis?maxResults=500&all",
        "/_aws/execute-api/a/s/@connections/abc%3D",
        "/x?b=2&a=1&a=0",
    ],
)
@pytest.mark.parametrize("body", [b"", b'{"a": 1}'])
def test_signature_is_botocores(path: str, body: bytes) -> None:
    """For paths that are encoded, and queries in any order."""
    request = AWSRequest("POST", f"http://{HOST}{path}", data=body)
    while True:  # both within one second
        ours = signed_headers("POST", HOST, path, body, service="lambda", region="eu-central-1", keys=KEYS)
        SigV4Auth(Credentials(*KEYS), "lambda", "eu-central-1").add_auth(request)
        if request.headers["X-Amz-Date"] == ours["X-Amz-Date"]:
            break
        time.sleep(0)
        request = AWSRequest("POST", f"http://{HOST}{path}", data=body)
    assert request.headers["Authorization"] == ours["Authorization"]
