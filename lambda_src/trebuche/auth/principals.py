"""Who somebody is, as far as it counts here."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field

from trebuche.documents import Json
from trebuche.errors import CredentialsError

LONGEST_PRINCIPAL = 256
"""Characters; names of principals are keys of a table."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody who showed a right to come in.

    Attributes:
        name: Of a person or a program; never empty.
        until: When that right ends, in seconds since 1970; 0: never by itself.
        claims: What else is known of them.
    """

    name: str
    until: int = 0
    claims: Mapping[str, Json] = field(default_factory=dict, hash=False)


def revocable(principal: str | None, credential: str | None) -> tuple[str, ...]:
    """Names under which a right can be taken back: of the principal, and of its key.

    ``jwt`` and ``ticket`` are ways in, and nobody's own: a principal may be called so.
    """
    key = credential if credential and credential.startswith("key:") else None
    return tuple(name for name in (principal, key) if name)


def principal_name(value: object) -> str:
    """A principal's name, in the form that actor ids have: NFC, so that ``todos/{sub}`` is one list for each.

    Raises:
        CredentialsError: No text, an empty one or a very long one.
    """
    name = unicodedata.normalize("NFC", value) if isinstance(value, str) else ""
    if not 1 <= len(name) <= LONGEST_PRINCIPAL or not name.isprintable():
        raise CredentialsError("no-subject", f"expected 1 to {LONGEST_PRINCIPAL} printable characters")
    return name
