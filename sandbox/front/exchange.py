"""One event on its way through a stage: authorization, integration, access log."""

import dataclasses
import time

from aiohttp import web

from sandbox.aws import Json
from sandbox.front.access_logs import AccessLogs
from sandbox.front.api_keys import ApiKeys
from sandbox.front.api_model import Route, Served
from sandbox.front.authorizer import authorize
from sandbox.front.authorizer_answer import Verdict
from sandbox.front.integration import call_integration
from sandbox.front.outcome import Outcome
from sandbox.front.proxy import Proxy
from sandbox.front.signed_handshake import SignedHandshakes
from sandbox.meter import Place
from sandbox.services import Services
from sandbox.telemetry.gateway_metrics import MeteredStage

FORBIDDEN = Verdict(403, "Forbidden")


class Exchange:
    """Runs routes on events, as their stage says.

    Args:
        services: Invoke functions, read keys and date log lines.
        proxy: Has signatures checked.
    """

    def __init__(self, services: Services, proxy: Proxy) -> None:
        self._signed = SignedHandshakes(services.aws, proxy)
        self._functions = services.functions
        self._metrics = services.telemetry.gateway
        self._keys = ApiKeys(services.aws)
        self._logs = AccessLogs(services.aws, services.clock, services.permissions, services.meter)

    async def admit(self, served: Served, event: Json, request: web.BaseRequest) -> tuple[Json, Outcome]:
        """Decide on a handshake: who is asked depends on the ``$connect`` route; without one everybody gets in.

        Returns:
            What later events show as ``requestContext.authorizer``, and what the handshake came to.
        """
        route = served.api.routes.get("$connect")
        if route is None:
            return {}, Outcome(200)
        verdict = await self._judge(served, route, event, request)
        context = dict(verdict.context)
        if context:
            event["requestContext"]["authorizer"] = context
        # Asked behind the authorizer, whose context may hold the key (`usageIdentifierKey`).
        if verdict.allowed and route.api_key_required and not await self._keys.admits(served, event):
            verdict = FORBIDDEN
        if not verdict.allowed:
            self._metrics.refused(metered(served, route))
            outcome = Outcome(verdict.status, refusal=verdict.message)
            self._logs.write(served, event, outcome)
            return {}, outcome
        if route.integration is None:
            return context, Outcome(200)
        self._metrics.connected(metered(served, route))
        return context, await self.run(served, route, event)

    async def run(self, served: Served, route: Route, event: Json) -> Outcome:
        """Call a route's integration, and log how it went."""
        started = time.perf_counter()
        outcome = await call_integration(self._functions, served, route, event)
        latency = (time.perf_counter() - started) * 1000
        self._metrics.integrated(
            metered(served, route),
            status=outcome.status,
            answered=outcome.problem is None,
            latency_ms=None if route.is_mock else latency,
        )
        self._logs.write(served, event, dataclasses.replace(outcome, latency_ms=int(latency)))
        return outcome

    async def stop(self) -> None:
        """End what is under way."""
        await self._logs.stop()

    async def _judge(self, served: Served, route: Route, event: Json, request: web.BaseRequest) -> Verdict:
        if route.authorization == "CUSTOM":
            return await authorize(self._functions, route.authorizer, served, event)
        if route.authorization == "AWS_IAM":
            return await self._signed.judge(request, served)
        return Verdict()


def billed(served: Served) -> Place:
    """Under which name a stage's traffic is billed."""
    return Place(served.api.account, served.api.region, f"{served.api.api_id}/{served.stage.name}")


def metered(served: Served, route: Route | None) -> MeteredStage:
    """Under which name the metrics of a stage's route are kept; None: no route was chosen."""
    detailed = route.key if route and served.stage.is_detailed(route.key) else None
    return MeteredStage(served.api.account, served.api.region, served.api.api_id, served.stage.name, detailed)
