"""API keys on ``$connect``: a route may ask for one that a usage plan allows on the stage."""

from sandbox.aws import AwsClient, Json
from sandbox.front.api_model import Served

_HEADER = "$request.header."


class ApiKeys:
    """Looks up keys and usage plans as they are now, as API Gateway's stages see them without a deployment.

    Args:
        aws: Reads the emulator's keys and plans.
    """

    def __init__(self, aws: AwsClient) -> None:
        self._aws = aws

    async def admits(self, served: Served, event: Json) -> bool:
        """Whether the handshake brings an enabled key of a usage plan that covers this stage."""
        value = _find(served.api.key_expression, event)
        if not value:
            return False
        # 500 is the largest page of GetApiKeys and of GetUsagePlans (API reference).
        keys = await self._read(served, "/apikeys?includeValues=true&limit=500")
        enabled = [key["id"] for key in keys if key.get("value") == value and key.get("enabled", True)]
        for plan in await self._read(served, "/usageplans?limit=500"):
            if _covers(plan, served) and enabled:
                members = await self._read(served, f"/usageplans/{plan['id']}/keys?limit=500")
                if any(member["id"] in enabled for member in members):
                    return True
        return False

    async def _read(self, served: Served, path: str) -> list[Json]:
        document = await self._aws.get_json(
            path, service="apigateway", region=served.api.region, account=served.api.account
        )
        items: list[Json] = document.get("items") or document.get("item") or []
        return items


def _find(expression: str, event: Json) -> str | None:
    """The key, from the place that the API's key selection expression names."""
    if expression.startswith(_HEADER):
        headers = {name.lower(): value for name, value in event["headers"].items()}
        return headers.get(expression.removeprefix(_HEADER).lower())
    authorizer: Json = event["requestContext"].get("authorizer", {})
    return authorizer.get("usageIdentifierKey")


def _covers(plan: Json, served: Served) -> bool:
    wanted = (served.api.api_id, served.stage.name)
    return any((stage.get("apiId"), stage.get("stage")) == wanted for stage in plan.get("apiStages") or [])
