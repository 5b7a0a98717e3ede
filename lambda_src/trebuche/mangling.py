"""Base names out of mangled Swift identifiers, without a demangler.

    $s <module> {<type> <kind C|V|O|P>}+ <METHOD> {<label> | _}* …types… FTE

Identifiers are a decimal length and that many characters. One that starts with ``0`` is put together from words of
earlier identifiers (a letter each, the last one upper case) and literal pieces. Source: the mangling grammar in
Swift's docs/ABI/Mangling.rst.
"""

import re
from dataclasses import dataclass
from typing import Final

_PREFIX: Final = re.compile(r"\$[se]")
_SUFFIX: Final = "FTE"
"""A distributed thunk; ``YaK`` before it in all but the first compilers of 5.7."""
_PRIVATE: Final = re.compile(r"33_[0-9A-F]{32}LL")
_MODULE_NAME_AGAIN: Final = re.compile(r"A[a-z]*[A-Z](?=[CVOP])")
_LENGTH: Final = re.compile(r"[1-9][0-9]{0,3}")
# A word is named by a letter.
_WORDS_LIMIT: Final = 26


@dataclass(frozen=True, slots=True)
class MangledName:
    """What a mangled method says about itself; labels are a best effort, a result type can look like one."""

    module: str
    types: tuple[str, ...]
    method: str
    labels: tuple[str, ...]


def read_mangled(identifier: str) -> MangledName | None:
    """The names in a mangled distributed method; None for anything else, Punycode names included."""
    if not identifier.isascii() or not _PREFIX.match(identifier) or not identifier.endswith(_SUFFIX):
        return None
    reader = _Reader(identifier, len("$s"))
    module = reader.identifier()
    types = reader.types(module) if module else []
    method = reader.identifier() if types else None
    if module is None or method is None:
        return None
    reader.skip(_PRIVATE)
    return MangledName(module, tuple(types), method, tuple(reader.labels()))


class _Reader:
    def __init__(self, text: str, position: int) -> None:
        self._text = text
        self._position = position
        self._words: list[str] = []

    def types(self, module: str) -> list[str]:
        """The enclosing types: identifiers with a kind letter after them. Stops before the first one without."""
        found: list[str] = []
        while True:
            start, words = self._position, len(self._words)
            name = module if self.skip(_MODULE_NAME_AGAIN) else self.identifier()
            self.skip(_PRIVATE)
            if name is None or self._peek() not in tuple("CVOP"):
                # No type but the method, which is read again after this: its words must not be counted twice.
                self._position = start
                del self._words[words:]
                return found
            self._position += 1
            found.append(name)

    def labels(self) -> list[str]:
        """Argument labels; ``_`` for an argument without one."""
        found: list[str] = []
        while True:
            if self._peek() == "_":
                self._position += 1
                found.append("_")
                continue
            start = self._position
            label = self.identifier()
            if label is None:
                self._position = start
                return found
            found.append(label)

    def identifier(self) -> str | None:
        """The identifier here; None, at an undefined position, when there is none."""
        if self._peek() != "0":
            return self._literal()
        self._position += 1
        if self._peek() == "0":  # Punycode
            return None
        return self._composed()

    def skip(self, pattern: re.Pattern[str]) -> bool:
        """Step over a pattern if it is here."""
        match = pattern.match(self._text, self._position)
        if match is not None:
            self._position = match.end()
        return match is not None

    def _composed(self) -> str | None:
        pieces: list[str] = []
        more_words = True
        while more_words:
            while more_words and self._peek().isalpha():
                letter = self._text[self._position]
                self._position += 1
                more_words = letter.islower()
                index = ord(letter.lower()) - ord("a")
                if index >= len(self._words):
                    return None
                pieces.append(self._words[index])
            if self._peek() == "0":
                self._position += 1
                break
            piece = self._literal()
            if piece is None:
                return None
            pieces.append(piece)
        return "".join(pieces)

    def _literal(self) -> str | None:
        length = _LENGTH.match(self._text, self._position)
        if length is None:
            return None
        start = length.end()
        self._position = start + int(length[0])
        if self._position > len(self._text):
            return None
        piece = self._text[start : self._position]
        self._words += _words(piece)[: _WORDS_LIMIT - len(self._words)]
        return piece

    def _peek(self) -> str:
        return self._text[self._position : self._position + 1]


def _words(piece: str) -> list[str]:
    """Words of two or more characters, as the mangler counts them.

    A word starts at a character that is neither digit nor ``_`` and ends before ``_``, at the end, or where a
    character that is not upper case meets one that is.
    """
    found: list[str] = []
    start = -1
    for position in range(len(piece) + 1):
        character = piece[position : position + 1]
        if start >= 0 and _ends_word(piece[position - 1], character):
            if position - start >= 2:
                found.append(piece[start:position])
            start = -1
        if start < 0 and character and character != "_" and not character.isdigit():
            start = position
    return found


def _ends_word(before: str, character: str) -> bool:
    return character in ("", "_") or (character.isupper() and not before.isupper())
