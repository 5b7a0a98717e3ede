"""A service on loopback that answers what a test tells it to, such as a stage's ``@connections``."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BufferedReader
from pathlib import Path

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


def error(status: int, code: str, message: str) -> bytes:
    """An answer as AWS writes it."""
    body = f'{{"message": "{message}", "requestId": "r-1"}}'.encode()
    head = f"HTTP/1.1 {status} X\r\nx-amzn-ErrorType: {code}:\r\nx-amzn-RequestId: r-1\r\nContent-Length: {len(body)}"
    return f"{head}\r\n\r\n".encode() + body


@dataclass
class ScriptedApi:
    """What to answer, in order (an empty answer closes the connection, as does one to ``Connection: close``).

    Attributes:
        answers: Those that are left; after them everything is answered with 200.
        requests: First line and body of what came, in order.
        heads: The headers of the same, by names in small letters.
        connections: How many were opened.
    """

    endpoint: str
    answers: list[bytes] = field(default_factory=list)
    requests: list[tuple[str, bytes]] = field(default_factory=list)
    heads: list[dict[str, str]] = field(default_factory=list)
    connections: int = 0

    def serve(self, opened: socket.socket) -> None:
        """Answer requests of one connection until it ends."""
        self.connections += 1
        with opened, opened.makefile("rb") as reader:
            while (request := _read_request(reader)) is not None:
                first, headers, body = request
                self.requests.append((first, body))
                self.heads.append(headers)
                answer = self.answers.pop(0) if self.answers else OK
                opened.sendall(answer)
                if not answer or b"Connection: close" in answer:
                    return


def _read_request(reader: BufferedReader) -> tuple[str, dict[str, str], bytes] | None:
    first = reader.readline().decode().strip()
    if not first:
        return None
    headers: dict[str, str] = {}
    while line := reader.readline().decode().strip():
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    return first, headers, reader.read(int(headers.get("content-length", 0)))


@contextmanager
def scripted_api(certificate: Path | None = None) -> Iterator[ScriptedApi]:
    """One that listens on a free port, over TLS if it has a certificate (with its key)."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    if certificate:
        context.load_cert_chain(certificate)
    with socket.create_server(("127.0.0.1", 0)) as server:
        protocol = "https" if certificate else "http"
        api = ScriptedApi(f"{protocol}://127.0.0.1:{server.getsockname()[1]}/production")

        def accept() -> None:
            while True:
                try:
                    opened, _ = server.accept()
                    if certificate:
                        opened = context.wrap_socket(opened, server_side=True)
                except ssl.SSLError:  # the client does not trust the certificate
                    continue
                except OSError:
                    return
                threading.Thread(target=api.serve, args=(opened,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        try:
            yield api
        finally:
            server.shutdown(socket.SHUT_RDWR)
