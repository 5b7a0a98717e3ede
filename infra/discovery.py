"""Where the actors are: a Cloud Map namespace in which the runtime looks up the function of an exposed name."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_aws import servicediscovery

from infra.function import LambdaFunction
from infra.grants import Grant
from trebuche.contract import (
    ACTOR_ID,
    DISCOVERY_ENDPOINT,
    DISCOVERY_PROVIDER,
    DISCOVERY_REGION,
    DISCOVERY_SCHEME,
    DISCOVERY_SERVICE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ActorDirectoryArgs:
    """A namespace and what is registered in it."""

    namespace: str
    region: str
    functions: Mapping[str, LambdaFunction]
    """Exposed name to function."""


class ActorDirectory(pulumi.ComponentResource):
    """One service whose instances are the exposed names; found by API calls, not by DNS."""

    def __init__(self, name: str, args: ActorDirectoryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("trebuche:aws:ActorDirectory", name, {}, opts)
        self._namespace = args.namespace
        child = pulumi.ResourceOptions(parent=self)
        namespace = servicediscovery.HttpNamespace(f"{name}-namespace", name=args.namespace, opts=child)
        service = servicediscovery.Service(
            f"{name}-service", name=DISCOVERY_SERVICE, namespace_id=namespace.id, type="HTTP", opts=child
        )
        for exposed, function in args.functions.items():
            servicediscovery.Instance(
                f"{name}-actor-{exposed}",
                service_id=service.id,
                instance_id=exposed,
                attributes={
                    ACTOR_ID: exposed,
                    DISCOVERY_ENDPOINT: function.alias_arn,
                    DISCOVERY_REGION: args.region,
                    DISCOVERY_PROVIDER: "aws",
                    DISCOVERY_SCHEME: "lambda",
                },
                opts=child,
            )
        self.register_outputs({})

    def grant_discover(self) -> Grant:
        """Look up this namespace's actors, and no others.

        DiscoverInstances knows no resources, only these two keys, and every request carries both: ``IfExists`` widens
        nothing.
        """
        keys = {"servicediscovery:NamespaceName": self._namespace, "servicediscovery:ServiceName": DISCOVERY_SERVICE}
        return Grant("Discover", ("servicediscovery:DiscoverInstances",), ("*",), {"StringEqualsIfExists": keys})
