"""Key sets from an issuer that misbehaves."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from socket import create_server

import pytest

from trebuche.adapters.key_sets import fetch_key_set
from trebuche.errors import ServiceError


@contextmanager
def issuer(answer: bytes) -> Iterator[str]:
    """The address of one that says this to its first visitor."""

    def serve() -> None:
        visitor, _ = server.accept()
        with visitor:
            visitor.recv(4096)
            visitor.sendall(answer)

    with create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/jwks.json"
        thread.join()


@pytest.mark.parametrize(
    "answer",
    [
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n20\r\n{",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]",
        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
    ],
)
def test_an_answer_that_is_none_counts_as_none(answer: bytes) -> None:
    """So that the keys which are known go on to count."""
    with issuer(answer) as address, pytest.raises(ServiceError):
        fetch_key_set(address)
