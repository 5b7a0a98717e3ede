"""ECDSA on P-256 with SHA-256, the verification only (FIPS 186-5, section 6.4.2): ES256.

Everything here is public, key, message and signature, so nothing needs constant time. Points are Jacobian
``(X, Y, Z)`` for ``(X/Z², Y/Z³)``, which divides once at the end; ``Z = 0`` is the point at infinity.
"""

import hashlib
from dataclasses import dataclass
from typing import Final, TypeAlias

from trebuche.errors import CredentialsError

# SP 800-186, section 3.2.1.3.
_P: Final = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
_B: Final = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_SIZE: Final = 32

_Point: TypeAlias = tuple[int, int, int]

_INFINITY: Final[_Point] = (1, 1, 0)
_BASE: Final[_Point] = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
    1,
)


@dataclass(frozen=True, slots=True)
class P256Key:
    """A public key: a point of the curve.

    Raises:
        CredentialsError: The point is not on the curve.
    """

    x: int
    y: int

    def __post_init__(self) -> None:
        in_range = 0 <= self.x < _P and 0 <= self.y < _P
        if not in_range or (self.y * self.y - (self.x**3 - 3 * self.x + _B)) % _P:
            raise CredentialsError("bad-key", "a P-256 key that is not on the curve")

    def verifies(self, message: bytes, signature: bytes) -> bool:
        """Whether this key's owner signed the message; the signature is r and s, 32 bytes each (RFC 7518, 3.4)."""
        if len(signature) != 2 * _SIZE:
            return False
        r, s = int.from_bytes(signature[:_SIZE], "big"), int.from_bytes(signature[_SIZE:], "big")
        if not (0 < r < _ORDER and 0 < s < _ORDER):
            return False
        digest = int.from_bytes(hashlib.sha256(message).digest(), "big")
        inverse = pow(s, -1, _ORDER)
        x, _, z = _combined(digest * inverse % _ORDER, r * inverse % _ORDER, (self.x, self.y, 1))
        return z != 0 and x * pow(z, -2, _P) % _P % _ORDER == r


def _combined(first: int, second: int, point: _Point) -> _Point:
    """``first`` times the base point plus ``second`` times a point, both in one pass over the bits (Shamir)."""
    both = _sum(_BASE, point)
    found = _INFINITY
    for bit in range(max(first.bit_length(), second.bit_length()) - 1, -1, -1):
        found = _doubled(found)
        match first >> bit & 1, second >> bit & 1:
            case 1, 1:
                found = _sum(found, both)
            case 1, 0:
                found = _sum(found, _BASE)
            case 0, 1:
                found = _sum(found, point)
    return found


def _doubled(point: _Point) -> _Point:
    """Formulas dbl-2001-b of the Explicit-Formulas Database, for a = -3; infinity stays infinity."""
    x, y, z = point
    delta, gamma = z * z % _P, y * y % _P
    beta = x * gamma % _P
    alpha = 3 * (x - delta) * (x + delta) % _P
    doubled_x = (alpha * alpha - 8 * beta) % _P
    doubled_z = ((y + z) ** 2 - gamma - delta) % _P
    return doubled_x, (alpha * (4 * beta - doubled_x) - 8 * gamma * gamma) % _P, doubled_z


def _sum(one: _Point, other: _Point) -> _Point:
    """Formulas add-2007-bl of the same database, with the cases that they leave out."""
    (x1, y1, z1), (x2, y2, z2) = one, other
    if z1 == 0:
        return other
    if z2 == 0:
        return one
    square1, square2 = z1 * z1 % _P, z2 * z2 % _P
    u1, u2 = x1 * square2 % _P, x2 * square1 % _P
    s1, s2 = y1 * z2 * square2 % _P, y2 * z1 * square1 % _P
    if u1 == u2:
        return _doubled(one) if s1 == s2 else _INFINITY
    h = u2 - u1
    i = 4 * h * h % _P
    j, r, v = h * i % _P, 2 * (s2 - s1) % _P, u1 * i % _P
    x = (r * r - j - 2 * v) % _P
    return x, (r * (v - x) - 2 * s1 * j) % _P, ((z1 + z2) ** 2 - square1 - square2) * h % _P
