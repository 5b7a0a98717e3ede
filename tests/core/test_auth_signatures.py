"""Signatures, held against those of a library that everybody uses."""

import hashlib
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.tokens import private_key, published, signature
from trebuche.auth.ed25519 import Ed25519Key
from trebuche.auth.keys import PublicKey, choose, read_key_set
from trebuche.auth.p256 import P256Key
from trebuche.auth.rsa import RsaKey
from trebuche.errors import CredentialsError

ALGORITHMS = ("RS256", "ES256", "EdDSA")
KEYS = {algorithm: private_key(algorithm) for algorithm in ALGORITHMS}
ORDERS = {
    "ES256": 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    "EdDSA": 2**252 + 27742317777372353535851937790883648493,
}


def public(algorithm: str) -> PublicKey:
    """The public half, through its published form."""
    found = choose(read_key_set({"keys": [published(KEYS[algorithm])]}), None, algorithm)
    assert found is not None
    return found


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@settings(max_examples=15)
@given(message=st.binary(max_size=80))
def test_what_a_key_has_signed_verifies(algorithm: str, message: bytes) -> None:
    """Whatever the message, and no other message does."""
    key, signed = public(algorithm), signature(KEYS[algorithm], message)

    assert key.verifies(message, signed)
    assert not key.verifies(message + b"\0", signed)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@settings(max_examples=25)
@given(place=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_no_bit_of_a_signature_is_free(algorithm: str, place: int, bit: int) -> None:
    """Each one that is flipped spoils it."""
    signed = bytearray(signature(KEYS[algorithm], b"message"))
    signed[place % len(signed)] ^= 1 << bit

    assert not public(algorithm).verifies(b"message", bytes(signed))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize(
    "spoil",
    [
        lambda _: b"",
        lambda one: one[:-1],
        lambda one: one + b"\0",
        lambda one: b"\0" + one,
        lambda one: bytes(len(one)),
    ],
    ids=["empty", "short", "long", "zero in front", "zeros"],
)
def test_a_signature_of_another_length_or_of_zeros_is_none(algorithm: str, spoil: Callable[[bytes], bytes]) -> None:
    """Zeros satisfied an implementation of ECDSA once (CVE-2022-21449)."""
    assert not public(algorithm).verifies(b"message", spoil(signature(KEYS[algorithm], b"message")))


def test_another_key_of_the_same_kind_does_not_verify() -> None:
    """Whoever signs with a key of their own gets nowhere."""
    for algorithm in ALGORITHMS:
        assert not public(algorithm).verifies(b"message", signature(private_key(algorithm), b"message"))


def forged(key: rsa.RSAPrivateKey, block: bytes) -> bytes:
    """A signature that opens to a block; only the owner of the key can make it, so it stands for any forgery."""
    numbers = key.private_numbers()
    return pow(int.from_bytes(block, "big"), numbers.d, numbers.public_numbers.n).to_bytes(256, "big")


def test_rsa_takes_the_padding_to_its_last_byte() -> None:
    """Blocks that lenient parsers have taken: rubbish behind the digest, short padding, another digest's name."""
    key = private_key("RS256")
    assert isinstance(key, rsa.RSAPrivateKey)
    numbers = key.public_key().public_numbers()
    own = RsaKey(numbers.n, numbers.e)
    prefix = bytes.fromhex("3031300d060960864801650304020105000420")
    info = prefix + hashlib.sha256(b"message").digest()
    right = b"\0\1" + b"\xff" * (256 - len(info) - 3) + b"\0" + info
    assert own.verifies(b"message", forged(key, right))
    for block in (
        b"\0\1" + b"\xff" * 8 + b"\0" + info + bytes(256 - len(info) - 11),
        b"\0\2" + right[2:],
        b"\0\1" + b"\xff" * (256 - 35) + b"\0" + hashlib.sha256(b"message").digest(),
        right.replace(prefix, prefix[:-6] + prefix[-4:-2] + b"\0\0" + prefix[-2:]),
    ):
        assert not own.verifies(b"message", forged(key, block[:256].rjust(256, b"\0")))


def test_rsa_with_another_digest_or_padding_is_none() -> None:
    """RS512 and PS256 of the right key are not RS256."""
    key = KEYS["RS256"]
    assert isinstance(key, rsa.RSAPrivateKey)
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)

    assert not public("RS256").verifies(b"message", key.sign(b"message", padding.PKCS1v15(), hashes.SHA512()))
    assert not public("RS256").verifies(b"message", key.sign(b"message", pss, hashes.SHA256()))


def test_numbers_of_a_signature_stay_below_the_order() -> None:
    """The same signature in another spelling (s plus the order) would be another one."""
    edwards = signature(KEYS["EdDSA"], b"message")
    raised = int.from_bytes(edwards[32:], "little") + ORDERS["EdDSA"]
    assert not public("EdDSA").verifies(b"message", edwards[:32] + raised.to_bytes(32, "little"))
    order = ORDERS["ES256"].to_bytes(32, "big")
    right = signature(KEYS["ES256"], b"message")
    assert not public("ES256").verifies(b"message", order + right[32:])
    assert not public("ES256").verifies(b"message", right[:32] + order)


def test_p256_agrees_with_the_library_on_points_of_its_own_making() -> None:
    """Among them the base point itself, where adding is doubling."""
    for scalar in (1, 2, 3, ORDERS["ES256"] - 1):
        key = ec.derive_private_key(scalar, ec.SECP256R1())
        point = key.public_key().public_numbers()
        assert P256Key(point.x, point.y).verifies(b"message", signature(key, b"message"))


@pytest.mark.parametrize(
    "make",
    [
        lambda: RsaKey(2**1023 + 1, 65537),
        lambda: RsaKey(2**2048 + 2, 65537),
        lambda: RsaKey(2**9000 + 1, 65537),
        lambda: RsaKey(2**2048 + 1, 1),
        lambda: RsaKey(2**2048 + 1, 4),
        lambda: P256Key(1, 1),
        lambda: P256Key(0, 0),
        lambda: Ed25519Key(b"\xff" * 32),
        lambda: Ed25519Key(b"\2" + bytes(31)),
        lambda: Ed25519Key(bytes(31)),
    ],
)
def test_what_is_no_key_is_not_taken_for_one(make: Callable[[], object]) -> None:
    """Too short, too long, even, or off the curve."""
    with pytest.raises(CredentialsError, match="bad-key"):
        make()
