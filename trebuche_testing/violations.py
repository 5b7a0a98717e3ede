"""Kinds of what must not happen."""

from dataclasses import dataclass
from typing import Final

LOST: Final = "lost"
DOUBLED: Final = "doubled"
OUT_OF_ORDER: Final = "out of order"
UNANSWERED: Final = "unanswered"
KINDS: Final = (LOST, DOUBLED, OUT_OF_ORDER, UNANSWERED)
UNDECIDED: Final = "undecided"
"""Not wrong as far as anybody can tell: nobody had the time to find out."""


@dataclass(frozen=True, slots=True)
class Violation:
    """Something that must not happen: one of ``KINDS`` or ``UNDECIDED``, and what it was."""

    kind: str
    text: str
