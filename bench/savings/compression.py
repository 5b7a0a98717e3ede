"""What gzip takes off the frames of states of several sizes, and when that is fewer messages."""

import gzip
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sandbox.meter.units import MESSAGE_PIECE_BYTES, pieces
from trebuche.frames import data_frame

SIZES_KB: Final = (1, 10, 30, 60, 90)
WORDS: Final = ("milk", "bread", "call", "the", "plumber", "write", "letter", "to", "aunt", "water", "flowers", "buy")
STREAM: Final = UUID(int=1)
NOW_MS: Final = 1_767_225_600_000


@dataclass(frozen=True, slots=True)
class Frame:
    """The frame of one state, plain and with its state compressed, in bytes."""

    state: int
    plain: int
    packed: int

    @property
    def plain_messages(self) -> int:
        """As it is billed."""
        return pieces(self.plain, MESSAGE_PIECE_BYTES)

    @property
    def packed_messages(self) -> int:
        """The same of the compressed one."""
        return pieces(self.packed, MESSAGE_PIECE_BYTES)


def frames() -> Iterator[Frame]:
    """Of lists of things to do that are about so large; always the same ones."""
    for size in SIZES_KB:
        state = _state(size * 1024)
        # A frame is text, so what gzip makes of a state is written in base64 like the state itself.
        packed = data_frame(STREAM, 1, gzip.compress(state, mtime=0), NOW_MS)
        yield Frame(len(state), len(data_frame(STREAM, 1, state, NOW_MS)), len(packed))


def _state(size: int) -> bytes:
    chance = random.Random(1)
    todos: list[dict[str, object]] = []
    while len(state := json.dumps({"todos": todos}).encode()) < size:
        title = " ".join(chance.choices(WORDS, k=4))
        number = str(UUID(int=chance.getrandbits(128), version=4)).upper()
        todos.append({"id": number, "title": title, "completed": chance.random() < 0.5})
    return state
