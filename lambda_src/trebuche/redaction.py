"""Secrets taken out of what is logged: by the name they go under, and by what they look like."""

import re
from typing import Final

REDACTED: Final = "[REDACTED]"
_NAMES: Final = r"(?:password|token|secret|api[_-]?key|authorization|cookie)"

_SECRET_KEY: Final = re.compile(_NAMES, re.IGNORECASE)
# header.payload.signature, of which the first two are JSON objects in base64url. Found from the start of a word only:
# otherwise the search takes quadratic time.
_JWT: Final = re.compile(r"(?<![\w-])eyJ[\w-]{5,}\.eyJ[\w-]*(?:\.[\w-]*)?")
_SCHEME: Final = re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]{8,}", re.IGNORECASE)
# name = value, "name": "value", 'name': b'value', name: value up to the next separator.
_NAMED: Final = re.compile(
    rf"""(?P<name>{_NAMES}[\w-]{{0,64}}["']?\s{{0,8}}[:=]\s{{0,8}})"""
    r"""(?P<value>b?"(?:[^"\\\n]|\\.)*"?|b?'(?:[^'\\\n]|\\.)*'?|[^\s,;&"'(){}\[\]]+)""",
    re.IGNORECASE,
)


def is_secret(key: str) -> bool:
    """Whether what goes under this name must not be logged at all."""
    return _SECRET_KEY.search(key) is not None


def redacted_text(text: str) -> str:
    """A text without tokens, and without what stands behind a secret's name and ``:`` or ``=``."""
    text = _JWT.sub(REDACTED, text)
    text = _SCHEME.sub(rf"\1 {REDACTED}", text)
    return _NAMED.sub(rf"\g<name>{REDACTED}", text)
