"""Custom domains, and the account's role for logs."""

# ruff: noqa: ARG002 (a handler's signature is the table's)
from sandbox.provider.cloud import Scope, existing
from sandbox.provider.properties import (
    REGION,
    STRING,
    TAGS,
    Props,
    fields,
    one_of,
)
from sandbox.provider.resources.apigateway import replace_tags, row, tags_of
from sandbox.provider.table import Edit, Handler, ResourceType
from sandbox.provider.translate import from_api, to_api


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
            "tags": tags_of(scope, arn),
        }

    def update(self, scope: Scope, ident: str, edit: Edit) -> None:
        """UpdateDomainName."""
        if edit.touches("domainNameConfiguration"):
            scope.client("apigatewayv2").update_domain_name(**_domain(edit.new))
        if edit.touches("tags"):
            replace_tags(scope, str(edit.old["arn"]), edit)

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
        # There is one for each account and Region, so that the official provider, too, has a constant for an id.
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


_DOMAIN_CONFIGURATION = {
    "certificateArn": STRING.but(required=True),
    # WebSocket APIs have Regional domains with TLS 1.2 and no others (API Gateway guide, custom domain names).
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


ROWS = (
    row(
        "DomainName",
        _DOMAIN_FIELDS,
        DomainHandler(),
        outputs=("apiMappingSelectionExpression", "arn", "tagsAll"),
    ),
    ResourceType(
        token="aws:apigateway/account:Account",
        fields={"cloudwatchRoleArn": STRING, "region": REGION},
        outputs=("features",),
        handler=AccountHandler(),
    ),
)
