"""Streams that are over: once their end was sent, or a goodbye handled, nobody may begin to send to them."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from trebuche.envelopes import StreamDataEnvelope, StreamEndEnvelope, StreamStartEnvelope, decode
from trebuche_testing.history import History
from trebuche_testing.sockets import Peer

STREAM: Final = '{"type":"stream'


@dataclass(frozen=True, slots=True)
class _Over:
    key: int
    step: int


class Goodbyes:
    """Those of a schedule, and what was sent in spite of them.

    Args:
        history: Where that is told.
    """

    def __init__(self, history: History) -> None:
        self._history = history
        self._over: dict[UUID, _Over] = {}

    def handled(self, peer: Peer, body: str | None, step: int) -> None:
        """A function has handled a frame of a client's."""
        if body is None or '"streamEnd"' not in body:
            return
        frame = decode(body)
        assert isinstance(frame, StreamEndEnvelope)
        key = peer.left_for_good(frame.stream_id)
        if key is not None:
            self._over[frame.stream_id] = _Over(key, step)

    def opened(self, stream_id: UUID) -> None:
        """Somebody has opened a stream again: a resume came later than the end, whether or not it is told of."""
        self._over.pop(stream_id, None)

    def sent(self, peer: Peer, text: str, *, began: int, step: int) -> None:
        """A function that began in some step has posted a frame in another."""
        ends = text.startswith(f'{STREAM}End"')
        if not ends and not (self._over and text.startswith(STREAM)):
            return
        match decode(text):
            case StreamEndEnvelope(stream_id):
                key = peer.key_of(stream_id)
                if key is not None:
                    self._over[stream_id] = _Over(key, step)
            case StreamStartEnvelope(stream_id):
                self.opened(stream_id)
            case StreamDataEnvelope(stream_id, number):
                over = self._over.get(stream_id)
                # What began before that may be on its way still.
                if over is not None and began > over.step:
                    self._history.add("stray", stream=over.key, number=number)
