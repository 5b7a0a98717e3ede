"""Readers and spellers of a dataclass as code of its own: a loop over its members takes three times as long.

As ``dataclasses`` writes an ``__init__``, this writes, for the members ``done: bool, id: str, note: str | None``,

    def read(value):
        if type(value) is not dict: raise odd()
        try:
            v0 = value['done']
            v1 = value['id']
            v2 = value.get('note')
        except KeyError: raise odd() from None
        if type(v0) is not bool: v0 = p0.quick(v0)
        if type(v1) is not str or not v1.isascii(): v1 = p1.quick(v1)
        if v2 is not None and (type(v2) is not str or not v2.isascii()): v2 = p2.quick(v2)
        return class_(v0, v1, v2)

    def spell(value):
        if type(value) is not class_ or getattr(value, UNKNOWN, None): raise odd()
        v0 = value.done
        v1 = value.id
        v2 = value.note
        members = []
        t0 = ('true' if v0 else 'false') if type(v0) is bool else p0.spell(v0); members.append(f'"done":{t0}')
        t1 = quoted(v1) if type(v1) is str else p1.spell(v1); members.append(f'"id":{t1}')
        if v2 is not None: t2 = quoted(v2) if type(v2) is str else p2.spell(v2); members.append(f'"note":{t2}')
        return f"{{{','.join(members)}}}"

where one f-string does for members none of which is ever left out. Both know the usual case,
and a member that is missing because it has a default is another. They raise whatever comes of that and do not say where
it is: who uses them goes over the same value again with the loops of ``records``, which decide.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from inspect import Parameter, signature
from typing import Any, Final

from trebuche.documents import Json, quoted
from trebuche.errors import MalformedError
from trebuche.plans import Plan

UNKNOWN: Final = "_unknown_members"
"""Attribute for members that a class does not declare."""

_TEXTS: Final = {str: "quoted({0})", bool: "('true' if {0} else 'false')", int: "str({0})"}


@dataclass(frozen=True, slots=True)
class Part:
    """One member of a dataclass."""

    key: str
    attribute: str
    plan: Plan
    required: bool
    """Must be there on read."""
    nil_when_missing: bool
    """An optional without a default: missing means None."""
    nil_left_out: bool
    """None is written by leaving the key out; not where a missing key would mean another default."""


def reader(class_: type, parts: Sequence[Part], *, known_only: bool) -> Callable[[Json], Any]:
    """What reads an object of a class.

    Args:
        class_: The dataclass.
        parts: Its members.
        known_only: Whether an object with members that the class does not declare is odd.
    """
    lines = ["if type(value) is not dict: raise odd()", "try:", " pass"]
    lines += [f" v{n} = {_found(part)}" for n, part in enumerate(parts)]
    lines += ["except KeyError: raise odd() from None"]
    if known_only:
        lines += [f"if {_has_others(parts)}: raise odd()"]
    lines += [f"if {_needs_plan(f'v{n}', part)}: v{n} = p{n}.quick(v{n})" for n, part in enumerate(parts)]
    lines += [f"return class_({', '.join(_arguments(class_, parts))})"]
    keys = frozenset(part.key for part in parts)
    return _function("read", class_, lines, {"keys": keys, **_plans(parts)})


def speller(class_: type, parts: Sequence[Part]) -> Callable[[Any], str]:
    """What writes an object of a class as canonical JSON text."""
    parts = sorted(parts, key=lambda part: part.key)
    lines = ["if type(value) is not class_ or getattr(value, UNKNOWN, None): raise odd()"]
    lines += [f"v{n} = value.{part.attribute}" for n, part in enumerate(parts)]
    texts = [f"t{n} = {_text(f'v{n}', f'p{n}', part)}" for n, part in enumerate(parts)]
    members = [f"{_in_f_string(quoted(part.key))}:{{t{n}}}" for n, part in enumerate(parts)]
    if any(part.nil_left_out for part in parts):
        lines += ["members = []"]
        for n, part in enumerate(parts):
            lines += [f"{_unless_nil(n, part)}{texts[n]}; members.append(f{members[n]!r})"]
        lines += ["return f\"{{{','.join(members)}}}\""]
    else:
        whole = f"{{{{{','.join(members)}}}}}"
        lines += [*texts, f"return f{whole!r}"]
    return _function("spell", class_, lines, {"UNKNOWN": UNKNOWN, "quoted": quoted, **_plans(parts)})


def _in_f_string(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def _found(part: Part) -> str:
    return f"value.get({part.key!r})" if part.nil_when_missing else f"value[{part.key!r}]"


def _needs_plan(name: str, part: Part) -> str:
    """Whether a value has to be looked at; most are plain, and a call for each is what reading would take."""
    same = part.plan.same
    text = f" or not {name}.isascii()" if same is str else ""
    odd = f"type({name}) is not {same.__name__}{text}" if same else "True"
    return f"{name} is not None and ({odd})" if part.nil_when_missing else odd


def _has_others(parts: Sequence[Part]) -> str:
    """Whether an object that has all it must have has others, too."""
    if any(part.nil_when_missing for part in parts):
        return "not keys.issuperset(value)"
    return f"len(value) != {len(parts)}"


def _text(value: str, plan: str, part: Part) -> str:
    same = part.plan.same
    written = f"{plan}.spell({value})"
    return f"{_TEXTS[same].format(value)} if type({value}) is {same.__name__} else {written}" if same else written


def _unless_nil(n: int, part: Part) -> str:
    return f"if v{n} is not None: " if part.nil_left_out else ""


def _arguments(class_: type, parts: Sequence[Part]) -> Iterator[str]:
    """By position where that is possible, which takes half the time."""
    attributes = [part.attribute for part in parts]
    parameters = signature(class_).parameters.values()
    plain = all(one.kind is Parameter.POSITIONAL_OR_KEYWORD for one in parameters)
    named = not plain or attributes != [one.name for one in parameters]
    for n, attribute in enumerate(attributes):
        yield f"{attribute}=v{n}" if named else f"v{n}"


def _odd() -> MalformedError:
    return MalformedError("out of the ordinary")


def _function(name: str, class_: type, lines: Sequence[str], names: Mapping[str, Any]) -> Callable[[Any], Any]:
    """A function of ``value`` with these lines; tracebacks and profiles show it as ``<Todo>`` and ``read``."""
    source = "\n ".join([f"def {name}(value):", *lines])
    namespace = {"class_": class_, "odd": _odd, **names}
    exec(compile(source, f"<{class_.__qualname__}>", "exec"), namespace)
    made: Callable[[Any], Any] = namespace[name]
    return made


def _plans(parts: Sequence[Part]) -> dict[str, Any]:
    return {f"p{n}": part.plan for n, part in enumerate(parts)}
