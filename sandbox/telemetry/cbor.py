"""CBOR (RFC 8949), as far as the Smithy RPC v2 protocol uses it: SDKs speak it to CloudWatch."""

import struct
from datetime import UTC, datetime
from typing import Any, Final

_SIZES: Final = {24: ">B", 25: ">H", 26: ">I", 27: ">Q"}
_FLOATS: Final = {25: ">e", 26: ">f", 27: ">d"}
_BREAK: Final = object()
_EPOCH_TAG: Final = 1


def loads(data: bytes) -> Any:
    """Read one value; a time becomes a ``datetime``.

    Raises:
        ValueError: It is no CBOR.
    """
    try:
        return _Reader(data).read()
    except (struct.error, IndexError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError("not CBOR") from error


def dumps(value: Any) -> bytes:
    """Write one value: objects, lists, texts, bytes, numbers, booleans, None and times."""
    return b"".join(_parts(value))


def _head(major: int, number: int) -> bytes:
    if number < 24:
        return bytes([major << 5 | number])
    for kind, form in _SIZES.items():
        if number < 1 << 8 * struct.calcsize(form):
            return bytes([major << 5 | kind]) + struct.pack(form, number)
    raise ValueError(f"{number} does not fit into 64 bits")


def _parts(value: Any) -> list[bytes]:
    # Before the integers: a bool is one in Python.
    if value is None or isinstance(value, bool):
        return [{None: b"\xf6", True: b"\xf5", False: b"\xf4"}[value]]
    if isinstance(value, int):
        return [_head(0, value) if value >= 0 else _head(1, -1 - value)]
    if isinstance(value, float):
        return [b"\xfb", struct.pack(">d", value)]
    if isinstance(value, datetime):
        return [_head(6, _EPOCH_TAG), *_parts(value.timestamp())]
    if isinstance(value, str):
        text = value.encode()
        return [_head(3, len(text)), text]
    if isinstance(value, bytes):
        return [_head(2, len(value)), value]
    if isinstance(value, dict):
        members = [part for pair in value.items() for item in pair for part in _parts(item)]
        return [_head(5, len(value)), *members]
    return [_head(4, len(value)), *[part for item in value for part in _parts(item)]]


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def read(self) -> Any:
        first = self._take(1)[0]
        major, kind = first >> 5, first & 31
        if major == 7:
            return self._simple(kind)
        if kind == 31:
            return self._open_ended(major)
        number = kind if kind < 24 else struct.unpack(_SIZES[kind], self._take(1 << kind - 24))[0]
        if major in (0, 1):
            return number if major == 0 else -1 - number
        if major in (2, 3):
            data = self._take(number)
            return data if major == 2 else data.decode()
        if major == 4:
            return [self.read() for _ in range(number)]
        if major == 5:
            return {self.read(): self.read() for _ in range(number)}
        value = self.read()
        return datetime.fromtimestamp(value, UTC) if number == _EPOCH_TAG else value

    def _take(self, count: int) -> bytes:
        data = self._data[self._at : self._at + count]
        if len(data) < count:
            raise IndexError("the end came too early")
        self._at += count
        return data

    def _simple(self, kind: int) -> Any:
        if kind in _FLOATS:
            return struct.unpack(_FLOATS[kind], self._take(1 << kind - 24))[0]
        known = {20: False, 21: True, 22: None, 23: None, 31: _BREAK}
        if kind not in known:
            raise ValueError("not CBOR")
        return known[kind]

    def _open_ended(self, major: int) -> Any:
        items = []
        while (item := self.read()) is not _BREAK:
            items.append(item)
        if major == 5:
            return dict(zip(items[::2], items[1::2], strict=True))
        if major == 4:
            return items
        return b"".join(items) if major == 2 else "".join(items)
