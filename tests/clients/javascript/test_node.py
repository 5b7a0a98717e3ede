"""The JavaScript client: its own tests in node, and its type declarations."""

import asyncio
import json
import os
import re
import shutil
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Response

from tests.support.endpoint import as_data, from_data
from tests.support.javascript import PACKAGE, install, run, said


@pytest.fixture(scope="module")
def package() -> Path:
    """The package with its development dependencies."""
    install()
    return PACKAGE


def test_javascript_client_behaves(package: Path) -> None:
    """Every test of the client passes in node, and there are some."""
    files = sorted(str(file) for file in (package / "test").glob("*.test.js"))
    assert files
    done = run("node", "--test", "--test-timeout=120000", "--test-reporter=spec", *files)
    assert done.returncode == 0, said(done)


def test_type_declarations_hold(package: Path) -> None:
    """The sources keep to their declarations, a user's program compiles against them, and a wrong one does not."""
    for project in (".", "tsconfig.node.json"):
        done = run(str(package / "node_modules" / ".bin" / "tsc"), "--project", project)
        assert done.returncode == 0, said(done)


def test_shipped_files_need_nothing(package: Path) -> None:
    """What a browser loads imports only its own files, and React where that is the module's purpose.

    What only node loads, and only where it has no WebSocket, imports what node has.
    """
    sources = sorted((package / "src").glob("*.js"))
    assert sources
    for source in sources:
        text = source.read_text(encoding="utf-8")
        origins = {part.split('"')[1] for part in text.split(" from ")[1:] if part.startswith('"')}
        foreign = {origin for origin in origins if not origin.startswith("./")}
        if source.name.startswith("node_"):
            assert all(origin.startswith("node:") for origin in foreign), source.name
        else:
            assert foreign <= ({"react"} if source.name == "react.js" else set()), source.name
            assert not any(origin.startswith("./node_socket") for origin in origins), source.name


def test_bundlers_for_browsers_leave_out_what_is_for_node(package: Path) -> None:
    """The way into node's modules is cut for them (field ``browser``): they look for those files, or fail."""
    cut = json.loads((package / "package.json").read_text(encoding="utf-8"))["browser"]
    shared = [file for file in (package / "src").glob("*.js") if not file.name.startswith("node_")]
    text = "\n".join(file.read_text(encoding="utf-8") for file in shared)
    assert cut == {f"./src/{name}": False for name in re.findall(r'await import\("\./([^"]+)"\)', text)}


PROGRAM = """
import { TrebuchetClient } from "./src/index.js";

const client = new TrebuchetClient(process.argv[2]);
try {
  await client.connect({ patience: 0 });
  console.log(await client.resolve("todos").addTodo("x".repeat(50_000)));
} catch (error) {
  console.log(error.name, error.status);
}
await client.close();
"""


@pytest.fixture
def plain(package: Path, tmp_path: Path) -> Path:
    """A folder with what is shipped and a program, and no package beside it."""
    shutil.copytree(package / "src", tmp_path / "src")
    shutil.copy(package / "package.json", tmp_path)
    (tmp_path / "program.js").write_text(PROGRAM, encoding="utf-8")
    return tmp_path


@asynccontextmanager
async def secured(certificate: Path, *, refuse: bool) -> AsyncIterator[str]:
    """An endpoint with TLS that answers calls with the size of their first argument, or refuses everybody."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    async def handle(socket: ServerConnection) -> None:
        async for text in socket:
            payload = json.loads(text)["payload"]
            result = as_data(len(str(from_data(payload["arguments"][0]))))
            await socket.send(
                json.dumps({"type": "response", "payload": {"callID": payload["callID"], "result": result}})
            )

    def check(socket: ServerConnection, _request: object) -> Response | None:
        return socket.respond(HTTPStatus.FORBIDDEN, "") if refuse else None

    async with serve(handle, "127.0.0.1", 0, ssl=context, process_request=check) as server:
        yield f"wss://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}/stage"


async def node_says(plain: Path, url: str) -> str:
    """What the program prints, in a node without a WebSocket that trusts the endpoint's certificate."""
    process = await asyncio.create_subprocess_exec(
        "node", "--no-experimental-websocket", "program.js", url, cwd=plain,
        env={**os.environ, "NODE_EXTRA_CA_CERTS": str(plain / "certificate.pem")}, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, _ = await process.communicate()
    return output.decode().strip()


@pytest.mark.parametrize(("refuse", "said"), [(False, "50000"), (True, "EndpointError 403")])
def test_plain_node_needs_nothing_installed(plain: Path, *, refuse: bool, said: str) -> None:
    """Node 20 has no WebSocket: ours goes through TLS, sends more than a frame holds, and hears refusals."""
    certificate = plain / "certificate.pem"
    certificate.write_bytes(self_signed())

    async def go() -> str:
        async with secured(certificate, refuse=refuse) as url:
            return await node_says(plain, url)

    assert asyncio.run(go()) == said


def self_signed() -> bytes:
    """A certificate for this machine's own address, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    certificate = (
        builder.not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return private + certificate.public_bytes(pem)
