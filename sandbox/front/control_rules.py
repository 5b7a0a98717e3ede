"""What API Gateway refuses at its control plane and the emulator accepts.

Only WebSocket APIs are judged. A caller without permission is told of the mistake before the emulator would tell of
the missing permission; AWS asks in the other order.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Final
from urllib.parse import unquote

from sandbox.aws import AwsClient, Json
from sandbox.clock import Clock
from sandbox.front.api_model import Limit
from sandbox.front.rules import apis, authorizers, integrations, routes, stages
from sandbox.front.rules.write import Write, too_many
from sandbox.front.signature import Owner
from sandbox.front.throttle import TOO_MANY, TokenBucket
from sandbox.quotas import Quotas

_PATH = re.compile(
    r"^/v2/apis(?:/(?P<api>[^/?]+)(?:/(?P<part>[^/?]+)(?:/(?P<id>[^/?]+)(?:/(?P<child>[^/?]+)(?:/[^/?]+)?)?)?)?)?/?(?:\?|$)"
)
CONTROL_BURST: Final = 40
"""How many calls of the control plane may come at once (as reported; not adjustable)."""
_CHECKS: Final[Mapping[tuple[str, str], Callable[[Write], Awaitable[None]]]] = {
    ("POST", "apis"): apis.check_new_api,
    ("PATCH", "apis"): apis.check_changed_api,
    ("POST", "deployments"): stages.check_new_deployment,
    ("DELETE", "deployments"): stages.check_deleted_deployment,
    ("POST", "stages"): stages.check_new_stage,
    ("PATCH", "stages"): stages.check_changed_stage,
    ("POST", "routes"): routes.check_new_route,
    ("PATCH", "routes"): routes.check_changed_route,
    ("POST", "routeresponses"): routes.check_new_route_response,
    ("POST", "integrations"): integrations.check_new_integration,
    ("PATCH", "integrations"): integrations.check_changed_integration,
    ("DELETE", "integrations"): integrations.check_deleted_integration,
    ("POST", "integrationresponses"): integrations.check_integration_response,
    ("PATCH", "integrationresponses"): integrations.check_integration_response,
    ("POST", "authorizers"): authorizers.check_new_authorizer,
    ("PATCH", "authorizers"): authorizers.check_changed_authorizer,
}


class ControlRules:
    """Looks at calls before they reach the emulator.

    Args:
        aws: Reads what is there.
        clock: Fills the buckets of the accounts.
        quotas: How much there may be, and how often one may ask.
    """

    def __init__(self, aws: AwsClient, clock: Clock, quotas: Quotas) -> None:
        self._aws = aws
        self._clock = clock
        self._quotas = quotas
        self._buckets: dict[str, TokenBucket] = {}

    async def check(self, method: str, path: str, owner: Owner, request: Json) -> None:
        """Judge one call.

        Args:
            method: HTTP method.
            path: Of ``/v2/apis…``.
            owner: Whom and where it was signed for.
            request: Its body.

        Raises:
            AwsRefusedError: AWS would refuse it.
        """
        self._throttle(owner)
        match = _PATH.match(path)
        check = _CHECKS.get((method, match["child"] or match["part"] or "apis")) if match else None
        if match is None or check is None:
            return
        api, identifier = unquote(match["api"] or ""), unquote(match["id"] or "")
        write = Write(self._aws, owner, self._quotas, api, identifier, request)
        if await write.on_web_socket():
            await check(write)

    def _throttle(self, owner: Owner) -> None:
        rate = self._quotas.control_rate
        if rate is None:
            return
        if owner.account not in self._buckets:
            self._buckets[owner.account] = TokenBucket(Limit(rate, CONTROL_BURST), self._clock)
        if not self._buckets[owner.account].take():
            raise too_many(TOO_MANY)
