"""Mapping templates as far as the sandbox evaluates them: text with references, without directives. Pure.

At API Gateway they are programs in the Velocity Template Language. What is not evaluated here is refused by name when
it is written, so that no template runs with another meaning.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from sandbox.front.json_paths import ABSENT, Steps, look_up, parse_path
from sandbox.front.selection import read_body

TEMPLATE_BYTES: Final = 300 * 1024
"""Largest mapping template (quota page; not adjustable)."""
_DIRECTIVE = re.compile(
    r"(?<!\\)#(?:\{(?:else|end|stop|break)\}|(?:set|if|elseif|else|end|foreach|include|parse|stop|macro|evaluate|define|break)\b)"
)
_COMMENT = re.compile(r"##[^\n]*\n?|#\*.*?\*#", re.DOTALL)
_OURS: Final = r"(?:context|stageVariables|input|util)\b"
_REFERENCE = re.compile(
    r"(?P<escape>\\?)\$!?(?:\{\s*(?P<braced>" + _OURS + r"[^}]*)\}"
    r"|(?P<bare>" + _OURS + r"(?:\.[A-Za-z_]\w*(?:-\w+)*|\[[^\]]*\]|\((?:'[^']*'|\"[^\"]*\"|[^()'\"])*\))*))"
)
_CONTEXT = re.compile(r"context\.(?P<name>[\w.\-]+)")
_VARIABLE = re.compile(r"stageVariables(?:\.|\[['\"])(?P<name>\w+)(?:['\"]\])?")
_INPUT = re.compile(r"input\.(?P<kind>json|path)\(\s*(?P<quote>['\"])\$(?P<path>.*)(?P=quote)\s*\)")
_BODY: Final = "input.body"


@dataclass(frozen=True)
class Values:
    """What a template's references stand for.

    ``context`` names the ``$context`` variables, ``variables`` the stage's; ``body`` is the payload.
    """

    context: Mapping[str, object]
    variables: Mapping[str, str]
    body: str

    @cached_property
    def document(self) -> object:
        """The payload as JSON."""
        return read_body(self.body or _NOTHING)


_NOTHING: Final = "{}"
"""What API Gateway puts in the place of an empty payload."""


def refused_part(template: str) -> str | None:
    """The first directive or reference that is not evaluated here, if there is one."""
    text = _COMMENT.sub("", template)
    if directive := _DIRECTIVE.search(text):
        return directive[0]
    for match in _REFERENCE.finditer(text):
        if not match["escape"] and not _is_known(match["braced"] or match["bare"]):
            return match[0]
    return None


def render(template: str, values: Values) -> str:
    """A template's text with its references replaced; one that finds nothing is empty."""

    def replace(match: re.Match[str]) -> str:
        if match["escape"]:
            return match[0][1:]
        return _value(match["braced"] or match["bare"], values)

    return _REFERENCE.sub(replace, _COMMENT.sub("", template))


def _is_known(name: str) -> bool:
    if match := _INPUT.fullmatch(name):
        return parse_path(match["path"]) is not None
    return name == _BODY or any(form.fullmatch(name) for form in (_CONTEXT, _VARIABLE))


def _value(name: str, values: Values) -> str:
    if match := _CONTEXT.fullmatch(name):
        return _plain(values.context.get(match["name"], ABSENT))
    if match := _VARIABLE.fullmatch(name):
        return values.variables.get(match["name"], "")
    if name == _BODY:
        return values.body or _NOTHING
    match = _INPUT.fullmatch(name)
    steps: Steps | None = parse_path(match["path"]) if match else None
    found = ABSENT if steps is None else look_up(values.document, steps)
    if match and match["kind"] == "json":
        return '""' if found is ABSENT else _compact(found)
    return _plain(found)


def _plain(value: object) -> str:
    """A value as Velocity writes it: objects in Java's form, what is in lists as JSON."""
    if value is ABSENT or value is None:
        return ""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}={_plain(member)}" for name, member in value.items()) + "}"
    return value if isinstance(value, str) else _compact(value)


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
