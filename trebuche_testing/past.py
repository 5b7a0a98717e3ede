"""What was stored of each actor in a history, version by version, and when it was deleted."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from trebuche.actor_types import WHOLE_STATE
from trebuche.documents import canonical, loads
from trebuche_testing.history import Event
from trebuche_testing.specification import Specification

Document = str | bytes


class Forms:
    """Documents in the one form in which they are compared: without what newer code adds to a state.

    Args:
        specification: Says what that is.
    """

    def __init__(self, specification: Specification) -> None:
        self._plain = specification.plain
        self.of_state = cache(self._of_state)
        self.of_value = cache(self._of_value)

    def _of_state(self, state: Document, key: str) -> bytes:
        """What a stored state shows under a property, or as a whole."""
        plain = self._plain(loads(state))
        return canonical(plain if key == WHOLE_STATE else plain.get(key) if isinstance(plain, dict) else None)

    def _of_value(self, value: Document, key: str) -> bytes:
        """The value of a stream of a property, or of the whole state."""
        document = loads(value)
        if key == WHOLE_STATE:
            return canonical(self._plain(document))
        plain = self._plain({key: document})
        return canonical(plain.get(key) if isinstance(plain, dict) else None)


@dataclass(slots=True)
class Past:
    """The versions of one actor.

    Attributes:
        initial: What it shows before its first call, and after its deletion under its last version.
        written: Version to what was stored as that; more than one only where something is wrong.
        deletions: Time and version of each.
    """

    initial: Document
    written: dict[int, set[Document]] = field(default_factory=lambda: defaultdict(set))
    deletions: list[tuple[float, int]] = field(default_factory=list)


class Shown:
    """What an actor's versions look like on a stream that shows one property of it.

    Args:
        past: The versions.
        forms: How documents are compared.
        key: The property.
    """

    def __init__(self, past: Past, forms: Forms, key: str) -> None:
        self._deletions = past.deletions
        self._initial = forms.of_state(past.initial, key)
        self._written = {
            version: {forms.of_state(state, key) for state in states} for version, states in past.written.items()
        }

    def bases(self, values: list[tuple[int, bytes]]) -> set[int]:
        """What versions may be counted from, if these are values under their numbers."""
        number, form = values[0]
        absent = (0, *(deleted for _, deleted in self._deletions)) if form == self._initial else ()
        return {version - number for version in absent} | {
            version - number for number, form in values for version, forms in self._written.items() if form in forms
        }

    def may_be(self, version: int, form: bytes, began: float) -> bool:
        """Whether a stream that was asked for at a time may show this as a version: nothing deleted before that."""
        if form == self._initial and self._is_absent(version):
            return True
        gone = any(at < began and version <= deleted for at, deleted in self._deletions)
        return not gone and form in self._written.get(version, ())

    def _is_absent(self, version: int) -> bool:
        """Whether there may be no state under a version: none was written, or it was deleted.

        Where the journal has expired, nobody knows better than the highest version that may have been used.
        """
        return version == 0 or any(
            deleted <= version and not any(deleted < other <= version for other in self._written)
            for _, deleted in self._deletions
        )

    def survived(self, values: list[tuple[int, bytes]]) -> Iterator[tuple[float, int]]:
        """When a deletion happened between two of these values, and the version of the first one after it."""
        for at, deleted in self._deletions:
            before = any(
                version < deleted or (version == deleted and form != self._initial) for version, form in values
            )
            after = next((version for version, _ in values if version > deleted), None)
            if before and after is not None:
                yield at, after


def read_past(kinds: Mapping[str, list[Event]]) -> Mapping[str, Past]:
    """The past of each actor that a history tells of."""
    initial: Any = kinds["quiet"][-1]["initial"]
    pasts: dict[str, Past] = defaultdict(lambda: Past(initial))
    for event in kinds["commit"]:
        pasts[event["actor"]].written[event["version"]].add(event["state"])
    for event in kinds["delete"]:
        pasts[event["actor"]].deletions.append((event["at"], event["version"]))
    return pasts
