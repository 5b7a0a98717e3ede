"""Stages of WebSocket APIs."""

from collections.abc import Iterator, Mapping
from typing import Any

from sandbox.provider.checking import Failure
from sandbox.provider.cloud import Scope, existing
from sandbox.provider.properties import (
    BOOLEAN,
    INTEGER,
    NUMBER,
    REGION,
    STRING,
    STRING_MAP,
    TAGS,
    Props,
    fields,
    one_of,
    order,
    set_of,
)
from sandbox.provider.resources.apigateway import API_ID, replace_tags, row, tags_of
from sandbox.provider.table import Autoname, Edit, Handler
from sandbox.provider.translate import from_api, to_api

_SETTINGS = frozenset({"defaultRouteSettings", "routeSettings"})


class StageHandler(Handler):
    """A stage; id is its name. The invoke URL is the API's endpoint and the stage's name."""

    def create(self, scope: Scope, inputs: Props) -> str:
        """CreateStage."""
        plain = {name: value for name, value in inputs.items() if name not in _SETTINGS}
        request = {**to_api(_STAGE, plain), **_route_settings(inputs), "Tags": inputs.get("tags") or {}}
        scope.client("apigatewayv2").create_stage(**request)
        return str(inputs["name"])

    def read(self, scope: Scope, ident: str, state: Props) -> Props | None:
        """GetStage, and the API's endpoint."""
        client, api = scope.client("apigatewayv2"), state["apiId"]
        answer = existing(lambda: client.get_stage(ApiId=api, StageName=ident))
        if answer is None:
            return None
        settings = answer.get("RouteSettings") or {}
        arn = scope.arn("apigateway", f"/apis/{api}/stages/{ident}", account=False)
        # A variable that was taken away stays as an empty text.
        variables = {key: value for key, value in (answer.get("StageVariables") or {}).items() if value}
        routes = [{"routeKey": key, **from_api(_ROUTE_SETTINGS, value)} for key, value in sorted(settings.items())]
        return {
            **from_api(_STAGE, answer),
            "apiId": api,
            "routeSettings": routes,
            "stageVariables": variables,
            "tags": tags_of(scope, arn),
            "invokeUrl": f"{client.get_api(ApiId=api).get('ApiEndpoint', '')}/{ident}",
            "arn": arn,
            "executionArn": scope.arn("execute-api", f"{api}/{ident}"),
        }

    def update(self, scope: Scope, ident: str, edit: Edit) -> None:
        """UpdateStage with what changed; dropped settings travel empty.

        AWS has operations of its own to drop settings (DeleteRouteSettings and the like); the emulator would delete
        the whole stage on any of them.
        """
        client, settings = scope.client("apigatewayv2"), edit.changed - {"tags"}
        if settings:
            dropped = {"accessLogSettings": {}, "description": "", "clientCertificateId": ""}
            new = {**dropped, **edit.new, "stageVariables": _variables(edit)}
            request = to_api(_STAGE, new, settings - _SETTINGS)
            routes = {"RouteSettings": {}, **_route_settings(edit.new)} if edit.touches(*_SETTINGS) else {}
            client.update_stage(**{**request, **routes, "ApiId": edit.new["apiId"], "StageName": ident})
        if edit.touches("tags"):
            replace_tags(scope, str(edit.old["arn"]), edit)

    def delete(self, scope: Scope, ident: str, state: Props) -> None:
        """DeleteStage."""
        scope.client("apigatewayv2").delete_stage(ApiId=state["apiId"], StageName=ident)

    def locate(self, ident: str) -> tuple[str, Props]:
        """``api/stage``."""
        api, _, stage = ident.partition("/")
        return stage, {"apiId": api}


def _variables(edit: Edit) -> dict[str, str]:
    # UpdateStage keeps what it is not told of: an empty value takes a variable away.
    return {**dict.fromkeys(edit.old.get("stageVariables") or {}, ""), **(edit.new.get("stageVariables") or {})}


def _route_settings(inputs: Props) -> Props:
    """Default and per-route settings; as in the official provider, unset throttles travel as 0 (and then bite)."""
    settings: Props = {}
    if inputs.get("defaultRouteSettings"):
        settings["DefaultRouteSettings"] = _throttled(inputs["defaultRouteSettings"])
    if inputs.get("routeSettings"):
        settings["RouteSettings"] = {item["routeKey"]: _throttled(item) for item in inputs["routeSettings"]}
    return settings


def _throttled(settings: Props) -> Props:
    return {"ThrottlingBurstLimit": 0, "ThrottlingRateLimit": 0, **to_api(_ROUTE_SETTINGS, settings)}


def _canonical_route_settings(items: list[Props]) -> list[Any]:
    return sorted(({"loggingLevel": "OFF", **_throttled(item), "key": item["routeKey"]} for item in items), key=order)


def _stage_rules(inputs: Mapping[str, Any]) -> Iterator[Failure]:
    if inputs.get("autoDeploy") is True and inputs.get("deploymentId"):
        yield Failure("deploymentId", "'deploymentId' and 'autoDeploy' exclude each other")


_ROUTE_SETTINGS = {
    "dataTraceEnabled": BOOLEAN,
    "detailedMetricsEnabled": BOOLEAN,
    "loggingLevel": one_of("OFF", "ERROR", "INFO").but(computed=True),
    "throttlingBurstLimit": INTEGER.but(low=0, default=0),
    "throttlingRateLimit": NUMBER.but(low=0, default=0),
}


_STAGE = {
    "apiId": API_ID,
    "name": STRING.but(replaces=True, api="StageName", pattern=r"[A-Za-z0-9_-]{1,128}"),
    "autoDeploy": BOOLEAN,
    # Auto-deploy moves it on and on.
    "deploymentId": STRING.but(computed=True),
    # AWS fills it in where nobody set it.
    "defaultRouteSettings": fields(**_ROUTE_SETTINGS).but(computed=True),
    "routeSettings": set_of(fields(routeKey=STRING.but(required=True), **_ROUTE_SETTINGS)).but(
        canonical=_canonical_route_settings
    ),
    "accessLogSettings": fields(destinationArn=STRING.but(required=True), format=STRING.but(required=True)),
    "stageVariables": STRING_MAP,
    "clientCertificateId": STRING,
    "description": STRING.but(longest=1024),
    "tags": TAGS,
    "region": REGION,
}


ROWS = (
    row(
        "Stage",
        _STAGE,
        StageHandler(),
        outputs=("invokeUrl", "executionArn", "arn", "tagsAll"),
        autoname=Autoname(longest=128),
        rules=_stage_rules,
    ),
)
