"""Which releases a stack had, newest first, and the one that it was taken back to. Pure.

The list is a stack output that the program reads back from its own stack: so ``pulumi up`` alone keeps it, whoever
types it, and a second ``up`` of the same release leaves it as it is. An entry is one line, because Pulumi prints it.
"""

import base64
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

RELEASES_KEPT: Final = 10
INTERFACES_KEPT: Final = 2
SHORT: Final = 12
"""Characters of a digest that tell releases apart for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """What ran: the release, and role to version of its functions."""

    digest: str
    versions: Mapping[str, str]

    @classmethod
    def parse(cls, line: str) -> Self:
        """``<digest> websocket=3 actor-todo-list=5``."""
        digest, *pairs = line.split()
        return cls(digest=digest, versions=dict(pair.rsplit("=", 1) for pair in pairs))

    def __str__(self) -> str:
        return " ".join([self.digest, *(f"{role}={version}" for role, version in sorted(self.versions.items()))])


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """A rollback: the aliases name these versions, as long as the program is the release that was taken back.

    Args:
        taken_back: The release whose program deploys the stack.
        release: The release whose functions run.
        versions: Role to version; a function without one was new in the release that was taken back.
    """

    taken_back: str
    release: str
    versions: Mapping[str, str]


def read_releases(output: Any) -> tuple[Release, ...]:
    """The releases of a stack's output ``releases``, newest first; none when there is no such output."""
    return tuple(Release.parse(line) for line in output or ())


def with_release(known: Sequence[Release], current: Release, pin: Pin | None = None) -> list[str]:
    """The output after a deployment; what a rollback passed over is no release to return to."""
    gone = {current.digest, pin.taken_back} if pin else {current.digest}
    position = next((place for place, one in enumerate(known) if pin and one.digest == pin.release), 0)
    others = [one for one in known[position:] if one.digest not in gone]
    return [str(one) for one in [current, *others][:RELEASES_KEPT]]


def before(known: Sequence[Release], wanted: str | None = None) -> Release | None:
    """What a stack can be taken back to: the release before the one that runs, or the one that a digest begins with."""
    return next((one for one in known[1:] if wanted is None or one.digest.startswith(wanted)), None)


def with_interface(known: Mapping[str, str] | None, lines: Sequence[str], interface: Any) -> dict[str, str]:
    """Output ``interfaces``: what the newest releases look like to clients, by the beginning of their digests.

    Args:
        known: The output before; None before the first deployment.
        lines: Output ``releases``.
        interface: Of the release that is deployed; None when it is not known.
    """
    fresh = {lines[0][:SHORT]: pack(interface)} if interface is not None else {}
    every = fresh | dict(known or {})
    return {key: every[key] for key in (line[:SHORT] for line in lines[:INTERFACES_KEPT]) if key in every}


def interface_of(output: Mapping[str, str] | None, release: str | None) -> Any:
    """The interface of one release out of output ``interfaces``; None when it is not there."""
    packed = (output or {}).get((release or "")[:SHORT])
    return None if packed is None else json.loads(zlib.decompress(base64.b64decode(packed)))


def pack(document: Any) -> str:
    """A document on one short line."""
    return base64.b64encode(zlib.compress(json.dumps(document, sort_keys=True).encode(), 9)).decode()
