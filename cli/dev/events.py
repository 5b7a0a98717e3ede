"""What the engine says while it deploys, folded into counts and error texts."""

import json
import re
from dataclasses import dataclass, field
from typing import Any

_UNCHANGED = frozenset({"same", "read", "refresh"})
_COLOUR = re.compile(r"\x1b\[[0-9;]*m|<\{%[a-z ]*%\}>")
_FOLLOW_UPS = ("update failed", "preview failed")
"""Lines by which the engine repeats that something failed; they say nothing new."""


@dataclass
class Progress:
    """A deploy so far.

    Args:
        expected: How many resources the stack had before; 0 when it is new.
    """

    expected: int = 0
    begun: set[str] = field(default_factory=set)
    done: set[str] = field(default_factory=set)
    changed: dict[str, str] = field(default_factory=dict)
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
            self.begun.add(step["metadata"]["urn"])
        elif step := event.get("resOutputsEvent"):
            self._finished(step["metadata"])
        elif diagnostic := event.get("diagnosticEvent"):
            self._diagnostic(diagnostic)

    def _finished(self, metadata: dict[str, Any]) -> None:
        urn, operation = str(metadata["urn"]), str(metadata["op"])
        self.begun.add(urn)
        self.done.add(urn)
        if operation not in _UNCHANGED:
            self.changed[urn] = operation

    def _diagnostic(self, diagnostic: dict[str, Any]) -> None:
        texts = {"error": self.errors, "warning": self.warnings}.get(str(diagnostic.get("severity")))
        text = _COLOUR.sub("", str(diagnostic.get("message", ""))).strip()
        if texts is None or not text or text in _FOLLOW_UPS:
            return
        urn = str(diagnostic.get("urn") or "")
        name = urn.rsplit("::", 1)[-1] if "::" in urn and "pulumi:pulumi:Stack" not in urn else ""
        texts.append(f"{name}: {text}" if name else text)
