"""What the program's components ask for when nothing changes it on its way to the engine: no transform, no hand.

The components run once more, in this process, against a monitor that only takes notes. What AWS has computed for the
resources that are deployed is answered from the stack's state; what it has not is not known, as in a preview.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import pulumi
from pulumi.runtime import mocks, rpc
from pulumi.runtime.proto import resource_pb2

from infra.app import StreamingApp, StreamingAppArgs
from infra.plan import Plan
from infra.provider import make_provider
from policies.model import UNKNOWN, Node

Json = dict[str, Any]
Key = tuple[str, str]
"""Type and logical name of a resource."""

SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
"""Key of assets, archives and secrets in what Pulumi writes down; their content is not there."""
_PROJECT: Final = "trebuche"


@dataclass(frozen=True, slots=True)
class Answer:
    """A resource that is deployed: its id and outputs."""

    id: str
    outputs: Json


Answers = Mapping[Key, Answer]


def key_of(node: Node) -> Key:
    """By what a resource is known here: URNs are the engine's."""
    return node.type, name_of(node.urn)


def name_of(urn: str) -> str:
    """The logical name at the end of a URN."""
    return urn.rsplit("::", 1)[-1]


def answers_of(resources: Iterable[Json]) -> Answers:
    """Ids and outputs out of a stack's state, as far as they are in plain text."""
    return {
        (one["type"], name_of(one["urn"])): Answer(str(one.get("id") or ""), _plain(one.get("outputs") or {}))
        for one in resources
        if str(one["type"]).startswith("aws:")
    }


def expected_nodes(plan: Plan, answers: Answers) -> dict[Key, Node]:
    """The resources of AWS's that the components ask for, with their inputs; URNs are logical names."""
    monitor = _Notes(answers)
    asyncio.set_event_loop(asyncio.new_event_loop())
    mocks.set_mocks(monitor.mocks, project=_PROJECT, stack=plan.names.stack, preview=True, monitor=monitor)

    def program() -> None:
        provider = pulumi.ResourceOptions(provider=make_provider(plan))
        StreamingApp("app", StreamingAppArgs(plan=plan), provider)

    pulumi.runtime.test(program)()  # type: ignore[no-untyped-call]
    return monitor.nodes


def known(value: Any) -> Any:
    """A value as the rules read it: with their own word for what is not known, an archive as where it is."""
    if isinstance(value, dict):
        return {"path": value.get("path")} if SIGNATURE in value else {key: known(one) for key, one in value.items()}
    if isinstance(value, list):
        return [known(one) for one in value]
    if isinstance(value, pulumi.FileArchive | pulumi.FileAsset):
        return {"path": value.path}
    return UNKNOWN if isinstance(value, pulumi.output.Unknown) or value == rpc.UNKNOWN else value


class _Answering(mocks.Mocks):
    def __init__(self, answers: Answers) -> None:
        self._answers = answers

    def call(self, args: mocks.MockCallArgs) -> tuple[Json, list[tuple[str, str]] | None]:
        """The components ask the provider nothing."""
        raise AssertionError(f"the program asks the provider: {args.token}")

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, Json]:
        """What is deployed has its id and outputs, under the inputs that it would get now."""
        there = self._answers.get((args.typ, args.name))
        return (there.id, {**there.outputs, **args.inputs}) if there else (None, args.inputs)


class _Notes(mocks.MockMonitor):
    def __init__(self, answers: Answers) -> None:
        super().__init__(_Answering(answers))
        self.nodes: dict[Key, Node] = {}

    def RegisterResource(  # noqa: N802 - the name of the call
        self, request: resource_pb2.RegisterResourceRequest
    ) -> resource_pb2.RegisterResourceResponse:
        if request.type.startswith("aws:"):
            self.nodes[request.type, request.name] = Node(
                urn=request.name,
                type=request.type,
                props=known(rpc.deserialize_properties(request.object)),
                depends_on=frozenset(map(name_of, request.dependencies)),
                refers={
                    key: frozenset(map(name_of, found.urns)) for key, found in request.propertyDependencies.items()
                },
                protect=request.protect,
                ignores=frozenset(request.ignoreChanges),
            )
        answer: resource_pb2.RegisterResourceResponse = super().RegisterResource(request)  # type: ignore[no-untyped-call]
        return answer


def _plain(value: Any) -> Any:
    """A value without what is there by its signature only."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items() if not (isinstance(one, dict) and SIGNATURE in one)}
    return [_plain(one) for one in value] if isinstance(value, list) else value
