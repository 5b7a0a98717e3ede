"""A client that keeps the protocol: repeats calls under their callID, resumes streams, closes gaps."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Protocol
from uuid import UUID

from trebuche.documents import dumps
from trebuche.envelopes import (
    Envelope,
    FilterType,
    InvocationEnvelope,
    ResponseEnvelope,
    StreamDataEnvelope,
    StreamEndEnvelope,
    StreamEndReason,
    StreamErrorEnvelope,
    StreamFilter,
    StreamResumeEnvelope,
    StreamStartEnvelope,
    TrebuchetActorID,
    decode,
    encode,
)
from trebuche.errors import ProtocolError
from trebuche_testing.engine import Scheduler
from trebuche_testing.history import History
from trebuche_testing.received import UNSUBSCRIBED
from trebuche_testing.sockets import Peer, Socket
from trebuche_testing.specification import Arguments

CALL_PATIENCE_MS: Final = 30_000
STREAM_PATIENCE_MS: Final = 10_000
LONGEST_PAUSE_MS: Final = 800


class Network(Protocol):
    """Where a client connects: API Gateway in memory, or a real one."""

    def connect(self, peer: Peer, *, young_ms: int = 0) -> Socket:
        """Open a socket; ``young_ms`` is for networks that can refuse posts to a young connection."""

    def receive(self, socket: Socket, text: str, *, direct: bool) -> None:
        """Take a frame of the client's."""


class Surroundings(Protocol):
    """What a client stands in."""

    @property
    def engine(self) -> Scheduler:
        """When things happen."""

    @property
    def front(self) -> Network:
        """Where it connects."""

    @property
    def history(self) -> History:
        """Where it says what happened."""


@dataclass(slots=True)
class Stream:
    """What a client knows of one stream.

    Attributes:
        key: Names it in the history.
        wanted: Which values; None for all.
        stream_id: None until ``streamStart`` has come.
        last: Number of the last value that its reader got.
        anew: From which numbers on it was told to expect a snapshot, whatever was before it; each for one value.
        expects: Number up to which values must come without another change.
        asked: How often a resume was sent; an answer counts for the last one only.
        told: Under which callIDs it was told that it begins or goes on; a failure may say so once more.
        private_id: What a Swift client calls it.
        values: How many values its reader got.
        asked_on: The connection on which it was asked for last, and the step at which it was first asked for there.
    """

    key: int
    actor: str
    target: str
    wanted: StreamFilter | None = None
    stream_id: UUID | None = None
    last: int = 0
    expects: int = 1
    anew: set[int] = field(default_factory=set)
    waiting: bool = True
    ended: bool = False
    asked: int = 0
    told: set[UUID] = field(default_factory=set)
    private_id: UUID | None = None
    values: int = 0
    asked_on: tuple[str, int] = ("", 0)
    early: dict[int, StreamDataEnvelope] = field(default_factory=dict)

    def begins_anew(self, number: int) -> bool:
        """Whether it is that of a snapshot which was announced; a worker may bring a later version instead."""
        return any(announced <= number for announced in self.anew)

    @property
    def tells_gaps(self) -> bool:
        """Whether a gap is one; where only the latest is wanted as long as a resume is under way, which repairs it."""
        return self.wanted is None or (self.waiting and self.wanted.type is FilterType.CUSTOM)

    def goes_on_with(self, data: StreamDataEnvelope) -> bool:
        """Whether nothing is missing before a value."""
        return data.sequence_number <= self.last + 1 + (data.skipped or 0)


