"""``python -m bench.management_api``: an ``@connections`` over TLS on loopback that trusts nobody.

It checks each request's signature with botocore's signer, refuses a share of the posts with 429, lets some connections
be gone after some frames, and keeps what it let through. Its first line says where it listens; a line on its standard
input asks for what each connection got.
"""

import asyncio
import hashlib
import json
import random
import ssl
import sys
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

import click
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

CREDENTIALS: Final = Credentials("AKIAEXAMPLE", "secret", "token+/=")
REGION: Final = "us-east-1"
THROTTLED: Final = b'{"message": "Too Many Requests"}'
GONE: Final = b'{"message": "Gone"}'
FORBIDDEN: Final = b'{"message": "The request signature we calculated does not match"}'


def make_certificate(path: Path) -> None:
    """Write a certificate for 127.0.0.1 that signs itself, valid for a day, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + secret)


class _Checked(SigV4Auth):
    """botocore's signer, for a request that somebody else signed: with its time and its headers."""

    def headers_to_sign(self, request: AWSRequest) -> Any:
        signed = request.headers["Authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
        return AWSRequest(headers={name: request.headers[name] for name in signed}).headers


def is_signed(method: str, url: str, headers: dict[str, str], body: bytes) -> bool:
    """Whether a request is signed by the one who has ``CREDENTIALS``, over host, time and token."""
    given = headers.get("authorization", "")
    covered = given.partition("SignedHeaders=")[2].partition(",")[0].split(";")
    if not {"host", "x-amz-date", "x-amz-security-token"} <= set(covered):
        return False
    request = AWSRequest(method, url, headers={name.title(): value for name, value in headers.items()}, data=body)
    request.context["timestamp"] = headers["x-amz-date"]
    signer = _Checked(CREDENTIALS, "execute-api", REGION)
    canonical = signer.canonical_request(request)
    signature = signer.signature(signer.string_to_sign(request, canonical), request)
    return given.endswith(
        f"Credential={signer.scope(request)}, SignedHeaders={';'.join(covered)}, Signature={signature}"
    )


class Stage:
    """What connections got.

    Args:
        throttled: Share of posts that are refused with 429; the next one to the same connection is not.
        gone: Share of connections that are gone after two frames.
    """

    def __init__(self, throttled: float, gone: float) -> None:
        self._chance = random.Random(1)
        self._throttled = throttled
        self._gone = gone
        self._just_refused: set[str] = set()
        self.got: dict[str, list[str]] = {}
        self.refused = {"429": 0, "410": 0, "403": 0}

    def dies(self, connection_id: str) -> bool:
        """Whether a connection is one of those that are gone after two frames; always the same."""
        return hashlib.sha256(connection_id.encode()).digest()[0] < 256 * self._gone

    def post(self, url: str, headers: dict[str, str], body: bytes) -> tuple[int, str, bytes]:
        """Status, error and body of the answer to a post."""
        if not is_signed("POST", url, headers, body):
            self.refused["403"] += 1
            return 403, "InvalidSignatureException", FORBIDDEN
        connection_id = unquote(url.rpartition("/")[2])
        # Who is refused again and again is left to a worker, of which there is none here.
        if connection_id not in self._just_refused and self._chance.random() < self._throttled:
            self._just_refused.add(connection_id)
            self.refused["429"] += 1
            return 429, "LimitExceededException", THROTTLED
        self._just_refused.discard(connection_id)
        got = self.got.setdefault(connection_id, [])
        if len(got) == 2 and self.dies(connection_id):
            self.refused["410"] += 1
            return 410, "GoneException", GONE
        got.append(hashlib.sha256(body).hexdigest())
        return 200, "", b""


async def serve(stage: Stage, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer the requests of one connection."""
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = dict(_field(line) for line in head[1:-2])
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            url = f"https://{headers['host']}{head[0].split(' ')[1]}"
            status, code, answer = stage.post(url, headers, body)
            error = f"x-amzn-ErrorType: {code}\r\n" if code else ""
            writer.write(
                f"HTTP/1.1 {status} X\r\nDate: Mon, 23 Nov 2026 16:00:00 GMT\r\nContent-Type: application/json\r\n"
                "Connection: keep-alive\r\nx-amzn-RequestId: 00000000-0000-0000-0000-000000000000\r\n"
                f"{error}Content-Length: {len(answer)}\r\n\r\n".encode()
                + answer
            )
            await writer.drain()
    except (asyncio.CancelledError, asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
        writer.close()


def _field(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name.lower(), value.strip()


async def run(stage: Stage, certificate: Path) -> None:
    """Serve until the standard input ends; each line of it is answered with what was let through since the last."""
    make_certificate(certificate)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    server = await asyncio.start_server(lambda *pair: serve(stage, *pair), "127.0.0.1", 0, ssl=context, backlog=256)
    async with server:
        print(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/production", flush=True)
        while await asyncio.to_thread(sys.stdin.readline):
            print(json.dumps({"got": stage.got, "refused": stage.refused}), flush=True)
            stage.got, stage.refused = {}, dict.fromkeys(stage.refused, 0)


@click.command()
@click.argument("certificate", type=click.Path(path_type=Path))
@click.option("--throttled", default=0.02, help="Share of posts that are answered with 429.")
@click.option("--gone", default=0.05, help="Share of connections that are gone after two frames.")
def main(certificate: Path, throttled: float, gone: float) -> None:
    """Serve a stage; its certificate is written to CERTIFICATE."""
    asyncio.run(run(Stage(throttled, gone), certificate))


if __name__ == "__main__":
    main()
