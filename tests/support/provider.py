"""What the engine does to the provider, without the engine: its calls over gRPC, in its order."""

import contextlib
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import grpc
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from sandbox.provider import wire
from sandbox.provider.__main__ import serve
from sandbox.provider.resources import TABLE
from sandbox.provider.servicer import AwsProvider
from sandbox.provider.table import ResourceType

Json = dict[str, Any]
DIFF_NONE = provider_pb2.DiffResponse.DIFF_NONE


class CheckFailedError(AssertionError):
    """The provider refused the inputs; the text holds every reason."""


@dataclass
class Resource:
    """A deployed resource as the engine's state has it."""

    token: str
    name: str
    ident: str
    inputs: Json
    state: Json

    @property
    def urn(self) -> str:
        """The resource's URN in stack ``dev`` of project ``test``."""
        return urn(self.token, self.name)


def urn(token: str, name: str) -> str:
    """A URN in stack ``dev`` of project ``test``."""
    return f"urn:pulumi:dev::test::{token}::{name}"


@dataclass
class Engine:
    """Drives one configured provider.

    Attributes:
        made: Everything that was created and not deleted, oldest first.
    """

    stub: provider_pb2_grpc.ResourceProviderStub
    made: list[Resource] = field(default_factory=list)

    def configure(self, **settings: str) -> None:
        """Configure with provider settings as they travel: text."""
        self.stub.Configure(provider_pb2.ConfigureRequest(args=wire.encode(settings)))

    def check(self, token: str, name: str, news: Json, olds: Json | None = None) -> Json:
        """Checked inputs; raises CheckFailedError with the reasons."""
        answer = self.stub.Check(
            provider_pb2.CheckRequest(
                urn=urn(token, name),
                news=wire.encode(news),
                olds=wire.encode(olds or {}),
                randomSeed=uuid.uuid4().bytes,
            )
        )
        if answer.failures:
            raise CheckFailedError("\n".join(f"{failure.property}: {failure.reason}" for failure in answer.failures))
        return wire.decode(answer.inputs)

    def create(self, token: str, name: str, inputs: Json) -> Resource:
        """Check and create."""
        checked = self.check(token, name, inputs)
        answer = self.stub.Create(
            provider_pb2.CreateRequest(urn=urn(token, name), properties=wire.encode(checked), preview=False)
        )
        return self.adopt(token, name, answer.id, checked, wire.decode(answer.properties))

    def adopt(self, token: str, name: str, ident: str, inputs: Json, state: Json) -> Resource:
        """Take a resource into the stack."""
        resource = Resource(token, name, ident, inputs, state)
        self.made.append(resource)
        return resource

    def foretell(self, token: str, name: str, inputs: Json) -> Json:
        """What Create answers in a preview."""
        checked = self.check(token, name, inputs)
        request = provider_pb2.CreateRequest(urn=urn(token, name), properties=wire.encode(checked), preview=True)
        return wire.decode(self.stub.Create(request).properties)

    def diff(self, resource: Resource, inputs: Json) -> provider_pb2.DiffResponse:
        """Check and diff."""
        checked = self.check(resource.token, resource.name, inputs, resource.inputs)
        answer: provider_pb2.DiffResponse = self.stub.Diff(
            provider_pb2.DiffRequest(
                urn=resource.urn,
                id=resource.ident,
                olds=wire.encode(resource.state),
                old_inputs=wire.encode(resource.inputs),
                news=wire.encode(checked),
            )
        )
        return answer

    def changed(self, resource: Resource, inputs: Json) -> list[str]:
        """The paths that differ."""
        return sorted(self.diff(resource, inputs).detailedDiff)

    def update(self, resource: Resource, inputs: Json, *, preview: bool = False) -> Json:
        """Check and update; without ``preview`` the resource changes. Returns the new state."""
        checked = self.check(resource.token, resource.name, inputs, resource.inputs)
        answer = self.stub.Update(
            provider_pb2.UpdateRequest(
                urn=resource.urn,
                id=resource.ident,
                olds=wire.encode(resource.state),
                old_inputs=wire.encode(resource.inputs),
                news=wire.encode(checked),
                preview=preview,
            )
        )
        state = wire.decode(answer.properties)
        if not preview:
            resource.inputs, resource.state = checked, state
        return state

    def refresh(self, resource: Resource) -> bool:
        """Read the resource as ``pulumi refresh`` does; whether it still exists."""
        answer = self.stub.Read(
            provider_pb2.ReadRequest(
                urn=resource.urn,
                id=resource.ident,
                properties=wire.encode(resource.state),
                inputs=wire.encode(resource.inputs),
            )
        )
        resource.state, resource.inputs = wire.decode(answer.properties), wire.decode(answer.inputs)
        return bool(answer.id)

    def imported(self, token: str, ident: str) -> Resource:
        """Read with nothing but an id, as ``pulumi import`` does."""
        answer = self.stub.Read(provider_pb2.ReadRequest(urn=urn(token, "imported"), id=ident))
        return Resource(token, "imported", answer.id, wire.decode(answer.inputs), wire.decode(answer.properties))

    def delete(self, resource: Resource) -> None:
        """Delete."""
        self.stub.Delete(
            provider_pb2.DeleteRequest(urn=resource.urn, id=resource.ident, properties=wire.encode(resource.state))
        )
        self.made = [other for other in self.made if other is not resource]

    def delete_all(self) -> None:
        """Delete what is left, newest first."""
        for resource in reversed(self.made):
            self.delete(resource)

    def invoke(self, token: str, args: Json) -> Json:
        """Call a provider function."""
        answer = self.stub.Invoke(provider_pb2.InvokeRequest(tok=token, args=wire.encode(args)))
        return wire.decode(getattr(answer, "return"))


@contextlib.contextmanager
def running_provider(endpoint: str, table: Mapping[str, ResourceType] = TABLE) -> Iterator[Engine]:
    """A served provider on an AWS address, not yet configured."""
    server, port = serve(AwsProvider(table, {"AWS_ENDPOINT_URL": endpoint}, "7.51.1"))
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield Engine(provider_pb2_grpc.ResourceProviderStub(channel))
    server.stop(grace=None)