class Client:
    """One client, with one socket at a time.

    Args:
        around: Engine, network and history.
        name: Names it in the history.
        direct: Whether its frames go straight to the actor's function.
    """

    swift = False

    def __init__(self, around: Surroundings, name: str, *, direct: bool) -> None:
        self.name = name
        self.socket: Socket | None = None
        self.young_ms = 0
        """For how long the next connection refuses posts."""
        self.refused = False
        """Whether a service has refused something to a function with a frame of its since it connected."""
        self.asleep = False
        """Whether its device does nothing until its socket turns out to be gone."""
        self._engine = around.engine
        self._front = around.front
        self._history = around.history
        self._direct = direct
        self._open = False
        self._calls: dict[UUID, str] = {}
        self._starting: dict[UUID, Stream] = {}
        self._streams: dict[UUID, Stream] = {}
        self._ended: dict[UUID, Stream] = {}

    @property
    def stuck(self) -> bool:
        """Whether it waits for what never comes, and only a new connection helps."""
        # Of two faults on one opening, a refusal and a crash over telling it, a stream with a filter knows nothing.
        filtered = (stream for stream in self._streams.values() if stream.wanted is not None)
        return self.refused and any(not stream.last for stream in filtered)

    @property
    def idle(self) -> bool:
        """Whether it is connected and waits for nothing but changes."""
        return self._open and not self._calls and not self._starting

    def open_streams(self) -> list[Stream]:
        """Those that are owed changes."""
        return [*self._streams.values(), *self._starting.values()]

    def connect(self) -> None:
        """Open a socket."""
        young_ms, self.young_ms = self.young_ms, 0
        self.socket = self._front.connect(self, young_ms=young_ms)

    def call(self, actor: str, method: str, arguments: Arguments, *, again_ms: int = 0) -> None:
        """Call a method; until an answer comes, again and again; the first time after ``again_ms`` if that is set."""
        call_id = self._uuid()
        documents = tuple(dumps(argument).encode() for argument in arguments)
        invocation = InvocationEnvelope(call_id, TrebuchetActorID(actor), method, 2, (), documents)
        self._history.add(
            "call", call=str(call_id), client=self.name, actor=actor, method=method, arguments=list(arguments)
        )
        self._calls[call_id] = encode(invocation)
        self._send_call(call_id)
        if again_ms:
            self._engine.later(again_ms, lambda: self._send_call(call_id))

    def observe(self, actor: str, target: str, wanted: StreamFilter | None = None) -> None:
        """Open a stream."""
        # With a filter nothing is owed: the server holds values back without a word. Of the latest values the last is.
        filtered = wanted is not None and wanted.type is not FilterType.CUSTOM
        stream = Stream(self._engine.random.getrandbits(32), actor, target, wanted, expects=0 if filtered else 1)
        self._history.add(
            "observe",
            stream=stream.key,
            client=self.name,
            actor=actor,
            target=target,
            swift=self.swift,
            filtered=filtered,
        )
        self._start(stream)

    def unsubscribe(self) -> None:
        """End the stream that was opened first."""
        for stream_id in self._streams:
            self._over(stream_id, UNSUBSCRIBED)
            self._send(StreamEndEnvelope(stream_id, StreamEndReason.CLIENT_UNSUBSCRIBED))
            return

    def key_of(self, stream_id: UUID) -> int | None:
        """The key of a stream that it has, None for others."""
        stream = self._streams.get(stream_id)
        return None if stream is None else stream.key

    def left_for_good(self, stream_id: UUID) -> int | None:
        """The key of a stream that it has ended; None as long as a resume of it may still be on its way.

        Nor of one of which it was told that it failed: a goodbye finds nothing where that is no stream any more.
        """
        stream = self._ended.get(stream_id)
        if stream is None or stream.waiting or len(stream.told) != stream.asked + 1:
            return None
        return stream.key

    def on_open(self, socket: Socket) -> None:
        """Send what was not answered yet, and go on with the streams."""
        if socket is not self.socket:
            return
        self._open, self.refused = True, False
        for call_id in list(self._calls):
            self._send_call(call_id)
        for stream in list(self._starting.values()):
            self._start(stream)
        for stream in list(self._streams.values()):
            self._resume(stream)

    def on_closed(self, socket: Socket) -> None:
        """Connect again after a moment."""
        if socket is self.socket:
            self._open = self.asleep = False
            self.socket = None
            self._after_a_pause(self.connect)

    def on_trouble(self) -> None:
        """A function failed; this client finds out by waiting."""

    def on_refused(self) -> None:
        """It may be told nothing of it, if that function dies as well."""
        self.refused = True

    def on_frame(self, socket: Socket, text: str) -> None:
        """Read a frame; what is none is passed over."""
        if socket is not self.socket:
            return
        try:
            envelope = decode(text)
        except ProtocolError:
            return
        match envelope:
            case ResponseEnvelope():
                self._answered(envelope)
            case StreamStartEnvelope():
                self._started(envelope, socket)
            case StreamDataEnvelope():
                self._came(envelope, socket)
            case StreamEndEnvelope():
                self._over(envelope.stream_id, envelope.reason.value)
            case StreamErrorEnvelope():
                self._failed(envelope)

    def _answered(self, response: ResponseEnvelope) -> None:
        if response.call_id not in self._calls:
            return
        if response.error_message is not None and response.retryable:
            self._after_a_pause(lambda: self._send_call(response.call_id))
            return
        del self._calls[response.call_id]
        outcome = "ok" if response.error_message is None else "refused" if response.code == "refused" else "failed"
        self._history.add(
            "return", call=str(response.call_id), outcome=outcome, result=response.result, told=response.error_message
        )

    def _send_call(self, call_id: UUID) -> None:
        text = self._calls.get(call_id)
        if text is not None and self._send_text(text):
            self._history.add("send", call=str(call_id))
            # Nobody tells of a frame that was lost: it is sent again, under its callID, until there is an answer.
            self._engine.later(CALL_PATIENCE_MS, lambda: self._send_call(call_id))

    def _start(self, stream: Stream) -> None:
        """Subscribe; under a new callID when it was tried before."""
        self._starting = {key: other for key, other in self._starting.items() if other is not stream}
        call_id = self._uuid()
        self._starting[call_id] = stream
        self._note_request(stream)
        actor = TrebuchetActorID(stream.actor)
        if self._send(InvocationEnvelope(call_id, actor, stream.target, 2, stream_filter=stream.wanted)):
            self._engine.later(STREAM_PATIENCE_MS, lambda: self._start_again(call_id))

    def _start_again(self, call_id: UUID) -> None:
        if call_id in self._starting:
            self._start(self._starting[call_id])

    def _started(self, start: StreamStartEnvelope, socket: Socket) -> None:
        stream = self._starting.pop(start.call_id, None)
        if stream is not None:
            stream.stream_id = start.stream_id
            self._streams[start.stream_id] = stream
        else:
            stream = self._streams.get(start.stream_id)
            if stream is None:
                self._ended.pop(start.stream_id, None)
                # A late answer to a subscribe that was tried again under another callID: nobody reads this stream.
                self._send(StreamEndEnvelope(start.stream_id, StreamEndReason.CLIENT_UNSUBSCRIBED))
                return
            if start.recovered is not None and stream.wanted is None:
                stream.expects = start.up_to or 0
            if start.recovered is False:
                stream.anew.add(start.up_to or 0)
        self._note_start(stream, start, socket)
        self._watch(stream)

    def _note_start(self, stream: Stream, start: StreamStartEnvelope, socket: Socket) -> None:
        stream.waiting = False
        stream.told.add(start.call_id)
        self._history.add(
            "start",
            stream=stream.key,
            connection=socket.connection_id,
            id=str(start.stream_id),
            recovered=start.recovered,
            upTo=start.up_to,
            last=stream.last,
            asked=stream.asked_on[1],
        )

    def _came(self, data: StreamDataEnvelope, socket: Socket) -> None:
        stream = self._streams.get(data.stream_id) or self._ended.get(data.stream_id)
        if stream is None:
            return
        self._history.add(
            "frame",
            stream=stream.key,
            connection=socket.connection_id,
            number=data.sequence_number,
            skipped=data.skipped or 0,
        )
        if not stream.ended and data.sequence_number > stream.last:
            self._accept(stream, data)

    def _accept(self, stream: Stream, data: StreamDataEnvelope) -> None:
        # A value that has overtaken others waits for them.
        gap = stream.tells_gaps and not stream.goes_on_with(data)
        if gap and not stream.begins_anew(data.sequence_number):
            stream.early[data.sequence_number] = data
            return
        self._take(stream, data)
        while stream.early and stream.goes_on_with(following := stream.early[min(stream.early)]):
            self._take(stream, following)

    def _take(self, stream: Stream, data: StreamDataEnvelope) -> None:
        reset = stream.begins_anew(data.sequence_number)
        stream.anew = {number for number in stream.anew if number > data.sequence_number}
        stream.last = data.sequence_number
        stream.early = {number: kept for number, kept in stream.early.items() if number > stream.last}
        self._history.add(
            "value",
            stream=stream.key,
            number=data.sequence_number,
            skipped=data.skipped or 0,
            value=data.data,
            reset=reset,
        )

    def _resume(self, stream: Stream) -> None:
        assert stream.stream_id is not None
        stream.waiting = True
        stream.asked += 1
        self._note_request(stream)
        self._history.add("resume", stream=stream.key, last=stream.last)
        actor = TrebuchetActorID(stream.actor)
        if self._send(StreamResumeEnvelope(stream.stream_id, stream.last, actor, stream.target)):
            self._watch(stream)

    def _note_request(self, stream: Stream) -> None:
        connection = self.socket.connection_id if self.socket is not None else ""
        if connection != stream.asked_on[0]:
            stream.asked_on = connection, self._engine.steps

    def _watch(self, stream: Stream) -> None:
        """Resume if what must come has not come in time."""
        asked = stream.asked

        def check() -> None:
            behind = stream.waiting or stream.last < stream.expects
            if behind and stream.asked == asked and self._lives(stream):
                self._resume(stream)

        self._engine.later(STREAM_PATIENCE_MS, check)

    def _lives(self, stream: Stream) -> bool:
        return stream.stream_id is not None and self._streams.get(stream.stream_id) is stream

    def _over(self, stream_id: UUID, reason: str) -> None:
        stream = self._streams.pop(stream_id, None)
        if stream is not None:
            stream.ended = True
            self._ended[stream_id] = stream
            self._history.add("end", stream=stream.key, reason=reason)

    def _failed(self, error: StreamErrorEnvelope) -> None:
        stream = self._streams.get(error.stream_id)
        if stream is None:
            return
        self._history.add("trouble", stream=stream.key, code=error.code)
        if not error.retryable:
            self._over(error.stream_id, f"error: {error.error_message}")
            return
        stream.waiting = True
        self._after_a_pause(lambda: self._resume(stream) if self._lives(stream) else None)

    def _send(self, envelope: Envelope) -> bool:
        return self._send_text(encode(envelope))

    def _send_text(self, text: str) -> bool:
        """Whether there is a socket to send it on; else it goes out when there is one."""
        if not self._open or self.socket is None or self.asleep:
            return False
        self._front.receive(self.socket, text, direct=self._direct)
        return True

    def _after_a_pause(self, action: Callable[[], Any]) -> None:
        self._engine.later(int(self._engine.random.random() * LONGEST_PAUSE_MS), action)

    def _uuid(self) -> UUID:
        return UUID(int=self._engine.random.getrandbits(128), version=4)
