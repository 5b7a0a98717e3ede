"""``/_sandbox/…``: what AWS does not have, for tests and people: the clock, and faults on demand.

Only programs on this machine reach it, like everything on the loopback interface; nothing in it is signed.
"""

import json
import math
from typing import Final

from aiohttp import web

from sandbox.aws import Json
from sandbox.clock import Clock

CONTROL_PATH: Final = "/_sandbox/"
LONGEST_TURN_SECONDS: Final = 366 * 86_400.0


class ControlError(Exception):
    """A request that cannot be done; the text says why."""


class ControlApi:
    """Serves the sandbox's own paths.

    Args:
        clock: Shown and turned.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def handle(self, request: web.BaseRequest, path: str) -> web.Response:
        """Answer one request with JSON; what is wrong is said in ``message``."""
        try:
            return _json(200, await self._answer(request.method, path, await request.content.read()))
        except ControlError as error:
            return _json(400, {"message": str(error)})

    async def _answer(self, method: str, path: str, body: bytes) -> Json:
        if path.partition("?")[0] != f"{CONTROL_PATH}clock" or method not in ("GET", "POST"):
            raise ControlError(f"The sandbox has no {method} {path}; it has GET and POST /_sandbox/clock.")
        if method == "POST":
            await self._clock.pass_time(_seconds(_parse(body)))
        return {"now": self._clock.now(), "offset": self._clock.offset}


def _parse(body: bytes) -> Json:
    try:
        document = json.loads(body or b"{}")
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise ControlError("The body is no JSON object.")
    return document


def _seconds(document: Json) -> float:
    seconds = document.get("seconds")
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not math.isfinite(seconds):
        raise ControlError(f"seconds is {seconds!r}; give a number such as 7200.")
    if not 0 <= seconds <= LONGEST_TURN_SECONDS:
        raise ControlError(f"seconds is {seconds:g}; a clock is only turned forward, by at most 366 days at once.")
    return float(seconds)


def _json(status: int, document: Json) -> web.Response:
    return web.Response(status=status, text=json.dumps(document), content_type="application/json")
