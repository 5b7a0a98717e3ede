"""A Pulumi engine for tests: it runs a program to its end and records what was asked of it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import pulumi
from pulumi.runtime import mocks, rpc
from pulumi.runtime.proto import resource_pb2

STACK = "dev"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"
_SIGNATURE = "4dabf18193072939515e22adb298388d"


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """One resource as the engine got it."""

    type: str
    name: str
    parent: str
    """Logical name of the parent; empty for the stack."""
    inputs: dict[str, Any]
    custom: bool
    provider: str
    protect: bool
    ignores: frozenset[str]
    """Properties whose changes are left alone."""
    depends_on: frozenset[str]
    """Logical names."""
    refers: dict[str, frozenset[str]]
    """Property to the logical names of what its value was made from."""


@dataclass(slots=True)
class Recording:
    """Everything that a program asked for."""

    resources: list[Registered] = field(default_factory=list)
    with_outputs: set[str] = field(default_factory=set)
    """Logical names of components that registered their outputs."""

    def inputs(self, type_: str) -> list[dict[str, Any]]:
        """Inputs of all resources of a type, at least one."""
        found = [one.inputs for one in self.resources if one.type == type_]
        assert found, f"no {type_} among {sorted({one.type for one in self.resources})}"
        return found

    def one(self, name: str) -> Registered:
        """The one resource with this logical name."""
        [found] = [one for one in self.resources if one.name == name]
        return found

    def custom(self) -> list[Registered]:
        """What is not a component, providers apart; at least one."""
        found = [one for one in self.resources if one.custom and not one.type.startswith("pulumi:")]
        assert found
        return found

    def components(self) -> list[Registered]:
        """The components; at least one."""
        found = [one for one in self.resources if not one.custom]
        assert found
        return found


def plain(value: Any) -> Any:
    """A value without the wrapping of secrets."""
    if isinstance(value, dict):
        return plain(value["value"]) if value.get(_SIGNATURE) == _SECRET else {k: plain(v) for k, v in value.items()}
    return [plain(one) for one in value] if isinstance(value, list) else value


class _Answers(mocks.Mocks):
    """What AWS would compute, as texts that show where they come from."""

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        raise AssertionError(f"the program asks the provider: {args.token}")

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        name = args.inputs.get("name", args.name)
        computed: dict[str, str] = {"arn": f"arn:{name}"}
        match args.typ:
            case "aws:dynamodb/table:Table":
                computed["streamArn"] = f"arn:{name}/stream/2026"
            case "aws:lambda/function:Function":
                computed["version"] = "7"
            case "aws:lambda/alias:Alias":
                function = args.inputs["functionName"]
                computed = {"arn": f"arn:{function}:{name}", "invokeArn": f"invoke:{function}:{name}"}
            case "aws:apigatewayv2/api:Api":
                computed |= {
                    "apiEndpoint": "wss://abc.execute-api.eu-west-1.amazonaws.com",
                    "executionArn": "execute:abc",
                }
            case "aws:apigatewayv2/domainName:DomainName":
                configuration = {**args.inputs["domainNameConfiguration"], "targetDomainName": "d-1.example.net"}
                return f"{args.name}-id", {**args.inputs, "domainNameConfiguration": configuration}
            case "aws:sqs/queue:Queue":
                computed["url"] = f"https://sqs/{name}"
        return f"{args.name}-id", {**args.inputs, **computed}


class _Monitor(mocks.MockMonitor):
    def __init__(self, recording: Recording, answers: mocks.Mocks) -> None:
        super().__init__(answers)
        self._recording = recording

    def RegisterResource(  # noqa: N802 - the name of the call
        self, request: resource_pb2.RegisterResourceRequest
    ) -> resource_pb2.RegisterResourceResponse:
        if request.type != "pulumi:pulumi:Stack":
            self._recording.resources.append(
                Registered(
                    type=request.type,
                    name=request.name,
                    parent=_name(request.parent)
                    if "pulumi:pulumi:Stack" not in request.parent.split("::")[2:3]
                    else "",
                    inputs=plain(rpc.deserialize_properties(request.object)),
                    custom=request.custom,
                    provider=request.provider,
                    protect=request.protect,
                    ignores=frozenset(request.ignoreChanges),
                    depends_on=frozenset(map(_name, request.dependencies)),
                    refers={
                        key: frozenset(map(_name, found.urns))
                        for key, found in request.propertyDependencies.items()
                        if found.urns
                    },
                )
            )
        answer: resource_pb2.RegisterResourceResponse = super().RegisterResource(request)  # type: ignore[no-untyped-call]
        return answer

    def RegisterResourceOutputs(  # noqa: N802 - the name of the call
        self, request: resource_pb2.RegisterResourceOutputsRequest
    ) -> Any:
        self._recording.with_outputs.add(_name(request.urn))
        return super().RegisterResourceOutputs(request)  # type: ignore[no-untyped-call]


def _name(urn: str) -> str:
    return urn.rsplit("::", 1)[-1]


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """Pulumi takes the thread's loop and holds on to it, and any test that used asyncio.run leaves none behind."""
    return asyncio.new_event_loop()


def deploy(
    program: Callable[[], object],
    stack: str = STACK,
    into: Recording | None = None,
    answers: mocks.Mocks | None = None,
    *,
    preview: bool = False,
) -> Recording:
    """Run a program until the engine is idle; afterwards every resource is recorded.

    What the program raises comes out here, also when it was raised inside an ``apply``; a recording that was handed
    in holds what had been asked for until then. ``answers`` stands in for what AWS would compute; in a preview it is
    not known what they leave out.
    """
    recording = Recording() if into is None else into
    answers = answers or _Answers()
    asyncio.set_event_loop(_loop())
    mocks.set_mocks(answers, project="trebuche", stack=stack, preview=preview, monitor=_Monitor(recording, answers))
    ran: list[bool] = []

    def whole() -> None:
        program()
        ran.append(True)

    pulumi.runtime.test(whole)()  # type: ignore[no-untyped-call]
    assert ran, "the program did not run to its end"
    return recording


def resolve(output: Callable[[], pulumi.Output[Any]]) -> Any:
    """The value of an output that a program fragment makes; fails when it never gets one."""
    values: list[Any] = []
    deploy(lambda: output().apply(values.append))
    [value] = values
    return value
