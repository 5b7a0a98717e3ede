"""``/_sandbox/…``: what AWS does not have, for tests and people: the clock, faults on demand, the meter.

Only programs on this machine reach it, like everything on the loopback interface; nothing in it is signed.
"""

import json
import math
from collections import Counter
from dataclasses import asdict
from typing import Final

from aiohttp import web

from sandbox.aws import Json
from sandbox.errors import SandboxError
from sandbox.meter.units import ALARM_METRICS, CUSTOM_METRICS
from sandbox.services import Services
from sandbox.telemetry import Telemetry

CONTROL_PATH: Final = "/_sandbox/"
LONGEST_TURN_SECONDS: Final = 366 * 86_400.0
CALLS: Final = (
    "GET and POST /_sandbox/clock; GET and DELETE /_sandbox/faults; PUT and DELETE /_sandbox/faults/NAME; "
    "GET and DELETE /_sandbox/meter"
)


class ControlApi:
    """Serves the sandbox's own paths.

    Args:
        services: Their clock is shown and turned, their faults listed, set and cleared, their meter read and reset.
    """

    def __init__(self, services: Services) -> None:
        self._clock = services.clock
        self._faults = services.faults
        self._meter = services.meter
        self._telemetry = services.telemetry

    async def handle(self, request: web.BaseRequest, path: str) -> web.Response:
        """Answer one request with JSON; what is wrong is said in ``message``."""
        try:
            return _json(200, await self._answer(request.method, path, await request.read()))
        except SandboxError as error:
            return _json(400, {"message": str(error)})

    async def _answer(self, method: str, path: str, body: bytes) -> Json:
        kind, _, name = path.partition("?")[0].removeprefix(CONTROL_PATH).partition("/")
        match method, kind, name:
            case (("GET" | "POST"), "clock", ""):
                if method == "POST":
                    await self._clock.pass_time(_seconds(_parse(body)))
                return {"now": self._clock.now(), "offset": self._clock.offset}
            case (("GET" | "DELETE"), "meter", ""):
                if method == "DELETE":
                    self._meter.reset()
                return self._read_meter()
            case "GET", "faults", "":
                pass
            case "DELETE", "faults", _:
                self._faults.clear(name or None)
            case (("PUT" | "POST"), "faults", _) if name:
                self._faults.set(name, _parse(body))
            case _:
                raise SandboxError(f"The sandbox has no {method} {path}; it has {CALLS}.")
        return {"faults": self._faults.describe()}

    def _read_meter(self) -> Json:
        return {
            "since": self._meter.since,
            "now": self._clock.now(),
            "counts": [asdict(reading) for reading in self._meter.read()],
            "standing": _standing(self._telemetry),
        }


def _standing(telemetry: Telemetry) -> list[Json]:
    """What is billed by the month for being there: metrics that are nobody's but the program's, and alarms."""
    counted: Counter[tuple[str, str, str, str]] = Counter()
    for metric in telemetry.store.metrics():
        if not metric.namespace.startswith("AWS/"):
            counted[CUSTOM_METRICS, metric.account, metric.region, metric.namespace] += 1
    for alarm in telemetry.alarms:
        counted[ALARM_METRICS, alarm.account, alarm.region, alarm.name] += len(alarm.metrics)
    names = ("unit", "account", "region", "resource")
    return [{**dict(zip(names, key, strict=True)), "amount": amount} for key, amount in sorted(counted.items())]


def _parse(body: bytes) -> Json:
    try:
        document = json.loads(body or b"{}")
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise SandboxError("The body is no JSON object.")
    return document


def _seconds(document: Json) -> float:
    seconds = document.get("seconds")
    # JSON's true is an int in Python, and would turn the clock by a second.
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not math.isfinite(seconds):
        raise SandboxError(f"seconds is {seconds!r}; give a number such as 7200.")
    if not 0 <= seconds <= LONGEST_TURN_SECONDS:
        raise SandboxError(f"seconds is {seconds:g}; a clock is only turned forward, by at most 366 days at once.")
    return float(seconds)


def _json(status: int, document: Json) -> web.Response:
    return web.Response(status=status, text=json.dumps(document), content_type="application/json")
