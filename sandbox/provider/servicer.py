"""The provider's gRPC face: engine messages in, engine messages out; every decision is made elsewhere.

A raw servicer, because ``pulumi.provider.experimental`` loses archive hashes and the old inputs that a diff needs.
Secrets are not accepted: the engine then sends plain values and marks the same positions as secret again.
"""
# ruff: noqa: N802, ARG002 (names and signatures are the protocol's)

from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

import grpc
from google.protobuf import any_pb2, empty_pb2, struct_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc, status_pb2

from sandbox.provider import diff, invokes, provider_config, schema, wire
from sandbox.provider.checking import Failure
from sandbox.provider.cloud import Cloud
from sandbox.provider.lifecycle import FAILURES, Lifecycle, Made, one_line, resource_name
from sandbox.provider.naming import Naming
from sandbox.provider.table import ResourceType

_KINDS = {
    diff.ChangeKind.ADD: (provider_pb2.PropertyDiff.ADD, provider_pb2.PropertyDiff.ADD_REPLACE),
    diff.ChangeKind.UPDATE: (provider_pb2.PropertyDiff.UPDATE, provider_pb2.PropertyDiff.UPDATE_REPLACE),
    diff.ChangeKind.DELETE: (provider_pb2.PropertyDiff.DELETE, provider_pb2.PropertyDiff.DELETE_REPLACE),
}


