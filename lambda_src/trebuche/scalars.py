"""Readers and writers of the wire's scalar types, one pair per row of the format's table.

Readers take a parsed JSON value and are strict: ``true`` is no number, ``"7"`` is none either. All raise
``MalformedError`` without a path; whoever holds the container adds it.
"""

import re
from binascii import a2b_base64, b2a_base64
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from typing import Final, TypeVar
from uuid import UUID

from trebuche.documents import Json, kind
from trebuche.errors import MalformedError

UINT16_MAX: Final = 2**16 - 1
UINT32_MAX: Final = 2**32 - 1
UINT64_MAX: Final = 2**64 - 1

_UUID: Final = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_BASE64: Final = re.compile(r"[A-Za-z0-9+/]*={0,2}")
_DATE: Final = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]+))?"
    r"(?:Z|([+-])([0-9]{2}):?([0-9]{2}))"
)

EnumT = TypeVar("EnumT", bound=StrEnum)


def read_text(value: Json) -> str:
    """Text; an escape that leaves half a character (``"\\ud800"``) is refused, since it can never be sent on."""
    if not isinstance(value, str):
        raise MalformedError(f"expected text, got {kind(value)}")
    return _unicode(value)


def write_text(value: str) -> str:
    """Text that is known to survive UTF-8."""
    return read_text(value)


def read_bool(value: Json) -> bool:
    """``true`` or ``false``, never 0 or 1."""
    if not isinstance(value, bool):
        raise MalformedError(f"expected true or false, got {kind(value)}")
    return value


def read_uint16(value: Json) -> int:
    """0 … 65535."""
    return _unsigned(value, UINT16_MAX)


def read_uint32(value: Json) -> int:
    """0 … 4294967295."""
    return _unsigned(value, UINT32_MAX)


def read_uint64(value: Json) -> int:
    """0 … 18446744073709551615, exactly."""
    return _unsigned(value, UINT64_MAX)


def read_uuid(value: Json) -> UUID:
    """8-4-4-4-12 in either case; Python's other spellings (braces, urn:, no hyphens) are refused."""
    if not isinstance(value, str):
        raise MalformedError(f"expected a UUID as text, got {kind(value)}")
    if not _UUID.fullmatch(value):
        raise MalformedError(f"expected a UUID like 5B0C6E1A-93D7-4F28-8E41-2A7C90D1F6B3, got {_quoted(value)}")
    return UUID(int=int(value.replace("-", ""), 16))


def write_uuid(value: UUID) -> str:
    """Upper case, as Swift writes it."""
    text = f"{value.int:032X}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def read_data(value: Json) -> bytes:
    """Bytes from standard base64: padded, no white space, no URL-safe letters."""
    if not isinstance(value, str):
        raise MalformedError(f"expected base64 text, got {kind(value)}")
    if len(value) % 4 or not _BASE64.fullmatch(value):
        raise MalformedError(f"expected standard base64 with padding, got {_quoted(value)}")
    try:
        return a2b_base64(value, strict_mode=True)
    except ValueError:
        raise MalformedError(f"expected standard base64 with padding, got {_quoted(value)}") from None


def write_data(value: bytes) -> str:
    """Standard base64 with padding; ``""`` for no bytes."""
    return b2a_base64(value, newline=False).decode("ascii")


def read_date(value: Json) -> datetime:
    """A moment in UTC from ISO 8601 with a zone; a fraction and an offset are accepted."""
    if not isinstance(value, str):
        raise MalformedError(f"expected a date as text, got {kind(value)}")
    match = _DATE.fullmatch(value)
    if match is None:
        raise MalformedError(f"expected a date like 2026-03-04T09:15:00Z, got {_quoted(value)}")
    year, month, day, hour, minute, second = map(int, match.groups()[:6])
    # A datetime holds microseconds: further digits are cut.
    microsecond = int((match[7] or "")[:6].ljust(6, "0"))
    try:
        moment = datetime(year, month, day, hour, minute, second, microsecond, _zone(match))
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise MalformedError(f"no such date: {_quoted(value)}") from None


def write_date(value: datetime) -> str:
    """Whole seconds and the letter Z: Foundation before Swift 6.2 drops a frame whose date has a fraction."""
    if value.tzinfo is None:
        raise MalformedError("expected a date with a time zone, got one without")
    try:
        moment = value.astimezone(UTC)
    except OverflowError:
        raise MalformedError("date is outside the years 1 to 9999 in UTC") from None
    return moment.replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def read_word(words: type[EnumT], value: Json) -> EnumT:
    """A member of a text enum, case-sensitive."""
    text = read_text(value)
    try:
        return words(text)
    except ValueError:
        raise MalformedError(f"expected one of {', '.join(words)}, got {_quoted(text)}") from None


def _unicode(value: str) -> str:
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise MalformedError(f"lone surrogate at character {error.start} is not Unicode text") from None
    return value


def _unsigned(value: Json, largest: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise MalformedError(f"expected a whole number, got {kind(value)}")
    if not isinstance(value, int) or not 0 <= value <= largest:
        raise MalformedError(f"expected a whole number from 0 to {largest}, got {_short(value)}")
    return value


def _zone(match: re.Match[str]) -> timezone:
    if match[8] is None:
        return UTC
    hours, minutes = int(match[9]), int(match[10])
    if minutes > 59:
        raise ValueError
    offset = timedelta(hours=hours, minutes=minutes)
    return timezone(-offset if match[8] == "-" else offset)


def _quoted(value: str) -> str:
    return ascii(value) if len(value) <= 64 else f"{value[:61]!a}…"


def _short(value: float) -> str:
    # Python refuses to spell integers of thousands of digits.
    if isinstance(value, int) and value.bit_length() > 256:
        return "a far larger one"
    return str(value)
