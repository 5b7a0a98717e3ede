"""Tells the emulator's queues what time it is; ``sandbox.inside.queues`` reads it in the emulator's process."""

import struct
from pathlib import Path
from typing import Final

_NAME: Final = "queue-clock"


class QueueClock:
    """The offset between the queues' clock and real time, in a file that the emulator has mapped.

    Args:
        directory: The emulator's home.
    """

    def __init__(self, directory: Path) -> None:
        self.path = directory / _NAME

    def create(self) -> None:
        """Begin in real time; the emulator maps the file when it starts."""
        self.path.write_bytes(struct.pack("d", 0.0))

    def turn(self, offset: float) -> None:
        """Have the queues live ``offset`` seconds ahead of real time, from their next request on."""
        with self.path.open("r+b", buffering=0) as file:  # eight bytes in one write: nobody reads half of them
            file.write(struct.pack("d", offset))
