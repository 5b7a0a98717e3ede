"""Ed25519, the verification only (RFC 8032, section 5.1.7): EdDSA.

Everything here is public, so nothing needs constant time. Points are extended ``(X, Y, Z, T)`` for
``(X/Z, Y/Z)`` with ``T = XY/Z``; the addition is complete, so no case is special.
"""

import hashlib
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from trebuche.errors import CredentialsError

_P: Final = 2**255 - 19
_ORDER: Final = 2**252 + 27742317777372353535851937790883648493
_D: Final = -121665 * pow(121666, -1, _P) % _P
_ROOT: Final = pow(2, (_P - 1) // 4, _P)
"""A square root of -1."""
_SIZE: Final = 32
_MASK: Final = 2**255 - 1

_Point: TypeAlias = tuple[int, int, int, int]

_NEUTRAL: Final[_Point] = (0, 1, 1, 0)


@dataclass(frozen=True, slots=True)
class Ed25519Key:
    """A public key: 32 bytes that stand for a point.

    Raises:
        CredentialsError: They stand for none.
    """

    encoded: bytes
    _point: _Point = field(init=False, repr=False)

    def __post_init__(self) -> None:
        point = _decoded(self.encoded)
        if point is None:
            raise CredentialsError("bad-key", "an Ed25519 key that is not on the curve")
        object.__setattr__(self, "_point", point)

    def verifies(self, message: bytes, signature: bytes) -> bool:
        """Whether this key's owner signed the message."""
        if len(signature) != 2 * _SIZE:
            return False
        commitment, s = _decoded(signature[:_SIZE]), int.from_bytes(signature[_SIZE:], "little")
        if commitment is None or s >= _ORDER:
            return False
        challenge = hashlib.sha512(signature[:_SIZE] + self.encoded + message).digest()
        k = int.from_bytes(challenge, "little") % _ORDER
        return _same(_times(s, _BASE), _sum(commitment, _times(k, self._point)))


def _decoded(encoded: bytes) -> _Point | None:
    """The point of an encoding (section 5.1.3); None for one that stands for no point, or is not the shortest."""
    if len(encoded) != _SIZE:
        return None
    number = int.from_bytes(encoded, "little")
    y, odd = number & _MASK, number >> 255
    if y >= _P:
        return None
    square = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * _ROOT % _P
    if (x * x - square) % _P or (x == 0 and odd):
        return None
    x = _P - x if x % 2 != odd else x
    return x, y, 1, x * y % _P


def _sum(one: _Point, other: _Point) -> _Point:
    """Section 5.1.4."""
    a = (one[1] - one[0]) * (other[1] - other[0]) % _P
    b = (one[1] + one[0]) * (other[1] + other[0]) % _P
    c = 2 * one[3] * other[3] * _D % _P
    d = 2 * one[2] * other[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _times(factor: int, point: _Point) -> _Point:
    found = _NEUTRAL
    while factor:
        if factor & 1:
            found = _sum(found, point)
        point = _sum(point, point)
        factor >>= 1
    return found


def _same(one: _Point, other: _Point) -> bool:
    return (one[0] * other[2] - other[0] * one[2]) % _P == 0 and (one[1] * other[2] - other[1] * one[2]) % _P == 0


def _base() -> _Point:
    y = 4 * pow(5, -1, _P) % _P
    point = _decoded(y.to_bytes(_SIZE, "little"))
    assert point is not None
    return point


_BASE: Final[_Point] = _base()
