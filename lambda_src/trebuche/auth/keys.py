"""Public keys as their owners publish them: JWK Sets (RFC 7517), with the key types of RFC 7518 and RFC 8037."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Protocol

from trebuche.auth.ed25519 import Ed25519Key
from trebuche.auth.encoding import unpacked, whole
from trebuche.auth.p256 import P256Key
from trebuche.auth.rsa import RsaKey
from trebuche.documents import Json
from trebuche.errors import CredentialsError

RS256: Final = "RS256"
ES256: Final = "ES256"
EDDSA: Final = "EdDSA"


class PublicKey(Protocol):
    """Verifies signatures of one algorithm."""

    def verifies(self, message: bytes, signature: bytes) -> bool:
        """Whether this key's owner signed the message."""


@dataclass(frozen=True, slots=True)
class PublishedKey:
    """A key of a set.

    Attributes:
        key_id: ``kid``; None when its owner gives it none.
        algorithm: The one algorithm that the key is good for, by its type: a token cannot choose another.
    """

    key_id: str | None
    algorithm: str
    key: PublicKey


def read_key_set(document: Json) -> tuple[PublishedKey, ...]:
    """The keys of a set that can verify signatures; those of other types, or for other uses, are passed over.

    Raises:
        CredentialsError: It is no key set.
    """
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise CredentialsError("bad-key-set", "no list of keys")
    return tuple(found for entry in entries if (found := _published(entry)) is not None)


def choose(keys: Iterable[PublishedKey], key_id: str | None, algorithm: str) -> PublicKey | None:
    """The key that a token names; without a name the only one of its algorithm."""
    fitting = [one for one in keys if one.algorithm == algorithm and key_id in (None, one.key_id)]
    return fitting[0].key if len(fitting) == 1 else None


def _published(entry: Json) -> PublishedKey | None:
    if not isinstance(entry, dict) or entry.get("use", "sig") != "sig":
        return None
    texts = {name: value for name, value in entry.items() if isinstance(value, str)}
    try:
        found = _key(texts)
    except (KeyError, CredentialsError):
        return None  # one bad key must not lock out those who use the others
    if found is None or texts.get("alg", found[0]) != found[0]:
        return None
    return PublishedKey(texts.get("kid"), *found)


def _key(entry: dict[str, str]) -> tuple[str, PublicKey] | None:
    match entry["kty"], entry.get("crv"):
        case "RSA", _:
            return RS256, RsaKey(whole(entry["n"]), whole(entry["e"]))
        case "EC", "P-256":
            return ES256, P256Key(whole(entry["x"]), whole(entry["y"]))
        case "OKP", "Ed25519":
            return EDDSA, Ed25519Key(unpacked(entry["x"]))
        case _:
            return None
