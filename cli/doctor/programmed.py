"""What a program's components ask for, held against what the engine is asked for: what lies between is a transform."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from cli.doctor.expected import Key, key_of
from policies.model import DEPLOYMENT, UNKNOWN, WARNING, Node, Problem, Rule, Stack
from policies.rules import BY_ID

ID: Final = "as-programmed"
_CHECKED: Final = "__defaults"
"""Where a provider notes which properties it has filled in by itself."""
_HIDDEN: Final = "[secret]"
_FREE: Final = frozenset({"tags", "tagsAll", "region", "description"})
"""The provider adds its own to these, and what they say changes nothing; `region` has a rule of its own."""
_SHOWN_CHARACTERS: Final = 60
_SHOWN: Final = 5
_NOTHING: Final = object()


@dataclass(frozen=True, slots=True)
class Changed:
    """A property that is another one than the components made it."""

    path: str
    asked: Any
    programmed: Any

    def __str__(self) -> str:
        return f"{self.path} is {_shown(self.asked)}, not {_shown(self.programmed)}"


def as_programmed(expected: Mapping[Key, Node]) -> Rule:
    """The rule for what the components of a checkout make."""

    def check(stack: Stack) -> Iterator[Problem]:
        for node in stack.nodes:
            wanted = expected.get(key_of(node))
            changes = [] if wanted is None else list(differences(wanted.props, node.props))
            if changes:
                more = f", and {len(changes) - _SHOWN} more" if len(changes) > _SHOWN else ""
                what = f"it is not as its component makes it: {'; '.join(map(str, changes[:_SHOWN]))}{more}"
                yield Problem(node, what, "see that this is meant: a transform, say, changes it on the way")

    return Rule(
        id=ID,
        title="What the engine is asked for is what the program's components make",
        sources=("Pulumi documentation: transforms",),
        check=check,
        severity=WARNING,
    )


def as_digested(expected: Mapping[Key, Node]) -> Rule:
    """The rule about deployments, for triggers that look like a digest and are not the one of these routes."""

    def check(stack: Stack) -> Iterator[Problem]:
        for node in stack.all(DEPLOYMENT):
            wanted = expected.get(key_of(node))
            if wanted is not None and _is_another(wanted.get("triggers"), node.get("triggers")):
                what = (
                    "its triggers are no digest of its routes and integrations: a changed route is made, and never live"
                )
                yield Problem(node, what, "set triggers to a digest of all routes and integrations")

    return replace(BY_ID["deployment"], check=check)


def _is_another(wanted: Any, asked: Any) -> bool:
    return bool(asked) and any(differences({"triggers": wanted}, {"triggers": asked}))


def differences(wanted: Mapping[str, Any], asked: Mapping[str, Any]) -> Iterator[Changed]:
    """The properties that differ, as far as both are known."""
    for name in sorted({*wanted, *asked} - _FREE):
        yield from _compare(name, wanted.get(name, _NOTHING), asked.get(name, _NOTHING), asked.get(_CHECKED) or ())


def _compare(path: str, wanted: Any, asked: Any, filled: Iterable[str]) -> Iterator[Changed]:
    if path.rsplit(".", 1)[-1] == _CHECKED or UNKNOWN in (wanted, asked) or asked == _HIDDEN:
        return
    if wanted is _NOTHING and path.rsplit(".", 1)[-1] in filled:
        return
    wanted, asked = _read(wanted), _read(asked)
    if isinstance(wanted, dict) and isinstance(asked, dict):
        own = asked.get(_CHECKED) or ()
        for key in sorted({*wanted, *asked}):
            yield from _compare(f"{path}.{key}", wanted.get(key, _NOTHING), asked.get(key, _NOTHING), own)
    elif isinstance(wanted, list) and isinstance(asked, list) and len(wanted) == len(asked):
        for place, (one, other) in enumerate(zip(wanted, asked, strict=True)):
            yield from _compare(f"{path}[{place}]", one, other, ())
    elif isinstance(wanted, list) and isinstance(asked, list):
        # Of documents with many statements, those that are missing, and those that came.
        yield Changed(path, [one for one in asked if one not in wanted], [one for one in wanted if one not in asked])
    elif wanted != asked and not (_is_nothing(wanted) and _is_nothing(asked)):
        yield Changed(path, asked, wanted)


def _read(value: Any) -> Any:
    """A JSON document as what it says: spaces and the order of keys say nothing."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _is_nothing(value: Any) -> bool:
    return value is _NOTHING or value is None or value in ("", [], {})


def _shown(value: Any) -> str:
    if _is_nothing(value):
        return "nothing"
    # Numbers come as floats from the one side, and as what they are from the other.
    plain = int(value) if isinstance(value, float) and value.is_integer() else value
    text = plain if isinstance(plain, str) else json.dumps(plain, default=str)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"
