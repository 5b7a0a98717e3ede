"""A host name of one's own in front of the API; functions keep to the API's own address."""

from dataclasses import dataclass

import pulumi
from pulumi_aws import apigatewayv2

from infra.stack_settings import Domain
from infra.websocket_api import WebSocketApi, WebSocketStage


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomDomainArgs:
    """A host name, and the stage that it leads to."""

    domain: Domain
    api: WebSocketApi
    stage: WebSocketStage


class CustomDomain(pulumi.ComponentResource):
    """The host name and its mapping; the DNS record that leads to ``target`` is the domain's owner's to make."""

    endpoint: str
    """Where clients connect."""
    target: pulumi.Output[str]
    """What the host name must be an alias of."""

    def __init__(self, name: str, args: CustomDomainArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("trebuche:aws:CustomDomain", name, {}, opts)
        wanted, child = args.domain, pulumi.ResourceOptions(parent=self)
        host = apigatewayv2.DomainName(
            f"{name}-name",
            domain_name=wanted.name,
            # All that a WebSocket API's domain can be: regional, and TLS 1.2 (developer guide, "Custom domain names").
            domain_name_configuration=apigatewayv2.DomainNameDomainNameConfigurationArgs(
                certificate_arn=wanted.certificateArn, endpoint_type="REGIONAL", security_policy="TLS_1_2"
            ),
            opts=child,
        )
        apigatewayv2.ApiMapping(
            f"{name}-mapping",
            api_id=args.api.api.id,
            domain_name=host.domain_name,
            stage=args.stage.stage.name,
            api_mapping_key=wanted.mappingKey,
            opts=child,
        )
        self.endpoint = "/".join(part for part in (f"wss://{wanted.name}", wanted.mappingKey) if part)
        self.target = host.domain_name_configuration.target_domain_name
        self.register_outputs({"endpoint": self.endpoint, "target": self.target})
