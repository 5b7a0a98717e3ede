"""What a call is aimed at: target identifiers and actor ids."""

import re
import unicodedata
from typing import Final

from trebuche.errors import ActorError, ProtocolError
from trebuche.mangling import read_mangled

TARGET_LIMIT_BYTES: Final = 512
"""Mangled names are long; upstream's own limit of 128 refuses real ones."""
ACTOR_ID_LIMIT: Final = 256
"""Characters of an actor id."""

_OBSERVE: Final = "observe"
_IDENTIFIER: Final = re.compile(r"[A-Za-z0-9_$]+")
_BASE_NAME: Final = re.compile(r"[A-Za-z0-9_]{1,128}")


def is_stream_target(identifier: str) -> bool:
    """Whether a call opens a stream: the identifier starts with ``observe``, in lower case."""
    return identifier.startswith(_OBSERVE)


def observed_property(identifier: str) -> str | None:
    """The property that a stream target names (``observePlayerList`` → ``playerList``); None when it names none."""
    if not is_stream_target(identifier) or identifier == _OBSERVE:
        return None
    name = identifier.removeprefix(_OBSERVE)
    return name[0].lower() + name[1:]


def observe_target(property_key: str) -> str:
    """The stream target of a property, as Swift's macro spells it: ``playerList`` → ``observePlayerList``."""
    return _OBSERVE + property_key[:1].upper() + property_key[1:]


def base_name(identifier: str) -> str:
    """The method's name in a target identifier, readable (``addTodo``) or mangled (``$s…YaKFTE``).

    Raises:
        ProtocolError: Empty, over 512 bytes, other characters than ``A-Z a-z 0-9 _ $``, or a mangled name without a
            method in it.
    """
    check_target(identifier)
    if "$" not in identifier:
        name = identifier
    else:
        mangled = read_mangled(identifier)
        if mangled is None:
            raise ProtocolError(
                "targetIdentifier: not the mangled name of a distributed method; send the method's name or register "
                "the whole identifier as an alias"
            )
        name = mangled.method
    if not _BASE_NAME.fullmatch(name):
        raise ProtocolError("targetIdentifier: a method's name has 1 to 128 letters, digits and underscores")
    return name


def check_target(identifier: str) -> None:
    """Refuse a target identifier that cannot name anything.

    Raises:
        ProtocolError: Empty, over 512 bytes, or other characters than ``A-Z a-z 0-9 _ $``.
    """
    size = len(identifier.encode(errors="replace"))
    if not 1 <= size <= TARGET_LIMIT_BYTES:
        raise ProtocolError(f"targetIdentifier: expected 1 to {TARGET_LIMIT_BYTES} bytes, got {size}")
    if not _IDENTIFIER.fullmatch(identifier):
        raise ProtocolError("targetIdentifier: only letters, digits, _ and $ are allowed")


def actor_key(actor_id: str) -> str:
    """The form of an actor id that keys tables and registries: NFC, since Swift takes equivalent texts for equal.

    Raises:
        ActorError: Empty, over 256 characters, or with a NUL.
    """
    key = unicodedata.normalize("NFC", actor_id)
    if not 1 <= len(key) <= ACTOR_ID_LIMIT:
        raise ActorError(f"actorID.id: expected 1 to {ACTOR_ID_LIMIT} characters, got {len(key)}")
    if "\0" in key:
        raise ActorError("actorID.id: must not contain a NUL character")
    return key
