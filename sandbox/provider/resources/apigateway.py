"""WebSocket APIs (API Gateway v2) and what hangs on them."""

# ruff: noqa: ARG002 (a handler's signature is the table's)
import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from sandbox.provider.checking import Failure
from sandbox.provider.cloud import Scope, code_of, existing
from sandbox.provider.properties import (
    BOOLEAN,
    INTEGER,
    NUMBER,
    REGION,
    STRING,
    STRING_MAP,
    STRING_SET,
    TAGS,
    Property,
    Props,
    between,
    fields,
    one_of,
    order,
    set_of,
)
from sandbox.provider.table import Autoname, Edit, Handler, ResourceType
from sandbox.provider.translate import from_api, to_api

_CHOSEN_ID_TAG = "ms-custom-id"
_SETTINGS = frozenset({"defaultRouteSettings", "routeSettings"})
_API_ID = STRING.but(required=True, replaces=True)


def _snake(noun: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", noun).lower()


def _tags(scope: Scope, arn: str) -> dict[str, str]:
    """The tags of a resource, without the one that is ours."""
    answer = scope.client("apigatewayv2").get_tags(ResourceArn=arn)
    return {key: value for key, value in answer.get("Tags", {}).items() if key != _CHOSEN_ID_TAG}


def _retag(scope: Scope, arn: str, edit: Edit) -> None:
    added, removed = edit.tag_changes()
    if removed:
        scope.client("apigatewayv2").untag_resource(ResourceArn=arn, TagKeys=removed)
    if added:
        scope.client("apigatewayv2").tag_resource(ResourceArn=arn, Tags=added)


class ApiHandler(Handler):
    """An API; id is the API's. In the sandbox one stack's API keeps its id when it is made anew."""

    def create(self, scope: Scope, inputs: Props) -> str:
        """CreateApi with an id that follows from the URN; where that id is taken, with the emulator's choice."""
        client, request = scope.client("apigatewayv2"), to_api(_API, inputs)
        chosen = hashlib.sha256(scope.urn.encode()).hexdigest()[:8]
        try:
            tags = {**(inputs.get("tags") or {}), _CHOSEN_ID_TAG: chosen}
            return str(client.create_api(**{**request, "Tags": tags})["ApiId"])
        except ClientError as error:
            if code_of(error) != "ConflictException":
                raise
        return str(client.create_api(**request)["ApiId"])

    def read(self, scope: Scope, ident: str, state: Props) -> Props | None:
        """GetApi; the endpoint is what the control plane says."""
        answer = existing(lambda: scope.client("apigatewayv2").get_api(ApiId=ident))
        arn = scope.arn("apigateway", f"/apis/{ident}", account=False)
        return answer and {
            **from_api(_API, answer),
            "tags": _tags(scope, arn),
            "apiEndpoint": answer.get("ApiEndpoint", ""),
            "arn": arn,
            "executionArn": scope.arn("execute-api", ident),
        }

    def update(self, scope: Scope, ident: str, edit: Edit) -> None:
        """UpdateApi with what changed."""
        settings = edit.changed - {"tags"}
        if settings:
            wanted = {**dict.fromkeys(settings, ""), **edit.new}
            scope.client("apigatewayv2").update_api(ApiId=ident, **to_api(_API, wanted, settings))
        if edit.touches("tags"):
            _retag(scope, str(edit.old["arn"]), edit)

    def delete(self, scope: Scope, ident: str, state: Props) -> None:
        """DeleteApi."""
        scope.client("apigatewayv2").delete_api(ApiId=ident)


class ChildHandler(Handler):
    """Anything below an API with an id of its own: made, read, changed and deleted by four operations of one shape.

    Args:
        noun: The API's word, such as ``Integration``.
        members: The properties.
        parents: Properties that address the thing above.
        always: Properties that an update has to name although they cannot change.
    """

    def __init__(
        self,
        noun: str,
        members: Mapping[str, Property],
        parents: tuple[str, ...] = ("apiId",),
        always: frozenset[str] = frozenset(),
    ) -> None:
        self._noun, self._members, self._parents, self._always = noun, members, parents, always

    def _call(self, scope: Scope, verb: str, **arguments: Any) -> Props:
        answer: Props = getattr(scope.client("apigatewayv2"), f"{verb}_{_snake(self._noun)}")(**arguments)
        return answer

    def _address(self, ident: str, props: Mapping[str, Any]) -> Props:
        return {**to_api(self._members, props, self._parents), f"{self._noun}Id": ident}

    def create(self, scope: Scope, inputs: Props) -> str:
        """Create it under its parent; the official provider's defaults travel too."""
        defaults = {name: member.default for name, member in self._members.items() if member.default is not None}
        answer = self._call(scope, "create", **to_api(self._members, {**defaults, **inputs}))
        return str(answer[f"{self._noun}Id"])

    def read(self, scope: Scope, ident: str, state: Props) -> Props | None:
        """What the control plane holds, with the remembered parents."""
        answer = existing(lambda: self._call(scope, "get", **self._address(ident, state)))
        if answer is None:
            return None
        parents = {name: state[name] for name in self._parents if name in state}
        return {**from_api(self._members, answer), **parents, **self._outputs(scope, ident, answer)}

    def _outputs(self, scope: Scope, ident: str, answer: Props) -> Props:
        return {}

    def update(self, scope: Scope, ident: str, edit: Edit) -> None:
        """Update what changed; a dropped text is cleared."""
        changed = {name for name in edit.changed if not self._members[name].record_only}
        if changed:
            cleared = {name: "" for name in changed if self._members[name].kind is STRING.kind}
            wanted = to_api(self._members, {**cleared, **edit.new}, changed | self._always)
            self._call(scope, "update", **{**wanted, **self._address(ident, edit.new)})

    def delete(self, scope: Scope, ident: str, state: Props) -> None:
        """Delete it; while something else points at it AWS answers a conflict, which is waited out."""
        self._call(scope, "delete", **self._address(ident, state))

    def locate(self, ident: str) -> tuple[str, Props]:
        """``parent/…/id``."""
        *parents, own = ident.split("/")
        return own, dict(zip(self._parents, parents, strict=False))


class IntegrationHandler(ChildHandler):
    """An integration tells how its responses are selected."""

    def _outputs(self, scope: Scope, ident: str, answer: Props) -> Props:
        expression = answer.get("IntegrationResponseSelectionExpression", "")
        return {"integrationResponseSelectionExpression": expression}


class DeploymentHandler(ChildHandler):
    """A deployment is a snapshot: ``triggers`` say when to take another one."""

    def _outputs(self, scope: Scope, ident: str, answer: Props) -> Props:
        return {"autoDeployed": bool(answer.get("AutoDeployed"))}


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
        variables = {key: value for key, value in (answer.get("StageVariables") or {}).items() if value}
        routes = [{"routeKey": key, **from_api(_ROUTE_SETTINGS, value)} for key, value in sorted(settings.items())]
        return {
            **from_api(_STAGE, answer),
            "apiId": api,
            "routeSettings": routes,
            "stageVariables": variables,
            "tags": _tags(scope, arn),
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
            _retag(scope, str(edit.old["arn"]), edit)

    def delete(self, scope: Scope, ident: str, state: Props) -> None:
        """DeleteStage."""
        scope.client("apigatewayv2").delete_stage(ApiId=state["apiId"], StageName=ident)

    def locate(self, ident: str) -> tuple[str, Props]:
        """``api/stage``."""
        api, _, stage = ident.partition("/")
        return stage, {"apiId": api}


def _variables(edit: Edit) -> dict[str, str]:
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


def _api_rules(inputs: Mapping[str, Any]) -> Iterator[Failure]:
    expression = str(inputs.get("routeSelectionExpression") or "")
    if inputs.get("protocolType") == "WEBSOCKET" and not expression:
        yield Failure(
            "routeSelectionExpression",
            "a WebSocket API needs a 'routeSelectionExpression', such as $request.body.action",
        )


def _authorizer_rules(inputs: Mapping[str, Any]) -> Iterator[Failure]:
    for index, source in enumerate(inputs.get("identitySources") or []):
        if not re.fullmatch(r"(route\.request\.(header|querystring)|context|stageVariables)\..+", str(source)):
            yield Failure(
                f"identitySources[{index}]",
                f"'{source}' is no identity source of a WebSocket API: use route.request.header.Name or "
                "route.request.querystring.name",
            )


class DomainHandler(Handler):
    """A custom domain; id is the domain's name."""

    def create(self, scope: Scope, inputs: Props) -> str:
        """CreateDomainName."""
        client = scope.client("apigatewayv2")
        client.create_domain_name(**_domain(inputs), Tags=inputs.get("tags") or {})
        return str(inputs["domainName"])

    def read(self, scope: Scope, ident: str, state: Props) -> Props | None:
        """GetDomainName."""
        answer = existing(lambda: scope.client("apigatewayv2").get_domain_name(DomainName=ident))
        if answer is None:
            return None
        configuration = (answer.get("DomainNameConfigurations") or [{}])[0]
        found = from_api(_DOMAIN_CONFIGURATION, configuration)
        arn = scope.arn("apigateway", f"/domainnames/{ident}", account=False)
        target = {"targetDomainName": "ApiGatewayDomainName", "hostedZoneId": "HostedZoneId"}
        return {
            "domainName": ident,
            "domainNameConfiguration": {**found, **{key: configuration.get(api, "") for key, api in target.items()}},
            "apiMappingSelectionExpression": answer.get("ApiMappingSelectionExpression", ""),
            "arn": arn,
            "tags": _tags(scope, arn),
        }

    def update(self, scope: Scope, ident: str, edit: Edit) -> None:
        """UpdateDomainName."""
        if edit.touches("domainNameConfiguration"):
            scope.client("apigatewayv2").update_domain_name(**_domain(edit.new))
        if edit.touches("tags"):
            _retag(scope, str(edit.old["arn"]), edit)

    def delete(self, scope: Scope, ident: str, state: Props) -> None:
        """DeleteDomainName."""
        scope.client("apigatewayv2").delete_domain_name(DomainName=ident)


def _domain(inputs: Props) -> Props:
    configuration = to_api(_DOMAIN_CONFIGURATION, inputs["domainNameConfiguration"])
    return {"DomainName": inputs["domainName"], "DomainNameConfigurations": [configuration]}


class AccountHandler(Handler):
    """The account's role for API Gateway's logs, one per region; deleting it takes the role away."""

    def create(self, scope: Scope, inputs: Props) -> str:
        """Set the role."""
        self._set(scope, inputs.get("cloudwatchRoleArn") or "")
        return "api-gateway-account"

    def read(self, scope: Scope, ident: str, state: Props) -> Props | None:
        """GetAccount."""
        answer = scope.client("apigateway").get_account()
        return {"cloudwatchRoleArn": answer.get("cloudwatchRoleArn", ""), "features": answer.get("features", [])}

    def update(self, scope: Scope, ident: str, edit: Edit) -> None:
        """Set the role."""
        if edit.changed:
            self._set(scope, edit.new.get("cloudwatchRoleArn") or "")

    def delete(self, scope: Scope, ident: str, state: Props) -> None:
        """Take the role away."""
        self._set(scope, "")

    def _set(self, scope: Scope, role: str) -> None:
        scope.client("apigateway").update_account(
            patchOperations=[{"op": "replace", "path": "/cloudwatchRoleArn", "value": role}]
        )


_API = {
    "name": STRING.but(longest=128),
    "protocolType": one_of("WEBSOCKET").but(required=True, replaces=True),
    "routeSelectionExpression": STRING,
    "apiKeySelectionExpression": STRING.but(default="$request.header.x-api-key"),
    "description": STRING.but(longest=1024),
    "version": STRING.but(longest=64),
    "disableExecuteApiEndpoint": BOOLEAN,
    "ipAddressType": one_of("ipv4", "dualstack").but(computed=True),
    "tags": TAGS,
    "region": REGION,
}
_INTEGRATION = {
    "apiId": _API_ID,
    "integrationType": one_of("AWS_PROXY", "AWS", "MOCK", "HTTP", "HTTP_PROXY").but(required=True, replaces=True),
    "integrationUri": STRING,
    "integrationMethod": STRING.but(computed=True),
    "connectionType": one_of("INTERNET").but(default="INTERNET"),
    "contentHandlingStrategy": one_of("CONVERT_TO_BINARY", "CONVERT_TO_TEXT").but(computed=True),
    "credentialsArn": STRING,
    "description": STRING,
    "passthroughBehavior": one_of("WHEN_NO_MATCH", "NEVER", "WHEN_NO_TEMPLATES").but(computed=True),
    "payloadFormatVersion": one_of("1.0").but(default="1.0"),
    "requestParameters": STRING_MAP,
    "requestTemplates": STRING_MAP,
    "templateSelectionExpression": STRING.but(record_only=True),
    "timeoutMilliseconds": between(50, 29000).but(computed=True, api="TimeoutInMillis"),
    "region": REGION,
}
_ROUTE = {
    "apiId": _API_ID,
    "routeKey": STRING.but(required=True, longest=128),
    "target": STRING.but(pattern=r"integrations/.+"),
    "authorizationType": one_of("NONE", "AWS_IAM", "CUSTOM").but(default="NONE"),
    "authorizerId": STRING,
    "apiKeyRequired": BOOLEAN,
    "routeResponseSelectionExpression": one_of("$default"),
    "modelSelectionExpression": STRING,
    "operationName": STRING.but(longest=64),
    "requestModels": STRING_MAP,
    "region": REGION,
}
_ROUTE_RESPONSE = {
    "apiId": _API_ID,
    "routeId": STRING.but(required=True, replaces=True),
    "routeResponseKey": one_of("$default").but(required=True),
    "modelSelectionExpression": STRING,
    "responseModels": STRING_MAP,
    "region": REGION,
}
_INTEGRATION_RESPONSE = {
    "apiId": _API_ID,
    "integrationId": STRING.but(required=True, replaces=True),
    "integrationResponseKey": STRING.but(required=True),
    "contentHandlingStrategy": one_of("CONVERT_TO_BINARY", "CONVERT_TO_TEXT"),
    "responseTemplates": STRING_MAP,
    "templateSelectionExpression": STRING,
    "region": REGION,
}
_AUTHORIZER = {
    "apiId": _API_ID,
    "name": STRING.but(longest=128),
    "authorizerType": one_of("REQUEST").but(required=True),
    "authorizerUri": STRING,
    "identitySources": STRING_SET.but(api="IdentitySource"),
    "authorizerCredentialsArn": STRING,
    "region": REGION,
}
_DEPLOYMENT = {
    "apiId": _API_ID,
    "description": STRING.but(longest=1024, record_only=True),
    "triggers": STRING_MAP.but(local=True, replaces=True),
    "region": REGION,
}
_ROUTE_SETTINGS = {
    "dataTraceEnabled": BOOLEAN,
    "detailedMetricsEnabled": BOOLEAN,
    "loggingLevel": one_of("OFF", "ERROR", "INFO").but(computed=True),
    "throttlingBurstLimit": INTEGER.but(low=0, default=0),
    "throttlingRateLimit": NUMBER.but(low=0, default=0),
}
_STAGE = {
    "apiId": _API_ID,
    "name": STRING.but(replaces=True, api="StageName", pattern=r"[A-Za-z0-9_-]{1,128}"),
    "autoDeploy": BOOLEAN,
    "deploymentId": STRING.but(computed=True),
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
_DOMAIN_CONFIGURATION = {
    "certificateArn": STRING.but(required=True),
    "endpointType": one_of("REGIONAL").but(required=True),
    "securityPolicy": one_of("TLS_1_2").but(required=True),
    "ipAddressType": one_of("ipv4", "dualstack").but(computed=True),
}
_DOMAIN_FIELDS = {
    "domainName": STRING.but(required=True, replaces=True),
    "domainNameConfiguration": fields(**_DOMAIN_CONFIGURATION).but(required=True),
    "tags": TAGS,
    "region": REGION,
}
_MAPPING = {
    "apiId": _API_ID,
    "domainName": STRING.but(required=True, replaces=True),
    "stage": STRING.but(required=True),
    "apiMappingKey": STRING,
    "region": REGION,
}


def _child(token: str, members: Mapping[str, Property], handler: Handler, **more: Any) -> ResourceType:
    return ResourceType(
        token=f"aws:apigatewayv2/{token[0].lower()}{token[1:]}:{token}",
        fields=members,
        handler=handler,
        **{"outputs": (), **more},
    )


ROWS = (
    _child(
        "Api",
        _API,
        ApiHandler(),
        outputs=("apiEndpoint", "arn", "executionArn", "tagsAll"),
        autoname=Autoname(longest=128),
        rules=_api_rules,
    ),
    _child(
        "Integration",
        _INTEGRATION,
        IntegrationHandler("Integration", _INTEGRATION),
        outputs=("integrationResponseSelectionExpression",),
    ),
    _child("Route", _ROUTE, ChildHandler("Route", _ROUTE)),
    _child("RouteResponse", _ROUTE_RESPONSE, ChildHandler("RouteResponse", _ROUTE_RESPONSE, ("apiId", "routeId"))),
    _child(
        "IntegrationResponse",
        _INTEGRATION_RESPONSE,
        ChildHandler("IntegrationResponse", _INTEGRATION_RESPONSE, ("apiId", "integrationId")),
    ),
    _child(
        "Authorizer",
        _AUTHORIZER,
        ChildHandler("Authorizer", _AUTHORIZER),
        autoname=Autoname(longest=128),
        rules=_authorizer_rules,
    ),
    _child("Deployment", _DEPLOYMENT, DeploymentHandler("Deployment", _DEPLOYMENT), outputs=("autoDeployed",)),
    _child(
        "Stage",
        _STAGE,
        StageHandler(),
        outputs=("invokeUrl", "executionArn", "arn", "tagsAll"),
        autoname=Autoname(longest=128),
        rules=_stage_rules,
    ),
    _child(
        "DomainName",
        _DOMAIN_FIELDS,
        DomainHandler(),
        outputs=("apiMappingSelectionExpression", "arn", "tagsAll"),
    ),
    _child("ApiMapping", _MAPPING, ChildHandler("ApiMapping", _MAPPING, ("domainName",), frozenset({"apiId"}))),
    ResourceType(
        token="aws:apigateway/account:Account",
        fields={"cloudwatchRoleArn": STRING, "region": REGION},
        outputs=("features",),
        handler=AccountHandler(),
    ),
)
