"""A client with the habits of Swift's: ids of its own, counted values, gaps accepted, no resume repeated."""

from trebuche.envelopes import (
    StreamDataEnvelope,
    StreamErrorEnvelope,
    StreamResumeEnvelope,
    StreamStartEnvelope,
    TrebuchetActorID,
)
from trebuche_testing.clients import Client, Stream
from trebuche_testing.sockets import Socket


class SwiftClient(Client):
    """Resumes under an id that the server has never seen, with the number of values that it got."""

    swift = True
    _lost_request = False
    """Whether a function failed with a frame of its, which it has no way to know."""

    @property
    def stuck(self) -> bool:
        """Whether something that it asked for was not even begun. What was begun, the server has to finish."""
        begun = all(not stream.waiting for stream in self._streams.values())
        return self._lost_request and bool(self.refused or self._calls or self._starting or not begun)

    def on_open(self, socket: Socket) -> None:
        """Resume each stream that began; those that did not are asked for again by whoever wants them."""
        if socket is self.socket:
            self._lost_request = False
            super().on_open(socket)

    def on_trouble(self) -> None:
        """It waits for ever for what it asked for."""
        self._lost_request = True

    def _started(self, start: StreamStartEnvelope, socket: Socket) -> None:
        stream = self._starting.pop(start.call_id, None)
        if stream is not None:
            stream.stream_id = start.stream_id
            stream.private_id = self._uuid()
            self._streams[start.stream_id] = stream
        stream = stream or self._streams.get(start.stream_id)
        if stream is None:
            self._ended.pop(start.stream_id, None)
        else:
            self._note_start(stream, start, socket)

    def _accept(self, stream: Stream, data: StreamDataEnvelope) -> None:
        stream.values += 1
        self._take(stream, data)

    def _resume(self, stream: Stream) -> None:
        assert stream.stream_id is not None
        if stream.private_id is not None and stream.stream_id != stream.private_id:
            del self._streams[stream.stream_id]
            stream.stream_id = stream.private_id
            self._streams[stream.stream_id] = stream
        # Under the id of its resume it takes any number again, from 1 on.
        stream.last, stream.waiting = 0, True
        stream.asked += 1
        self._note_request(stream)
        self._history.add("resume", stream=stream.key, last=stream.values)
        actor = TrebuchetActorID(stream.actor)
        self._send(StreamResumeEnvelope(stream.stream_id, stream.values, actor, stream.target))

    def _failed(self, error: StreamErrorEnvelope) -> None:
        stream = self._streams.pop(error.stream_id, None)
        if stream is not None:
            self._history.add("trouble", stream=stream.key, code=error.code)
            stream.stream_id, stream.last, stream.values, stream.waiting = None, 0, 0, True
            stream.asked += 1
            self._history.add("resume", stream=stream.key, last=0)
            self._after_a_pause(lambda: self._start(stream))

    def _watch(self, stream: Stream) -> None:
        """It has no patience to lose."""
