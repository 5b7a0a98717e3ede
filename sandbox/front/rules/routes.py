"""Routes and their responses: keys, targets, who may come in, and which of them can answer."""

from typing import Final

from sandbox.aws import Json
from sandbox.front.rules.apis import refuse_http_only
from sandbox.front.rules.write import Write, conflict, not_found, refuse

_CONNECT: Final = "$connect"
_BUILT_IN: Final = (_CONNECT, "$disconnect", "$default")
_RESPONSE: Final = "$default"
_TARGET: Final = "integrations/"
_AUTHORIZATIONS: Final = ("NONE", "AWS_IAM", "CUSTOM")


async def check_new_route(write: Write) -> None:
    """CreateRoute."""
    if not write.request.get("routeKey"):
        raise refuse("A route needs a RouteKey: $connect, $disconnect, $default or one of your own")
    await write.refuse_beyond(write.quotas.routes, "routes", "Routes")
    await _check(write, write.request)


async def check_changed_route(write: Write) -> None:
    """UpdateRoute."""
    if write.request.get("routeKey") == "":
        raise refuse("A RouteKey cannot be empty")
    before = await write.find("routes", "routeId", write.identifier) or {}
    await _check(write, {**before, **write.request})


async def check_new_route_response(write: Write) -> None:
    """CreateRouteResponse."""
    if (key := write.request.get("routeResponseKey")) != _RESPONSE:
        raise refuse(f"Route response key must be {_RESPONSE}, not {key}")


async def _check(write: Write, after: Json) -> None:
    refuse_http_only("routes", write.request)
    if key := write.request.get("routeKey"):
        await _check_key(write, key)
    if target := write.request.get("target"):
        await _check_target(write, target)
    if (expression := write.request.get("routeResponseSelectionExpression") or _RESPONSE) != _RESPONSE:
        raise refuse(f"RouteResponseSelectionExpression must be {_RESPONSE}, not {expression}")
    await _check_authorization(write, after)


async def _check_key(write: Write, key: str) -> None:
    if key.startswith("$") and key not in _BUILT_IN:
        raise refuse(f"The provided route key is not formatted properly for the protocol: {key}")
    found = await write.find("routes", "routeKey", key)
    if found is not None and found["routeId"] != write.identifier:
        raise conflict(f"Route with key {key} already exists for this API")


async def _check_target(write: Write, target: str) -> None:
    integration = target.removeprefix(_TARGET)
    if not target.startswith(_TARGET) or not await write.find("integrations", "integrationId", integration):
        raise not_found(f"Invalid Integration identifier specified: {target}")


async def _check_authorization(write: Write, after: Json) -> None:
    kind = after.get("authorizationType") or "NONE"
    if kind not in _AUTHORIZATIONS:
        raise refuse(f"AuthorizationType {kind} is not for WebSocket APIs: {', '.join(_AUTHORIZATIONS)} are")
    if after.get("routeKey") != _CONNECT:
        # The emulator itself refuses authorization there.
        if after.get("apiKeyRequired"):
            raise refuse("Currently, API keys are restricted to the $connect route only")
        return
    # One that has been deleted since is not this write's affair.
    named = {"authorizationType", "authorizerId"} & write.request.keys()
    if kind == "CUSTOM" and named and not await write.find("authorizers", "authorizerId", after.get("authorizerId")):
        raise not_found(f"Invalid authorizer identifier specified: {after.get('authorizerId')}")
