"""Streams whose readers have ended them: once that was handled, nobody may begin to send them anything."""

from dataclasses import dataclass
from uuid import UUID

from trebuche.envelopes import StreamDataEnvelope, StreamEndEnvelope, decode
from trebuche_testing.history import History
from trebuche_testing.sockets import Peer


@dataclass(frozen=True, slots=True)
class _Goodbye:
    key: int
    handled: int


class Goodbyes:
    """Those of a schedule, and what was sent in spite of them.

    Args:
        history: Where that is told.
    """

    def __init__(self, history: History) -> None:
        self._history = history
        self._said: dict[UUID, _Goodbye] = {}

    def handled(self, peer: Peer, body: str | None, step: int) -> None:
        """A function has handled a frame of a client's."""
        if body is None or '"streamEnd"' not in body:
            return
        frame = decode(body)
        assert isinstance(frame, StreamEndEnvelope)
        key = peer.left_for_good(frame.stream_id)
        if key is not None:
            self._said[frame.stream_id] = _Goodbye(key, step)

    def sent(self, text: str, began: int) -> None:
        """A function that began in some step has posted a frame."""
        if not self._said or '"streamData"' not in text:
            return
        frame = decode(text)
        assert isinstance(frame, StreamDataEnvelope)
        goodbye = self._said.get(frame.stream_id)
        if goodbye is not None and began > goodbye.handled:
            self._history.add("stray", stream=goodbye.key, number=frame.sequence_number)
