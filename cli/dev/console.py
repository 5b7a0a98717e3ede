"""Serves the console: a page on loopback that shows the shipped actors live, and any actor of one's own."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from aiohttp import web

from cli.dev.lines import Lines
from infra.interface import read_interface
from infra.plan import plan_actors
from trebuche.errors import ConfigError

_FOLDERS: Final = {"/console/": "clients/console", "/javascript/src/": "clients/javascript/src"}
"""Laid out as in the checkout, so that the page's imports are the same here and there."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Console:
    """The page's server.

    Args:
        root: The checkout.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lines = Lines()
        self._lines_address = ""
        self._runner: web.AppRunner | None = None
        self.address = ""

    async def start(self) -> None:
        """Begin to serve on a free port."""
        self._lines_address = await self._lines.start()
        self._runner = web.AppRunner(self._application(), access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.address = f"http://127.0.0.1:{self._runner.addresses[0][1]}/"
        self._lines.origins = frozenset(f"http://{host}" for host in self._hosts)

    async def stop(self) -> None:
        """Close every socket and stop listening."""
        await self._lines.stop()
        if self._runner is not None:
            await self._runner.cleanup()

    def lead_to(self, endpoint: str) -> None:
        """Have the page's sockets lead to this endpoint."""
        self._lines.endpoint = endpoint

    def _application(self) -> web.Application:
        application = web.Application(middlewares=[self._guard])
        application.router.add_get("/", _to_page)
        application.router.add_get("/console/", self._page)
        application.router.add_get("/setup.json", self._setup)
        application.router.add_get("/actors.json", self._actors)
        application.router.add_get("/lines/{line}", self._line)
        application.router.add_put("/lines/{line}", self._switch)
        for path, folder in _FOLDERS.items():
            application.router.add_static(path, self._root / folder)
        return application

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Serve this machine's browser only: not a page from elsewhere, nor a name that was made to lead here."""
        hosts = self._hosts
        origin = request.headers.get("Origin")
        if request.host not in hosts or (origin is not None and origin.removeprefix("http://") not in hosts):
            raise web.HTTPForbidden(text="The console is for pages from its own address only.\n")
        response = await handler(request)
        response.headers["Content-Security-Policy"] = (
            f"default-src 'self'; connect-src 'self' {self._lines_address.rstrip('/')}; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
        response.headers["Cache-Control"] = "no-store"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    @property
    def _hosts(self) -> tuple[str, str]:
        """Under which names this machine's browser finds the page."""
        port = self.address.rstrip("/").rsplit(":", 1)[-1]
        return f"127.0.0.1:{port}", f"localhost:{port}"

    async def _page(self, _: web.Request) -> web.StreamResponse:
        return web.FileResponse(self._root / "clients/console/index.html")

    async def _setup(self, _: web.Request) -> web.StreamResponse:
        return web.json_response({"endpoint": self._lines.endpoint, "lines": self._lines_address})

    async def _actors(self, _: web.Request) -> web.StreamResponse:
        """What can be called and observed, as the sources have it now."""
        try:
            return web.json_response(
                await asyncio.to_thread(lambda: read_interface(self._root, plan_actors(self._root)))
            )
        except ConfigError as error:
            return web.json_response({"error": str(error)}, status=409)

    async def _line(self, request: web.Request) -> web.StreamResponse:
        """How the endpoint answered a line's last handshake."""
        return web.json_response({"status": self._lines.answer(request.match_info["line"])})

    async def _switch(self, request: web.Request) -> web.StreamResponse:
        """Cut a line (``{"open": false}``) or mend it."""
        change = self._lines.mend if (await request.json())["open"] else self._lines.cut
        change(request.match_info["line"])
        return web.Response(status=204)


async def _to_page(request: web.Request) -> web.StreamResponse:
    raise web.HTTPFound(request.rel_url.with_path("/console/", keep_query=True))


@asynccontextmanager
async def serving_console(root: Path) -> AsyncIterator[Console]:
    """The console of a checkout, for as long as it is wanted."""
    console = Console(root)
    await console.start()
    try:
        yield console
    finally:
        await console.stop()
