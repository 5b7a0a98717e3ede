"""The whole runtime on ports in memory: a socket's events in, frames out, and the table's stream by hand."""

import base64
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

from trebuche.actors import Actor
from trebuche.adapters.memory import (
    InMemoryCatchUpQueue,
    InMemoryConnectionSender,
    InMemoryConnectionStorage,
    InMemoryDepartureQueue,
    InMemoryInvoker,
    InMemoryRegistry,
    InMemoryStateStore,
    InMemorySubscriptionStorage,
    KeptLog,
    ManualClock,
    SeededEntropy,
)
from trebuche.adapters.memory_counters import InMemoryCounters
from trebuche.auth.access import Access
from trebuche.auth.limiter import Limiter
from trebuche.auth.limits import Limits
from trebuche.batches import BatchReply
from trebuche.contract import DEFAULT_RETENTION_HOURS
from trebuche.documents import dumps, loads
from trebuche.envelopes import (
    Envelope,
    InvocationEnvelope,
    ResponseEnvelope,
    StreamDataEnvelope,
    StreamFilter,
    StreamResumeEnvelope,
    StreamStartEnvelope,
    TrebuchetActorID,
    decode,
    encode,
)
from trebuche.gateway import CloudGateway
from trebuche.metrics import Source
from trebuche.ports import Ports
from trebuche.socket_events import Reply
from trebuche.stored import CallRecord, StoredState, Turn
from trebuche.stream_adapter import DynamoDBStreamAdapter
from trebuche.websocket import WebSocketLambdaHandler

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:actors:live"


def call(actor: str, method: str, *arguments: Any, call_id: UUID | None = None) -> InvocationEnvelope:
    """A call as a client makes it."""
    documents = tuple(dumps(argument).encode() for argument in arguments)
    return InvocationEnvelope(call_id or uuid4(), TrebuchetActorID(actor), method, 2, (), documents)


def observe(actor: str, target: str = "observeState", *, only: StreamFilter | None = None) -> InvocationEnvelope:
    """A subscription as a client asks for it."""
    return InvocationEnvelope(uuid4(), TrebuchetActorID(actor), target, 2, stream_filter=only)


def resume(stream_id: UUID, last: int, actor: str, target: str = "observeState") -> StreamResumeEnvelope:
    """A resume as a client asks for it."""
    return StreamResumeEnvelope(stream_id, last, TrebuchetActorID(actor), target)


def socket_event(kind: str, connection_id: str = "c1", body: str | None = None, **more: Any) -> dict[str, Any]:
    """An event of API Gateway's."""
    context: dict[str, Any] = {"eventType": kind, "connectionId": connection_id, "connectedAt": 1_767_225_000_000}
    if "principal" in more:
        context["authorizer"] = {"principalId": more["principal"], **more.get("context", {})}
    return {"requestContext": context, "isBase64Encoded": False} | ({} if body is None else {"body": body})


def message(envelope: Envelope, connection_id: str = "c1", **more: Any) -> dict[str, Any]:
    """An event with a frame."""
    return socket_event("MESSAGE", connection_id, encode(envelope), **more)


