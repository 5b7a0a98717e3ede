"""Keeps what the emulator forgets of what was written to it, and puts it into what is read."""

import json
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote

from sandbox.aws import Json

_INTEGRATIONS = re.compile(r"^/v2/apis/(?P<api>[^/?]+)/integrations(?:[/?]|$)")
_FORGOTTEN: Final = ("templateSelectionExpression", "passthroughBehavior", "credentialsArn")


class KeptFields:
    """The fields of integrations that AWS returns as they were written, and the emulator does not."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], Json] = {}

    def observe_write(self, path: str, request: Json, answer: Json) -> None:
        """Take note of a successful write.

        Args:
            path: The request's path.
            request: Its body.
            answer: The answer's body.
        """
        match, identifier = _INTEGRATIONS.match(path), answer.get("integrationId")
        if match is None or identifier is None:
            return
        kept = self._kept.setdefault((unquote(match["api"]), identifier), {})
        kept |= {name: request[name] for name in _FORGOTTEN if name in request}

    def complete(self, api_id: str, integration: Json) -> Json:
        """An integration as AWS shows it."""
        kept: Mapping[str, object] = self._kept.get((api_id, integration["integrationId"]), {})
        return {**integration, **{name: value for name, value in kept.items() if value}}

    def rewrite(self, path: str, body: bytes) -> bytes:
        """What was read or written under ``path``, with the fields that AWS would show."""
        match = _INTEGRATIONS.match(path)
        if match is None or "integrationresponses" in path:
            return body
        api_id, document = unquote(match["api"]), json.loads(body or b"{}")
        if "items" in document:
            document["items"] = [self.complete(api_id, integration) for integration in document["items"]]
        elif "integrationId" in document:
            document = self.complete(api_id, document)
        return json.dumps(document).encode()
