"""Authorizers: REQUEST only, with a function and sources of identity in the syntax of WebSocket APIs."""

import re
from typing import Final

from sandbox.aws import Json
from sandbox.front.rules.apis import refuse_http_only
from sandbox.front.rules.integrations import check_credentials, check_invocations
from sandbox.front.rules.write import Write, refuse

# WebSocket APIs have this syntax; HTTP APIs write `$request.header.Name`.
_SOURCE: Final = re.compile(r"(route\.request\.(header|querystring)|stageVariables|context)\..+")


async def check_new_authorizer(write: Write) -> None:
    """CreateAuthorizer."""
    await write.refuse_beyond(write.quotas.authorizers, "authorizers", "Authorizers")
    _check(write.request, write.request)


async def check_changed_authorizer(write: Write) -> None:
    """UpdateAuthorizer."""
    before = await write.find("authorizers", "authorizerId", write.identifier) or {}
    _check(write.request, {**before, **write.request})


def _check(request: Json, after: Json) -> None:
    if after.get("authorizerType", "REQUEST") != "REQUEST":
        raise refuse("Only REQUEST authorizer type is supported on WEBSOCKET protocol Apis")
    refuse_http_only("authorizers", request)
    check_credentials(request.get("authorizerCredentialsArn"))
    for source in request.get("identitySource") or ():
        if not _SOURCE.fullmatch(source):
            text = f"Invalid mapping expression specified: {source}"
            raise refuse(f"Invalid mapping expression specified: Validation Result: warnings : [], errors : [{text}]")
    check_invocations(after.get("authorizerUri"))
