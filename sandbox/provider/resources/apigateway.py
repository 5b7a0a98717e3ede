"""WebSocket APIs (API Gateway v2) and what hangs on them with an id of its own."""

# ruff: noqa: ARG002 (a handler's signature is the table's)
import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from sandbox.provider.checking import Failure, list_of
from sandbox.provider.cloud import Scope, code_of, existing
from sandbox.provider.properties import (
    BOOLEAN,
    REGION,
    STRING,
    STRING_MAP,
    STRING_SET,
    TAGS,
    Property,
    Props,
    between,
    one_of,
)
from sandbox.provider.table import Autoname, Edit, Handler, ResourceType
from sandbox.provider.translate import from_api, to_api

# The emulator takes an API's id from this tag.
_CHOSEN_ID_TAG = "ms-custom-id"


API_ID = STRING.but(required=True, replaces=True)


def _snake(noun: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", noun).lower()


def tags_of(scope: Scope, arn: str) -> dict[str, str]:
    """The tags of a resource, without the one that is ours."""
    answer = scope.client("apigatewayv2").get_tags(ResourceArn=arn)
    return {key: value for key, value in answer.get("Tags", {}).items() if key != _CHOSEN_ID_TAG}


def replace_tags(scope: Scope, arn: str, edit: Edit) -> None:
    """Bring the tags of an API, a stage or a domain to what is wanted."""
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
        # Eight hexadecimal digits, because the emulator knows only such ids in a host name.
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
            "tags": tags_of(scope, arn),
            "apiEndpoint": answer.get("ApiEndpoint", ""),
            "arn": arn,
            "executionArn": scope.arn("execute-api", ident),
        }

    def update(self, scope: Scope, ident: str, edit: Edit) -> None:
        """UpdateApi with what changed."""
        settings = edit.changed - {"tags"}
        if settings:
            wanted = {**{name: _API[name].blank for name in settings}, **edit.new}
            scope.client("apigatewayv2").update_api(ApiId=ident, **to_api(_API, wanted, settings))
        if edit.touches("tags"):
            replace_tags(scope, str(edit.old["arn"]), edit)

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
        """Update what changed; what was dropped is sent empty."""
        changed = {name for name in edit.changed if not self._members[name].record_only}
        if changed:
            cleared = {name: self._members[name].blank for name in changed}
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


def _api_rules(inputs: Mapping[str, Any]) -> Iterator[Failure]:
    expression = str(inputs.get("routeSelectionExpression") or "")
    if inputs.get("protocolType") == "WEBSOCKET" and not expression:
        yield Failure(
            "routeSelectionExpression",
            "a WebSocket API needs a 'routeSelectionExpression', such as $request.body.action",
        )


def _authorizer_rules(inputs: Mapping[str, Any]) -> Iterator[Failure]:
    for index, source in enumerate(list_of(inputs.get("identitySources"))):
        if not re.fullmatch(r"(route\.request\.(header|querystring)|context|stageVariables)\..+", str(source)):
            yield Failure(
                f"identitySources[{index}]",
                f"'{source}' is no identity source of a WebSocket API: use route.request.header.Name or "
                "route.request.querystring.name",
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
    "apiId": API_ID,
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
    "templateSelectionExpression": STRING,
    # 29 s are a quota that nobody raises (API Gateway, WebSocket quotas).
    "timeoutMilliseconds": between(50, 29000).but(computed=True, api="TimeoutInMillis"),
    "region": REGION,
}


_ROUTE = {
    "apiId": API_ID,
    # Not `replaces`: UpdateRoute takes another key.
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
    "apiId": API_ID,
    "routeId": STRING.but(required=True, replaces=True),
    "routeResponseKey": one_of("$default").but(required=True),
    "modelSelectionExpression": STRING,
    "responseModels": STRING_MAP,
    "region": REGION,
}


_INTEGRATION_RESPONSE = {
    "apiId": API_ID,
    "integrationId": STRING.but(required=True, replaces=True),
    "integrationResponseKey": STRING.but(required=True),
    "contentHandlingStrategy": one_of("CONVERT_TO_BINARY", "CONVERT_TO_TEXT"),
    "responseTemplates": STRING_MAP,
    "templateSelectionExpression": STRING,
    "region": REGION,
}


_AUTHORIZER = {
    "apiId": API_ID,
    "name": STRING.but(longest=128),
    # WebSocket APIs know no other authorizers (API Gateway guide, Lambda REQUEST authorizers).
    "authorizerType": one_of("REQUEST").but(required=True),
    "authorizerUri": STRING,
    "identitySources": STRING_SET.but(api="IdentitySource"),
    "authorizerCredentialsArn": STRING,
    "region": REGION,
}


_DEPLOYMENT = {
    "apiId": API_ID,
    "description": STRING.but(longest=1024, record_only=True),
    "triggers": STRING_MAP.but(local=True, replaces=True),
    "region": REGION,
}


_MAPPING = {
    "apiId": API_ID,
    "domainName": STRING.but(required=True, replaces=True),
    "stage": STRING.but(required=True),
    "apiMappingKey": STRING,
    "region": REGION,
}


def row(token: str, members: Mapping[str, Property], handler: Handler, **more: Any) -> ResourceType:
    """A row for a type of API Gateway v2."""
    return ResourceType(
        token=f"aws:apigatewayv2/{token[0].lower()}{token[1:]}:{token}",
        fields=members,
        handler=handler,
        **{"outputs": (), **more},
    )


ROWS = (
    row(
        "Api",
        _API,
        ApiHandler(),
        outputs=("apiEndpoint", "arn", "executionArn", "tagsAll"),
        autoname=Autoname(longest=128),
        rules=_api_rules,
    ),
    row(
        "Integration",
        _INTEGRATION,
        IntegrationHandler("Integration", _INTEGRATION),
        outputs=("integrationResponseSelectionExpression",),
    ),
    row("Route", _ROUTE, ChildHandler("Route", _ROUTE)),
    row("RouteResponse", _ROUTE_RESPONSE, ChildHandler("RouteResponse", _ROUTE_RESPONSE, ("apiId", "routeId"))),
    row(
        "IntegrationResponse",
        _INTEGRATION_RESPONSE,
        ChildHandler("IntegrationResponse", _INTEGRATION_RESPONSE, ("apiId", "integrationId")),
    ),
    row(
        "Authorizer",
        _AUTHORIZER,
        ChildHandler("Authorizer", _AUTHORIZER),
        autoname=Autoname(longest=128),
        rules=_authorizer_rules,
    ),
    row("Deployment", _DEPLOYMENT, DeploymentHandler("Deployment", _DEPLOYMENT), outputs=("autoDeployed",)),
    row("ApiMapping", _MAPPING, ChildHandler("ApiMapping", _MAPPING, ("domainName",), frozenset({"apiId"}))),
)
