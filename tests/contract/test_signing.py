"""Signatures of our own, held against botocore's."""

from calendar import timegm
from time import strptime
from urllib.parse import quote

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from tests.support.signers import FIXED, signed_by_botocore
from trebuche.adapters.signing import Signer

HOST = "abc123.execute-api.us-east-1.amazonaws.com"
IDS = st.text(min_size=1).filter(lambda text: text.strip("."))
"""Of connections: any characters, but no names of folders."""
WHO = st.builds(
    Credentials,
    st.text("ABC123", min_size=1),
    st.text(st.characters(codec="utf-8"), min_size=1),
    st.none() | st.text("abc/+=", min_size=1),
)


def headers(head: str) -> dict[str, str]:
    """The headers of a request, by names in small letters."""
    pairs = (line.partition(": ") for line in head.split("\r\n")[1:-1])
    return {name.lower(): value for name, _, value in pairs}


def assert_signed_alike(signer: Signer, path: str, body: bytes, who: Credentials) -> None:
    """What we send is what botocore sends at the same second."""
    expected = signed_by_botocore(f"https://{HOST}{path}", body, who)
    moment = timegm(strptime(expected["x-amz-date"], "%Y%m%dT%H%M%SZ"))
    ours = headers(signer.head("POST", path, body, moment + 0.999))
    assert ours.pop("host") == HOST
    assert ours == expected


@given(st.lists(st.tuples(IDS, st.binary(max_size=64), WHO), min_size=1, max_size=5))
def test_every_request_is_signed_as_botocore_signs_it(requests: list[tuple[str, bytes, Credentials]]) -> None:
    """Odd ids, any body, with and without session token, credentials that change from request to request."""
    current = FIXED
    signer = Signer(lambda: current, "us-east-1", "execute-api", HOST)
    for connection_id, body, current in requests:
        assert_signed_alike(signer, f"/production/@connections/{quote(connection_id, safe='~')}", body, current)


@given(st.binary(max_size=64), WHO, st.sampled_from(["GetItem", "Query"]))
def test_further_headers_are_signed_as_botocore_signs_them(body: bytes, who: Credentials, operation: str) -> None:
    """Those that say what a service is asked for."""
    more = (("content-type", "application/x-amz-json-1.0"), ("x-amz-target", f"DynamoDB_20120810.{operation}"))
    request = AWSRequest("POST", f"https://{HOST}/", data=body, headers=dict(more))
    SigV4Auth(who, "dynamodb", "us-east-1").add_auth(request)
    expected = {name.lower(): str(value) for name, value in request.headers.items()}
    moment = timegm(strptime(expected["x-amz-date"], "%Y%m%dT%H%M%SZ"))
    ours = headers(Signer(lambda: who, "us-east-1", "dynamodb", HOST).head("POST", "/", body, moment, more))
    assert ours.pop("host") == HOST
    assert ours == expected


def test_the_key_changes_with_the_day() -> None:
    """It is kept for the day of the request, not of the first one."""
    fresh, kept = (Signer(lambda: FIXED, "us-east-1", "execute-api", HOST) for _ in range(2))
    for now in (86_399.0, 86_400.0, 86_399.0):
        kept.head("POST", "/", b"", now)
    assert kept.head("POST", "/", b"", 86_400.0) == fresh.head("POST", "/", b"", 86_400.0)
    assert "19700102/" in kept.head("POST", "/", b"", 86_400.0)
