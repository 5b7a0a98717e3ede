"""JSON text to plain values and back, as strict as Foundation's parser.

Python's own parser takes ``NaN``, any depth until the stack ends, and rounds ``9007199254740993.0``; none of that
may happen to a frame or a stored state. Numbers come out as ``int`` whenever they are whole, in whatever notation
(``7``, ``7.0``, ``7e0``), so that 64-bit numbers never pass through ``float``.
"""

import json
import re
from collections.abc import Callable, Iterable
from decimal import Decimal, InvalidOperation
from json.encoder import c_make_encoder, encode_basestring  # type: ignore[attr-defined]  # CPython's own
from typing import Final, NoReturn, TypeAlias

from trebuche.errors import MalformedError, TooDeepError

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
_Encoder: TypeAlias = Callable[[Json, int], Iterable[str]]

NESTING_LIMIT: Final = 512
"""Levels of arrays and objects; Foundation stops here."""

_LONGEST_INTEGER: Final = 640  # digits that int() takes whatever the interpreter's limit is set to
_LARGEST_WHOLE: Final = 2.0**65  # above this a number in float notation cannot be a 64-bit integer
# A string that is never closed matches to the end of the text: otherwise the search takes quadratic time.
_STRUCTURE: Final = re.compile(r'"(?:[^"\\]++|\\.?)*+"?|[\[{]|[\]}]', re.DOTALL)


def loads(document: str | bytes, *, limit_bytes: int | None = None) -> Json:
    """Parse one JSON document.

    Args:
        document: The text, or its UTF-8 bytes.
        limit_bytes: Longest document to look at, in bytes of UTF-8; longer ones are refused unparsed.

    Raises:
        MalformedError: The text is too long, not Unicode, or not JSON (with line and column).
        TooDeepError: It is nested deeper than 512 levels.
    """
    text = _text(document)
    if limit_bytes is not None and (size := utf8_bytes(text)) > limit_bytes:
        raise MalformedError(f"document of {size} bytes is over the limit of {limit_bytes}")
    check_nesting(text)
    try:
        try:
            return _parse(_DECODER, text)
        except json.JSONDecodeError:
            # A ValueError like the next one, but it says where.
            raise
        except ValueError:  # an integer with more digits than int() converts; harmless in a key that nobody reads
            return _parse(_LONG_INTEGER_DECODER, text)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno} column {error.colno} (character {error.pos})"
        raise MalformedError(f"not JSON at {place}: {error.msg}") from None
    except RecursionError:
        raise TooDeepError(f"nested deeper than {NESTING_LIMIT} levels") from None


def outline(text: str, levels: int) -> Json:
    """A document with null in the place of every array and object that lies deeper than so many levels.

    For a document that is too deep to be parsed: what its upper levels say can be read all the same.

    Raises:
        MalformedError: The upper levels are not JSON.
    """
    pieces: list[str] = []
    depth = end = 0
    for match in _STRUCTURE.finditer(text):
        if match[0] in "[{":
            depth += 1
            if depth == levels + 1:
                pieces.append(text[end : match.start()])
        elif match[0] in "]}":
            if depth == levels + 1:
                pieces.append("null")
                end = match.end()
            depth -= 1
    return loads("".join([*pieces, text[end:]] if depth <= levels else pieces))


def dumps(value: Json) -> str:
    """Compact JSON text; non-ASCII characters stand for themselves, which keeps frames short.

    Raises:
        MalformedError: A number is NaN, infinite or of thousands of digits, or the value is nested too deeply.
    """
    return _dump(_ENCODER, value)


def canonical(value: Json) -> bytes:
    """The one spelling of a value: sorted keys, no white space; for digests and for telling whether it changed.

    Raises:
        MalformedError: As with ``dumps``, or a text is not Unicode.
    """
    try:
        return canonical_text(value).encode()
    except UnicodeEncodeError:
        raise MalformedError("text holds a lone surrogate, which is not Unicode text") from None


def canonical_text(value: Json) -> str:
    """The same as text, which may hold a lone surrogate.

    Raises:
        MalformedError: As with ``dumps``.
    """
    return _dump(_CANONICAL_ENCODER, value)