class AwsProvider(provider_pb2_grpc.ResourceProviderServicer):
    """Answers the engine for package ``aws``.

    Args:
        table: Resource types by token.
        environment: Where ``AWS_ENDPOINT_URL``, the region and the credentials come from.
        version: The version of the SDK that the table was written for.
    """

    def __init__(self, table: Mapping[str, ResourceType], environment: Mapping[str, str], version: str) -> None:
        self._table = table
        self._environment = environment
        self._version = version
        self._lifecycle: Lifecycle | None = None

    def Handshake(
        self, request: provider_pb2.ProviderHandshakeRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ProviderHandshakeResponse:
        """Agree on features: plain values, no resource references."""
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=False)

    def Attach(self, request: plugin_pb2.PluginAttach, context: grpc.ServicerContext) -> empty_pb2.Empty:
        """Nothing to attach to."""
        return empty_pb2.Empty()

    def Cancel(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> empty_pb2.Empty:
        """Every wait is bounded, so nothing has to be interrupted."""
        return empty_pb2.Empty()

    def GetPluginInfo(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> plugin_pb2.PluginInfo:
        """The version that the SDK asks for."""
        return plugin_pb2.PluginInfo(version=self._version)

    def GetSchema(
        self, request: provider_pb2.GetSchemaRequest, context: grpc.ServicerContext
    ) -> provider_pb2.GetSchemaResponse:
        """Enough schema for ``pulumi import`` to write code."""
        return provider_pb2.GetSchemaResponse(schema=schema.render(self._table, self._version))

    def GetMapping(
        self, request: provider_pb2.GetMappingRequest, context: grpc.ServicerContext
    ) -> provider_pb2.GetMappingResponse:
        """No other tool's names are mapped."""
        return provider_pb2.GetMappingResponse()

    def GetMappings(
        self, request: provider_pb2.GetMappingsRequest, context: grpc.ServicerContext
    ) -> provider_pb2.GetMappingsResponse:
        """No other tool's names are mapped."""
        return provider_pb2.GetMappingsResponse()

    def CheckConfig(
        self, request: provider_pb2.CheckRequest, context: grpc.ServicerContext
    ) -> provider_pb2.CheckResponse:
        """Refuse provider settings that the sandbox does not have."""
        refused = provider_config.refusals(wire.decode(request.news))
        failures = [provider_pb2.CheckFailure(property=name, reason=reason) for name, reason in refused]
        return provider_pb2.CheckResponse(inputs=request.news, failures=failures)

    def DiffConfig(self, request: provider_pb2.DiffRequest, context: grpc.ServicerContext) -> provider_pb2.DiffResponse:
        """Settings never replace the provider; a changed region shows at each resource."""
        same = wire.decode(request.old_inputs) == wire.decode(request.news)
        none, some = provider_pb2.DiffResponse.DIFF_NONE, provider_pb2.DiffResponse.DIFF_SOME
        return provider_pb2.DiffResponse(changes=none if same else some)

    def Configure(
        self, request: provider_pb2.ConfigureRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ConfigureResponse:
        """Bind to the sandbox's address and the account."""
        try:
            config = provider_config.parse(wire.decode(request.args), self._environment)
            cloud = Cloud(
                endpoint=provider_config.sandbox_endpoint(self._environment),
                credentials=config.credentials,
                region=config.region,
                endpoints=config.endpoints,
            )
            provider_config.check_account(config, cloud)
        except FAILURES as error:
            _abort(context, one_line(error))
        self._lifecycle = Lifecycle(table=self._table, cloud=cloud, default_tags=config.default_tags)
        return provider_pb2.ConfigureResponse(acceptSecrets=False, supportsPreview=True)

    def Invoke(self, request: provider_pb2.InvokeRequest, context: grpc.ServicerContext) -> provider_pb2.InvokeResponse:
        """Answer a provider function."""
        try:
            answer = invokes.invoke(request.tok, self._ready(context).cloud, wire.decode(request.args))
        except FAILURES as error:
            _abort(context, f"{request.tok}: {one_line(error)}")
        return provider_pb2.InvokeResponse(**{"return": wire.encode(answer)})

    def Check(self, request: provider_pb2.CheckRequest, context: grpc.ServicerContext) -> provider_pb2.CheckResponse:
        """Fill in the name; refuse what the sandbox or AWS would refuse."""
        naming = Naming(
            logical=resource_name(request.urn), seed=request.randomSeed, proposed=request.autonaming.proposed_name
        )
        inputs, failures = self._ready(context).check(
            _token(request), wire.decode(request.olds), wire.decode(request.news), naming
        )
        return provider_pb2.CheckResponse(inputs=wire.encode(inputs), failures=list(map(_failure, failures)))

    def Diff(self, request: provider_pb2.DiffRequest, context: grpc.ServicerContext) -> provider_pb2.DiffResponse:
        """What changes, what of it replaces, and whether the old one must go first."""
        state, news = wire.decode(request.olds), wire.decode(request.news)
        plan = self._ready(context).diff(_token(request), _hold(state, request.ignoreChanges, news), news)
        response = provider_pb2.DiffResponse
        return provider_pb2.DiffResponse(
            changes=response.DIFF_SOME if plan.changes else response.DIFF_NONE,
            diffs=sorted({change.top for change in plan.changes}),
            replaces=sorted({change.top for change in plan.changes if change.replaces}),
            detailedDiff={
                change.path: provider_pb2.PropertyDiff(kind=_KINDS[change.kind][change.replaces])
                for change in plan.changes
            },
            hasDetailedDiff=True,
            deleteBeforeReplace=plan.delete_first,
        )

    def Create(self, request: provider_pb2.CreateRequest, context: grpc.ServicerContext) -> provider_pb2.CreateResponse:
        """Make a resource, or foretell it."""
        lifecycle, inputs = self._ready(context), wire.decode(request.properties)
        if request.preview:
            known = lifecycle.preview_create(_token(request), inputs)
            return provider_pb2.CreateResponse(properties=wire.encode(known))
        try:
            made = lifecycle.create(_token(request), request.urn, inputs)
        except FAILURES as error:
            _abort(context, one_line(error))
        if made.reasons:
            _abort_half_made(context, made, inputs)
        return provider_pb2.CreateResponse(id=made.ident, properties=_outputs(made.ident, made.state))

    def Read(self, request: provider_pb2.ReadRequest, context: grpc.ServicerContext) -> provider_pb2.ReadResponse:
        """What AWS holds now; an empty answer when it is gone."""
        state, inputs = wire.decode(request.properties), wire.decode(request.inputs)
        try:
            found = self._ready(context).read(_token(request), request.urn, request.id, state, inputs)
        except FAILURES as error:
            _abort(context, one_line(error))
        if found is None:
            return provider_pb2.ReadResponse()
        return provider_pb2.ReadResponse(
            id=found.ident, properties=_outputs(found.ident, found.state), inputs=wire.encode(found.inputs)
        )

    def Update(self, request: provider_pb2.UpdateRequest, context: grpc.ServicerContext) -> provider_pb2.UpdateResponse:
        """Change a resource in place, or foretell it."""
        lifecycle, olds, news = self._ready(context), wire.decode(request.olds), wire.decode(request.news)
        if request.preview:
            known = lifecycle.preview_update(_token(request), olds, wire.decode(request.old_inputs), news)
            return provider_pb2.UpdateResponse(properties=_outputs(request.id, known))
        try:
            made = lifecycle.update(_token(request), request.urn, request.id, olds, news)
        except FAILURES as error:
            _abort(context, one_line(error))
        return provider_pb2.UpdateResponse(properties=_outputs(request.id, made.state))

    def Delete(self, request: provider_pb2.DeleteRequest, context: grpc.ServicerContext) -> empty_pb2.Empty:
        """Remove a resource."""
        try:
            self._ready(context).delete(_token(request), request.urn, request.id, wire.decode(request.properties))
        except FAILURES as error:
            _abort(context, one_line(error))
        return empty_pb2.Empty()

    def _ready(self, context: grpc.ServicerContext) -> Lifecycle:
        if self._lifecycle is None:
            _abort(context, "the aws provider was used before it was configured")
        return self._lifecycle


def _outputs(ident: str, state: Mapping[str, Any]) -> struct_pb2.Struct:
    """A state as the engine keeps it: bridged providers have the id among the outputs, where policy packs find it."""
    return wire.encode({**state, "id": ident})


def _token(request: Any) -> str:
    # The types of the parents come before it, parted by `$`.
    return str(request.urn).split("::")[-2].rsplit("$", 1)[-1]


def _hold(state: Mapping[str, Any], ignored: Iterable[str], news: Mapping[str, Any]) -> dict[str, Any]:
    """The state with ignored properties taken from the inputs, into which the engine has put the old values."""
    return {**state, **{name: news.get(name) for name in ignored if name.isidentifier()}}


def _failure(failure: Failure) -> Any:
    return provider_pb2.CheckFailure(property=failure.path, reason=failure.reason)


def _abort(context: grpc.ServicerContext, message: str) -> NoReturn:
    context.abort(grpc.StatusCode.UNKNOWN, message)
    raise AssertionError("abort raises")


def _abort_half_made(context: grpc.ServicerContext, made: Made, inputs: Mapping[str, Any]) -> NoReturn:
    """Tell the engine that the resource exists but its set-up failed: it keeps the id and updates it the next time."""
    detail = any_pb2.Any()
    detail.Pack(
        provider_pb2.ErrorResourceInitFailed(
            id=made.ident,
            properties=_outputs(made.ident, made.state),
            inputs=wire.encode(inputs),
            reasons=made.reasons,
        )
    )
    status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message="; ".join(made.reasons), details=[detail])
    # Where gRPC clients look for an error's details.
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    _abort(context, "; ".join(made.reasons))
