"""API keys: ``tbk_<id>_<secret>``, of which only a digest is kept.

A key is 256 bits of chance, so a plain digest of it is as hard to open as the key is to guess: a slow hash would only
be slow. The document of all keys (the value of the stack's secret) is JSON:

    {"keys": {"<id>": {"sha256": "…", "principal": "billing", "claims": {…}, "until": 1767225600}}, "ticketKey": "…"}
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from trebuche.auth.encoding import packed, unpacked
from trebuche.auth.principals import Principal, principal_name
from trebuche.documents import Json, dumps, loads
from trebuche.errors import CredentialsError, MalformedError

PREFIX: Final = "tbk_"
SECRET_BYTES: Final = 32
_SHAPE: Final = re.compile(rf"{PREFIX}(?P<id>[A-Za-z0-9-]{{1,64}})_(?P<secret>[A-Za-z0-9_-]{{43}})")
_NOBODYS: Final = "0" * 64


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What is kept of a key."""

    sha256: str
    principal: Principal


@dataclass(frozen=True, slots=True)
class SecretDocument:
    """What the stack's secret holds.

    Attributes:
        keys: By their ids.
        ticket_key: With which tickets are signed; empty when nobody has made one.
    """

    keys: Mapping[str, ApiKey] = field(default_factory=dict)
    ticket_key: bytes = field(default=b"", repr=False)


def is_api_key(text: str) -> bool:
    """Whether a credential is meant to be an API key."""
    return text.startswith(PREFIX)


def key_text(key_id: str, secret: bytes) -> str:
    """A key as its owner gets it, once."""
    return f"{PREFIX}{key_id}_{packed(secret)}"


def digest_of(text: str) -> str:
    """What is kept of a key."""
    return hashlib.sha256(text.encode()).hexdigest()


def check_api_key(text: str, document: SecretDocument, now: int) -> tuple[str, Principal]:
    """The id of a key, and whose it is.

    Raises:
        CredentialsError: No key, one that nobody has, or one that has expired.
    """
    match = _SHAPE.fullmatch(text)
    if not match:
        raise CredentialsError("malformed", "not the shape of an API key")
    known = document.keys.get(match["id"])
    # Compared also where there is nothing to compare with: ids are not to be found out by their time.
    same = hmac.compare_digest(digest_of(text), known.sha256 if known else _NOBODYS)
    if known is None or not same:
        raise CredentialsError("unknown-key")
    if 0 < known.principal.until <= now:
        raise CredentialsError("expired")
    return match["id"], known.principal


def read_secret(text: str) -> SecretDocument:
    """The keys in the secret's value; an empty value has none.

    Raises:
        MalformedError: It is not what the command line writes.
    """
    document = loads(text) if text else {}
    keys = document.get("keys", {}) if isinstance(document, dict) else None
    if not isinstance(document, dict) or not isinstance(keys, dict):
        raise MalformedError("the secret holds no document of keys")
    ticket_key = document.get("ticketKey", "")
    return SecretDocument(
        {key_id: _read_key(key_id, entry) for key_id, entry in keys.items()},
        unpacked(ticket_key) if isinstance(ticket_key, str) else b"",
    )


def write_secret(document: SecretDocument) -> str:
    """The secret's value."""
    keys: dict[str, Json] = {key_id: _write_key(key) for key_id, key in document.keys.items()}
    return dumps({"keys": keys, **({"ticketKey": packed(document.ticket_key)} if document.ticket_key else {})})


def _read_key(key_id: str, entry: Json) -> ApiKey:
    if not isinstance(entry, dict) or not isinstance(entry.get("sha256"), str):
        raise MalformedError("the secret holds a key without digest", "keys", key_id)
    claims, until = entry.get("claims", {}), entry.get("until", 0)
    if not isinstance(claims, dict) or not isinstance(until, int):
        raise MalformedError("the secret holds a key with claims or an end that are none", "keys", key_id)
    return ApiKey(str(entry["sha256"]), Principal(principal_name(entry.get("principal")), until, claims))


def _write_key(key: ApiKey) -> Json:
    entry: dict[str, Json] = {"sha256": key.sha256, "principal": key.principal.name}
    if key.principal.claims:
        entry["claims"] = dict(key.principal.claims)
    if key.principal.until:
        entry["until"] = key.principal.until
    return entry
