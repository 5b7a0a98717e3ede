"""Custom domain names: which API and stage a request for another host is about."""

import re
from typing import Final
from urllib.parse import unquote

from sandbox.aws import AwsClient, AwsRefusedError, Json
from sandbox.front.signature import Owner

DOMAINS_PATH: Final = "/v2/domainnames"
_NAME = re.compile(r"^/v2/domainnames/(?P<name>[^/?]+)")


class Domains:
    """The domain names that were made through the front.

    Args:
        aws: Reads the mappings of a domain, as they are now: they need no deployment.
    """

    def __init__(self, aws: AwsClient) -> None:
        self._aws = aws
        self._owners: dict[str, Owner] = {}

    def observe_write(self, path: str, owner: Owner, answer: Json) -> None:
        """Take note of a successful write to ``/v2/domainnames…``."""
        match = _NAME.match(path)
        name = unquote(match["name"]) if match else answer.get("domainName")
        if name:
            self._owners[name.lower()] = owner

    async def resolve(self, host: str, path: str) -> tuple[str, str, str] | None:
        """API, stage and the rest of the path that a request to ``host`` means; the longest mapping key wins.

        Returns:
            None, when the host is no custom domain; empty names, when no mapping fits.
        """
        name = host.partition(":")[0].lower()
        owner = self._owners.get(name)
        if owner is None:
            return None
        found = ("", "", path)
        # The longest key comes last, and so wins.
        for mapping in sorted(await self._mappings(name, owner), key=lambda one: len(one.get("apiMappingKey") or "")):
            key = mapping.get("apiMappingKey")
            prefix = f"/{key}" if key else ""
            if path == prefix or path.startswith((f"{prefix}/", f"{prefix}?")):
                found = (mapping["apiId"], mapping["stage"], path[len(prefix) :])
        return found

    async def _mappings(self, name: str, owner: Owner) -> list[Json]:
        path = f"{DOMAINS_PATH}/{name}/apimappings?maxResults=500"
        try:
            document = await self._aws.get_json(path, service="apigateway", region=owner.region, account=owner.account)
        except AwsRefusedError:  # it has been deleted
            return []
        items: list[Json] = document["items"]
        return items