def utf8_bytes(text: str) -> int:
    """Length of a document as API Gateway counts it.

    Raises:
        MalformedError: The text holds a lone surrogate.
    """
    if text.isascii():
        return len(text)
    try:
        return len(text.encode())
    except UnicodeEncodeError as error:
        raise MalformedError(f"not Unicode text: lone surrogate at character {error.start}") from None


def number(text: str) -> int | float:
    """Value of a JSON number: exact ``int`` when it is whole and could be a 64-bit integer, else ``float``."""
    value = float(text)
    if not value.is_integer() or abs(value) > _LARGEST_WHOLE:
        return value
    try:
        exact = Decimal(text)
    except InvalidOperation:  # an exponent beyond what Decimal holds
        return value
    return int(exact) if exact == exact.to_integral_value() else value


def kind(value: object) -> str:
    """What a value is called in messages, such as ``text`` or ``null``."""
    if value is None:
        return "null"
    for type_, name in _KINDS:
        if isinstance(value, type_):
            return name
    return type(value).__name__


_KINDS: Final[tuple[tuple[type | tuple[type, ...], str], ...]] = (
    # First, since a boolean is an `int` to Python.
    (bool, "boolean"),
    ((int, float), "number"),
    (str, "text"),
    ((list, tuple), "array"),
    (dict, "object"),
)


def _text(document: str | bytes) -> str:
    if isinstance(document, str):
        return document
    try:
        return document.decode()
    except UnicodeDecodeError as error:
        raise MalformedError(f"not UTF-8 at byte {error.start}") from None


def check_nesting(text: str) -> None:
    """Refuse a document with more levels than are read.

    Raises:
        TooDeepError: There are more than 512.
    """
    # Brackets in texts are counted, too, so these are never too few: most documents need no second look.
    if len(text) <= NESTING_LIMIT or text.count("[") + text.count("{") <= NESTING_LIMIT:
        return
    depth = 0
    for match in _STRUCTURE.finditer(text):
        mark = match[0]
        if mark in "[{":
            depth += 1
            if depth > NESTING_LIMIT:
                raise TooDeepError(f"nested deeper than {NESTING_LIMIT} levels")
        elif mark in "]}":
            depth -= 1


def _parse(decoder: json.JSONDecoder, text: str) -> Json:
    value: Json
    # White space around a document is rare, and looking for it takes as long as parsing a small one.
    try:
        value, end = decoder.raw_decode(text)
    except json.JSONDecodeError:
        end = -1
    if end != len(text):
        value = decoder.decode(text)
    return value


def _dump(encode: _Encoder, value: Json) -> str:
    try:
        return "".join(encode(value, 0))
    except ValueError as error:
        raise MalformedError(f"cannot be written as JSON: {error}") from None
    except RecursionError:
        raise MalformedError(f"nested deeper than {NESTING_LIMIT} levels") from None


def _refuse_constant(name: str) -> NoReturn:
    raise MalformedError(f"not JSON: {name} is no number")


def _integer(text: str) -> int | float:
    return int(text) if len(text) <= _LONGEST_INTEGER else float(text)


_DECODER: Final = json.JSONDecoder(parse_float=number, parse_constant=_refuse_constant)
_LONG_INTEGER_DECODER: Final = json.JSONDecoder(parse_float=number, parse_constant=_refuse_constant, parse_int=_integer)


def _encoder(*, sort_keys: bool) -> _Encoder:
    """What ``JSONEncoder.encode`` makes anew for each document, which takes as long as writing a small one.

    It keeps no account of the containers that are open: a value that contains itself ends as one that is too deep.
    """
    make: Callable[..., _Encoder] = c_make_encoder
    return make(None, json.JSONEncoder().default, encode_basestring, None, ":", ",", sort_keys, False, False)


quoted: Final[Callable[[str], str]] = encode_basestring
"""The JSON document of a text, as ``dumps`` writes it."""

_ENCODER: Final = _encoder(sort_keys=False)
_CANONICAL_ENCODER: Final = _encoder(sort_keys=True)
