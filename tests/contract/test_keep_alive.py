"""HTTP/1.1 over connections that stay open."""

from collections.abc import Iterator

import pytest

from tests.support.scripted_api import OK, ScriptedApi, scripted_api
from trebuche.adapters.http_answers import BrokenAnswerError
from trebuche.adapters.keep_alive import KeepAlive
from trebuche.side_by_side import complete

GET = b"GET / HTTP/1.1\r\n\r\n"


@pytest.fixture
def api() -> Iterator[ScriptedApi]:
    """A server that answers what it is told to."""
    with scripted_api() as serving:
        yield serving


@pytest.fixture
def http(api: ScriptedApi) -> KeepAlive:
    """Connections to it."""
    return KeepAlive("127.0.0.1", int(api.endpoint.split(":")[2].split("/")[0]), None)


def test_an_answer_in_chunks_is_put_together(http: KeepAlive, api: ScriptedApi) -> None:
    """With extensions and a trailer; the connection serves the next request."""
    chunks = b"3;x=1\r\nabc\r\n2\r\nde\r\n0\r\nTrailer: t\r\n\r\n"
    api.answers = [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks]
    assert complete(http.exchange(GET)).body == b"abcde"
    assert complete(http.exchange(GET)).status == 200
    assert api.connections == 1


def test_an_answer_without_length_ends_with_its_connection(http: KeepAlive, api: ScriptedApi) -> None:
    """And the next request takes a new one."""
    api.answers = [b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabc"]
    answer = complete(http.exchange(GET))
    assert (answer.status, answer.header("connection"), answer.body) == (200, "close", b"abc")
    assert complete(http.exchange(GET)).status == 200
    assert api.connections == 2


def test_a_request_that_met_a_closing_connection_is_sent_again(http: KeepAlive, api: ScriptedApi) -> None:
    """API Gateway closes idle connections when it likes."""
    api.answers = [OK, b"", OK]
    assert complete(http.exchange(GET)).status == 200
    assert complete(http.exchange(GET)).status == 200
    assert (len(api.requests), api.connections) == (3, 2)


@pytest.mark.parametrize(
    "answer",
    [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n"],
)
def test_a_new_connection_that_is_closed_or_speaks_no_http_is_a_failure(
    http: KeepAlive, api: ScriptedApi, answer: bytes
) -> None:
    """Sent once: it may have been carried out."""
    api.answers = [answer]
    with pytest.raises(BrokenAnswerError):
        complete(http.exchange(GET))
    assert len(api.requests) == 1


def test_an_answer_that_is_cut_off_is_a_failure(http: KeepAlive, api: ScriptedApi) -> None:
    """It is not sent again either, also over a connection that was used before."""
    api.answers = [OK, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\nabc"]
    complete(http.exchange(GET))
    with pytest.raises(BrokenAnswerError, match="the answer ends"):
        complete(http.exchange(GET))
    assert len(api.requests) == 2


def test_forgotten_connections_are_not_used_again(http: KeepAlive, api: ScriptedApi) -> None:
    """After a snapshot was restored they are somebody else's."""
    complete(http.exchange(GET))
    http.forget()
    complete(http.exchange(GET))
    assert api.connections == 2
