"""The console's server: what it serves and to whom, and the lines that it can cut."""

import asyncio
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedError, InvalidMessage
from websockets.typing import Origin

from cli.dev.console import Console, serving_console
from cli.dev.lines import Lines
from tests.support.endpoint import FakeEndpoint, Peer

CHECKOUT = Path(__file__).resolve().parents[2]


async def echo(peer: Peer) -> None:
    """Send back everything."""
    while True:
        await peer.send_text(str((await peer.receive())["text"]))


def said(root: Path, path: str, **request: Any) -> tuple[int, str]:
    """What the console of a checkout answers: status and text."""
    return answered(root, path, **request)[:2]


def answered(root: Path, path: str, **request: Any) -> tuple[int, str, Mapping[str, str]]:
    """The same with the headers."""

    async def ask(console: Console) -> tuple[int, str, Mapping[str, str]]:
        async with (
            aiohttp.ClientSession() as session,
            session.request(request.pop("method", "GET"), console.address.rstrip("/") + path, **request) as answer,
        ):
            return answer.status, await answer.text(), answer.headers

    async def run() -> tuple[int, str, Mapping[str, str]]:
        async with serving_console(root) as console:
            return await ask(console)

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/", "<h1>Trebuche console</h1>"),
        ("/console/main.js", "import"),
        ("/javascript/src/index.js", "TrebuchetClient"),
        ("/actors.json", '"addTodo"'),
    ],
)
def test_page_and_its_parts_are_served(path: str, text: str) -> None:
    """The page, its modules, our client as it is in the checkout, and what the actors are."""
    status, body = said(CHECKOUT, path)
    assert status == 200
    assert text in body


def test_query_of_the_address_reaches_the_page() -> None:
    """The page reads from it which list and room it shows."""
    status, _, headers = answered(CHECKOUT, "/?key=groceries", allow_redirects=False)
    assert status == 302
    assert headers["Location"] == "/console/?key=groceries"


def test_nothing_else_of_the_checkout_is_served() -> None:
    """A path that climbs out of the page's folders finds nothing."""
    assert said(CHECKOUT, "/console/%2e%2e/%2e%2e/pyproject.toml")[0] in (403, 404)
    assert said(CHECKOUT, "/javascript/package.json")[0] == 404


@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"Origin": "https://evil.example"}])
def test_other_sites_are_refused(headers: dict[str, str]) -> None:
    """Neither a page from elsewhere nor a name that was made to lead to loopback gets an answer."""
    status, body = said(CHECKOUT, "/lines/ada", method="PUT", json={"open": False}, headers=headers)
    assert (status, body) == (403, "The console is for pages from its own address only.\n")


def test_unreadable_sources_are_told(tmp_path: Path) -> None:
    """A mistake in an actor's file is an answer, with file and line."""
    for part in ("clients", "lambda_src", "trebuche.yaml"):
        (tmp_path / part).parent.mkdir(exist_ok=True)
        if (CHECKOUT / part).is_dir():
            shutil.copytree(CHECKOUT / part, tmp_path / part, ignore=shutil.ignore_patterns("node_modules"))
        else:
            shutil.copy2(CHECKOUT / part, tmp_path / part)
    (tmp_path / "lambda_src/actors/oops.py").write_text("class Oops(")
    status, body = said(tmp_path, "/actors.json")
    assert status == 409
    assert "lambda_src/actors/oops.py:1: not valid Python" in body


def test_line_passes_everything_on(serving: Any) -> None:
    """The endpoint's path is put in for the line's name; the query and both directions pass unchanged."""
    endpoint: FakeEndpoint = serving(echo)

    async def run() -> str:
        lines = Lines()
        lines.endpoint = endpoint.url
        address = await lines.start()
        try:
            async with connect(f"{address}ada?token=secret", proxy=None) as socket:
                await socket.send('{"text": "hello"}')
                return str(await socket.recv())
        finally:
            await lines.stop()

    assert asyncio.run(run()) == "hello"


def test_cut_line_is_broken_until_it_is_mended(serving: Any) -> None:
    """A cut is no closing handshake, spares other lines, and lets no new socket through before it is mended."""
    endpoint: FakeEndpoint = serving(echo)

    async def run() -> None:
        lines = Lines()
        lines.endpoint = endpoint.url
        address = await lines.start()
        try:
            ada, grace = await connect(f"{address}ada", proxy=None), await connect(f"{address}grace", proxy=None)
            lines.cut("ada")
            with pytest.raises(ConnectionClosedError) as cut:
                await ada.recv()
            assert cut.value.rcvd is None
            with pytest.raises((InvalidMessage, ConnectionResetError)):
                await connect(f"{address}ada", proxy=None)
            await grace.send('{"text": "still here"}')
            assert await grace.recv() == "still here"

            lines.mend("ada")
            async with connect(f"{address}ada", proxy=None) as again:
                await again.send('{"text": "back"}')
                assert await again.recv() == "back"
            await grace.close()
        finally:
            await lines.stop()

    asyncio.run(run())


@pytest.mark.parametrize(("origin", "passes"), [("http://127.0.0.1:1", True), ("https://evil.example", False)])
def test_line_is_for_the_consoles_own_page(serving: Any, origin: str, passes: bool) -> None:
    """Browsers let any page open a socket to loopback; what comes without an origin is no page."""
    endpoint: FakeEndpoint = serving(echo)

    async def run() -> bool:
        lines = Lines()
        lines.endpoint, lines.origins = endpoint.url, frozenset({"http://127.0.0.1:1"})
        address = await lines.start()
        try:
            async with (
                connect(f"{address}ada", proxy=None),
                connect(f"{address}ada", proxy=None, origin=Origin(origin)),
            ):
                return True
        except (InvalidMessage, ConnectionResetError):
            return False
        finally:
            await lines.stop()

    assert asyncio.run(run()) is passes
