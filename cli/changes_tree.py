"""What a preview says will happen, as counts and as a tree. Pure."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

Json = dict[str, Any]

_MARKS = {"create": "+", "delete": "-", "update": "~", "replace": "±", "same": " "}
_VERBS = {"create": "to create", "update": "to update", "replace": "to replace", "delete": "to delete"}
_SILENT = frozenset({"same", "read"})
"""Nothing changes: a resource that stays, and what is only looked at, such as another stack."""
_REPLACING = frozenset({"replace", "create-replacement", "delete-replaced"})


@dataclass(frozen=True, slots=True)
class Step:
    """What happens to one resource: ``create``, ``update``, ``replace``, ``delete`` or ``same``."""

    operation: str
    urn: str
    parent: str | None
    because: tuple[str, ...]

    @property
    def kind(self) -> str:
        """``aws:dynamodb/table:Table``."""
        return self.urn.split("::")[-2].rsplit("$", 1)[-1]

    @property
    def name(self) -> str:
        """The name in the program."""
        return self.urn.rsplit("::", 1)[-1]


@dataclass(frozen=True, slots=True)
class Changes:
    """All steps of a preview, each resource once."""

    steps: tuple[Step, ...]
    warnings: tuple[str, ...]

    @classmethod
    def of(cls, preview: Json) -> Self:
        """Read what ``pulumi preview --json`` printed."""
        steps: dict[str, Step] = {}
        for entry in preview.get("steps", ()):
            step = _step(entry)
            # A replacement comes as several steps of one resource; one of them stands for all.
            if step.urn not in steps or step.operation == "replace":
                steps[step.urn] = step
        warnings = [
            str(entry.get("message", "")).strip().removeprefix("warning: ")
            for entry in preview.get("diagnostics", ())
            if entry.get("severity") == "warning"
        ]
        return cls(tuple(steps.values()), tuple(dict.fromkeys(filter(None, warnings))))

    @property
    def counts(self) -> dict[str, int]:
        """How many resources are to be created, updated and so on."""
        found = Counter(step.operation for step in self.steps)
        return {operation: found[operation] for operation in _VERBS if found[operation]}

    @property
    def summary(self) -> str:
        """``58 to create``."""
        return ", ".join(f"{number} {_VERBS[operation]}" for operation, number in self.counts.items()) or "none"

    def tree(self) -> list[str]:
        """One line per resource, below its component; what stays as it is only where something below it changes."""
        children: dict[str | None, list[Step]] = {}
        known = {step.urn for step in self.steps}
        for step in self.steps:
            children.setdefault(step.parent if step.parent in known else None, []).append(step)
        return list(_branches(children.get(None, []), children, ""))


def _step(entry: Json) -> Step:
    state = entry.get("newState") or entry.get("oldState") or {}
    operation = "replace" if entry["op"] in _REPLACING else str(entry["op"])
    because = entry.get("replaceReasons") or entry.get("diffReasons") or ()
    return Step(operation, str(entry["urn"]), state.get("parent"), tuple(map(str, because)))


def _branches(steps: list[Step], children: dict[str | None, list[Step]], indent: str) -> Iterator[str]:
    for step in steps:
        below = list(_branches(children.get(step.urn, []), children, indent + "   "))
        if step.operation not in _SILENT or below:
            why = f"  [{', '.join(step.because)}]" if step.because else ""
            yield f"{_MARKS.get(step.operation, '?')} {indent}{step.name}  {step.kind}{why}"
        yield from below
