"""What the engine says while it deploys, folded into counts and error texts."""

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

_UNCHANGED = frozenset({"same", "read", "refresh"})
_COLOUR = re.compile(r"\x1b\[[0-9;]*m|<\{%[a-z ]*%\}>")
_FOLLOW_UPS = ("update failed", "preview failed")
"""Lines by which the engine repeats that something failed; they say nothing new."""
FAILED: Final = "failed"
"""Stands for the operation of a step that did not come to its end."""
_WORDS: Final = {
    "create": "created",
    "update": "updated",
    "delete": "deleted",
    "create-replacement": "created anew",
    "delete-replaced": "old one deleted",
}


@dataclass(frozen=True, slots=True)
class FinishedStep:
    """One operation on one resource that has ended, and how many seconds it took."""

    urn: str
    operation: str
    seconds: float

    def __str__(self) -> str:
        kind, name = self.urn.split("::")[-2].rsplit("$", 1)[-1], self.urn.rsplit("::", 1)[-1]
        return f"{name}  {kind}  {_WORDS.get(self.operation, self.operation)} ({self.seconds:.1f} s)"


@dataclass
class Progress:
    """A deploy so far.

    Args:
        expected: How many resources the stack had before; 0 when it is new.
        clock: Measures how long steps take; the engine's own times are whole seconds.
    """

    expected: int = 0
    clock: Callable[[], float] = time.monotonic
    begun: dict[str, float] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)
    changed: dict[str, str] = field(default_factory=dict)
    steps: list[FinishedStep] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        """How many resources there are, as far as is known."""
        return max(self.expected, len(self.begun))

    def read(self, line: str) -> None:
        """Take in one line of the engine's event log; lines that are not whole are ignored."""
        try:
            event: dict[str, Any] = json.loads(line)
        except ValueError:
            return
        if step := event.get("resourcePreEvent"):
            self.begun[step["metadata"]["urn"]] = self.clock()
        elif step := event.get("resOutputsEvent"):
            self._finished(step["metadata"])
        elif step := event.get("resOpFailedEvent"):
            self._note_step(str(step["metadata"]["urn"]), FAILED)
        elif diagnostic := event.get("diagnosticEvent"):
            self._diagnostic(diagnostic)

    def _finished(self, metadata: dict[str, Any]) -> None:
        urn, operation = str(metadata["urn"]), str(metadata["op"])
        if urn not in self.begun:
            self.begun[urn] = self.clock()
        self.done.add(urn)
        if operation not in _UNCHANGED:
            self.changed[urn] = operation
            self._note_step(urn, operation)

    def _note_step(self, urn: str, operation: str) -> None:
        now = self.clock()
        self.steps.append(FinishedStep(urn, operation, now - self.begun.get(urn, now)))

    def _diagnostic(self, diagnostic: dict[str, Any]) -> None:
        texts = {"error": self.errors, "warning": self.warnings}.get(str(diagnostic.get("severity")))
        text = _COLOUR.sub("", str(diagnostic.get("message", ""))).strip()
        if texts is None or not text or text in _FOLLOW_UPS:
            return
        urn = str(diagnostic.get("urn") or "")
        name = urn.rsplit("::", 1)[-1] if "::" in urn and "pulumi:pulumi:Stack" not in urn else ""
        texts.append(f"{name}: {text}" if name else text)