class World:
    """Two functions, a stream processor and everything they stand on.

    Args:
        actors: Classes to expose.
        stateful: Whether they keep state.
        retention_hours: Of journal, call records and detached streams.
        access: What is asked of callers.
        limits: How much they may ask for.
        idle_seconds: How long connections may be silent.
        window_ms: Per value for their subscribers, who get the latest; 0 for every one.
    """

    def __init__(
        self,
        *actors: type[Actor[Any]],
        stateful: bool = True,
        retention_hours: int = DEFAULT_RETENTION_HOURS,
        access: Access | None = None,
        limits: Limits | None = None,
        idle_seconds: int = 0,
        window_ms: int = 0,
    ) -> None:
        self.states = InMemoryStateStore()
        self.subscriptions = InMemorySubscriptionStorage()
        self.connections = InMemoryConnectionStorage()
        self.sender = InMemoryConnectionSender()
        self.catch_ups = InMemoryCatchUpQueue()
        self.departures = InMemoryDepartureQueue()
        self.clock = ManualClock()
        self.log = KeptLog()
        self.registry = InMemoryRegistry({actor.exposed_as: FUNCTION for actor in actors})
        self._actors = actors
        self._stateful = stateful
        self._window_ms = window_ms
        self._retention_seconds = retention_hours * 3600
        self._access = access or Access()
        self._idle_seconds = idle_seconds
        self.limits = limits or Limits()
        self.counters = InMemoryCounters()
        self._seen: dict[str, StoredState] = {}
        self._deleted: dict[str, int] = {}
        self._records = 0
        self.use(sender=self.sender)

    def use(self, *, sender: InMemoryConnectionSender) -> None:
        """Build the functions, on this sender."""
        self.sender = sender
        self.ports = Ports(
            states=self.states,
            subscriptions=self.subscriptions,
            connections=self.connections,
            sender=self.sender,
            catch_ups=self.catch_ups,
            functions=InMemoryInvoker({FUNCTION: lambda event: self.gateway.handle(event)}),
            registry=self.registry,
            clock=self.clock,
            entropy=SeededEntropy(),
            logs=self.log,
            retention_seconds=self._retention_seconds,
            source=Source("test", "my-app-test"),
            access=self._access,
            limits=self.limits,
            limiter=Limiter(self.limits, self.counters),
            departures=self.departures,
            idle_seconds=self._idle_seconds,
        )
        self.gateway = CloudGateway(self.ports)
        for actor in self._actors:
            self.gateway.expose(actor, stateful=self._stateful, window_ms=self._window_ms)
        self.handler = WebSocketLambdaHandler(self.ports)
        self.processor = DynamoDBStreamAdapter(self.ports)

    def connect(self, connection_id: str = "c1", **more: Any) -> None:
        """Open a connection."""
        assert self.handler.handle(socket_event("CONNECT", connection_id, **more)) == {"statusCode": 200}

    def disconnect(self, connection_id: str = "c1") -> None:
        """Close a connection, as far as API Gateway says."""
        assert self.handler.handle(socket_event("DISCONNECT", connection_id)) == {"statusCode": 200}

    def send(self, envelope: Envelope, connection_id: str = "c1", **more: Any) -> Reply:
        """Send a frame, and get what the function returns."""
        return self.handler.handle(message(envelope, connection_id, **more))

    def ask(self, envelope: InvocationEnvelope, connection_id: str = "c1") -> ResponseEnvelope:
        """Call, and get the response."""
        answer = decode(self.send(envelope, connection_id)["body"])
        assert isinstance(answer, ResponseEnvelope)
        return answer

    def result(self, actor: str, method: str, *arguments: Any) -> Any:
        """Call, and get what was returned as plain JSON."""
        response = self.ask(call(actor, method, *arguments))
        assert response.error_message is None
        return loads(response.result) if response.result else None

    def frames(self, connection_id: str = "c1") -> list[Envelope]:
        """What the connection got so far; each frame once."""
        return [decode(text) for text in self.sender.sent.pop(connection_id, [])]

    def values(self, connection_id: str = "c1") -> list[tuple[int, Any]]:
        """Numbers and values among the frames."""
        found = (frame for frame in self.frames(connection_id) if isinstance(frame, StreamDataEnvelope))
        return [(frame.sequence_number, loads(frame.data)) for frame in found]

    def watch(self, actor: str, target: str = "observeState", connection_id: str = "c1") -> UUID:
        """Subscribe; the id of the stream. Frames that came are left to be read."""
        assert self.send(observe(actor, target), connection_id)["statusCode"] == 200
        starts = [decode(text) for text in self.sender.sent[connection_id]]
        return [start.stream_id for start in starts if isinstance(start, StreamStartEnvelope)][-1]

    def records(self) -> list[dict[str, Any]]:
        """What the table's stream holds since the last time, in Lambda's form."""
        found = []
        for actor_id in sorted(self._seen.keys() | self.states.states.keys()):
            old, new = self._seen.get(actor_id), self.states.states.get(actor_id)
            if new is None:
                gone = self._seen.pop(actor_id)
                self._deleted[actor_id] = gone.version
                found.append(self._record("REMOVE", actor_id, gone, None))
                continue
            first = (old.version if old else self._deleted.get(actor_id, 0)) + 1
            for entry in self.states.journal(actor_id, first, new.version, now=0):
                version = replace(new, version=entry.version, state=entry.state)
                found.append(self._record("MODIFY" if old else "INSERT", actor_id, old, version))
                old = version
            self._seen[actor_id] = new
        return found

    def pump(self) -> BatchReply:
        """Let the stream processor work off what has changed."""
        return self.processor.handle({"Records": self.records()})

    def _record(self, name: str, actor_id: str, old: StoredState | None, new: StoredState | None) -> dict[str, Any]:
        self._records += 1
        data: dict[str, Any] = {
            "ApproximateCreationDateTime": self.clock.now_ms() / 1000,
            "Keys": {"actorId": {"S": actor_id}},
            "SequenceNumber": str(10**21 + self._records),
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        }
        images = {"OldImage": old, "NewImage": new}
        data |= {key: _image(state) for key, state in images.items() if state is not None}
        return {"eventName": name, "eventSource": "aws:dynamodb", "dynamodb": data}


def write_state(world: World, actor_id: str, state: Mapping[str, Any]) -> int:
    """Write a state as a turn would; the version it got."""
    return write_document(world, actor_id, dumps(dict(state)).encode())


def write_document(world: World, actor_id: str, document: bytes) -> int:
    """Write any bytes as an actor's next state; the version they got."""
    found = world.states.load(actor_id)
    now = world.clock.now_ms() // 1000
    version = (found.version if found else world.states.highest_version(actor_id, now=now)) + 1
    turn = Turn(
        previous=found.version if found else None,
        next=StoredState(actor_id, document, version, 1, now * 1000),
        call_id=uuid4(),
        call=CallRecord("", b"", version),
        now=now,
        ttl=now + 86_400,
    )
    assert world.states.commit(turn)
    return version


def _image(state: StoredState) -> dict[str, Any]:
    return {
        "actorId": {"S": state.actor_id},
        "state": {"B": base64.b64encode(state.state).decode()},
        "version": {"N": str(state.version)},
        "updatedAt": {"N": str(state.updated_at)},
        "shape": {"S": state.shape},
    }
