"""HTTP/1.1 for callers that wait, over connections that stay open, plain and encrypted."""

import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from bench.fan_out.management_api import make_certificate
from tests.support.scripted_api import OK, ScriptedApi, scripted_api
from trebuche.adapters.blocking_http import BlockingHttp
from trebuche.adapters.http_answers import BrokenAnswerError
from trebuche.adapters.trust import Tls

GET = b"GET / HTTP/1.1\r\n\r\n"
CLOSING = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc"
BUNDLES = ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE")
AMAZONS = 5
"""Roots of AWS's services: https://www.amazontrust.com/repository/."""


@pytest.fixture(autouse=True)
def own_list(monkeypatch: pytest.MonkeyPatch) -> None:
    """What botocore brings along, whatever this machine trusts."""
    for name in BUNDLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def api() -> Iterator[ScriptedApi]:
    """A server that answers what it is told to."""
    with scripted_api() as serving:
        yield serving


def to(api: ScriptedApi, tls: Tls | None = None) -> BlockingHttp:
    """Connections to it."""
    parts = urlsplit(api.endpoint)
    return BlockingHttp(str(parts.hostname), int(parts.port or 0), tls, answer_seconds=5)


def test_a_connection_serves_the_next_request(api: ScriptedApi) -> None:
    """Also when an answer comes in pieces."""
    http = to(api)
    api.answers = [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"]
    assert [http.exchange(GET).body, http.exchange(GET).status] == [b"abc", 200]
    assert api.connections == 1


def test_a_long_answer_is_read_to_its_end(api: ScriptedApi) -> None:
    """A page of DynamoDB's has up to 1 MB."""
    body = b"x" * 1_000_000
    api.answers = [b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + body]
    assert to(api).exchange(GET).body == body


def test_a_connection_that_its_server_closed_is_not_used_again(api: ScriptedApi) -> None:
    """Whether it said so, or just did it while nobody looked."""
    http = to(api)
    api.answers = [CLOSING, OK]
    assert http.exchange(GET).body == b"abc"
    assert http.exchange(GET).status == 200
    (connection, _), *_ = http._idle
    connection.shutdown(socket.SHUT_RD)
    assert http.exchange(GET).status == 200
    assert api.connections == 3


def test_forgotten_connections_are_not_used_again(api: ScriptedApi) -> None:
    """After a snapshot was restored they are somebody else's."""
    http = to(api)
    http.exchange(GET)
    http.forget()
    http.exchange(GET)
    assert api.connections == 2


@pytest.mark.parametrize("answer", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", CLOSING[:-1]])
def test_no_whole_answer_is_a_failure(api: ScriptedApi, answer: bytes) -> None:
    """Sent once: it may have been carried out."""
    api.answers = [answer]
    with pytest.raises(BrokenAnswerError):
        to(api).exchange(GET)
    assert len(api.requests) == 1


def test_an_answer_that_does_not_come_is_not_waited_for() -> None:
    """A server that accepts and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        http = BlockingHttp("127.0.0.1", server.getsockname()[1], None, answer_seconds=0.05)
        with pytest.raises(TimeoutError):
            http.exchange(GET)


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A server's, with its key."""
    path = tmp_path / "own.pem"
    make_certificate(path)
    return path


def listed(folder: Path, *certificates: tuple[str, Path]) -> str:
    """A list of roots as botocore has it, by name."""
    path = folder / "list.pem"
    path.write_text("".join(f'# Label: "{name}"\n# Serial: 1\n{one.read_text()}' for name, one in certificates))
    return str(path)


@pytest.mark.parametrize("name", ["Amazon Root CA 1", "Somebody else"])
def test_a_list_of_one_s_own_is_trusted(certificate: Path, tmp_path: Path, name: str) -> None:
    """With the first connection, whether or not it has Amazon's."""
    tls = Tls(listed(tmp_path, (name, certificate)))
    with scripted_api(certificate) as api:
        assert to(api, tls).exchange(GET).status == 200


def test_a_root_further_down_the_list_is_trusted_too(certificate: Path, tmp_path: Path) -> None:
    """The first ones are those of AWS's services; a host that has another is met a second time."""
    amazons = tmp_path / "amazons.pem"
    amazons.write_text(Tls()._first_roots())
    tls = Tls(listed(tmp_path, ("Amazon Root CA 1", amazons), ("Somebody else", certificate)))
    assert len(tls.context().get_ca_certs()) == AMAZONS
    with scripted_api(certificate) as api:
        assert to(api, tls).exchange(GET).status == 200
    assert len(tls.context().get_ca_certs()) == AMAZONS + 1


def test_what_is_not_on_the_list_is_not_trusted(certificate: Path) -> None:
    """Nothing is sent to it."""
    with scripted_api(certificate) as api:
        with pytest.raises(ssl.SSLCertVerificationError):
            to(api, Tls()).exchange(GET)
        assert not api.requests


def test_amazon_s_roots_come_first_of_botocore_s_list() -> None:
    """All of it takes ten times as long to load."""
    owners = [str(one["subject"]) for one in Tls().context().get_ca_certs()]
    assert len(owners) == AMAZONS
    assert all("Amazon Root CA" in owner or "Starfield Services" in owner for owner in owners)


@pytest.mark.parametrize("name", BUNDLES)
def test_the_bundle_that_a_variable_names_is_what_is_trusted(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Those that botocore reads."""
    monkeypatch.setenv(name, "/somewhere/bundle.pem")
    assert Tls().authorities == "/somewhere/bundle.pem"
