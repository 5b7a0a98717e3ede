"""What the sandbox and AWS refuse before anything is made; pure."""

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.provider.properties import Kind, Property, document, policy
from sandbox.provider.wire import has_unknown, is_archive

_SHOWN = 60
_PYTHON_TYPES: dict[Kind, tuple[type, ...]] = {
    Kind.STRING: (str,),
    Kind.INTEGER: (int,),
    Kind.NUMBER: (int, float),
    Kind.BOOLEAN: (bool,),
    Kind.LIST: (list,),
    Kind.MAP: (dict,),
    Kind.OBJECT: (dict,),
    Kind.ARCHIVE: (dict,),
}


@dataclass(frozen=True)
class Failure:
    """One reason to refuse inputs; ``path`` is empty when no single property is at fault."""

    path: str
    reason: str


def check_fields(token: str, fields: Mapping[str, Property], inputs: Mapping[str, Any]) -> list[Failure]:
    """Refuse names that the sandbox does not know, missing ones, and values that AWS would refuse."""
    return list(_check_object(token, "", fields, inputs))


def exactly_one(inputs: Mapping[str, Any], *names: str) -> Iterator[Failure]:
    """Refuse inputs that give none or several of these properties."""
    given = [name for name in names if inputs.get(name) is not None]
    if len(given) != 1:
        yield Failure(names[0], f"exactly one of {', '.join(names)} is needed, not {' and '.join(given) or 'none'}")


def mapping_of(value: Any) -> Mapping[str, Any]:
    """A map or an object for a rule to look into; nothing when it is unset or not known yet."""
    return value if isinstance(value, Mapping) else {}


def list_of(value: Any) -> list[Any]:
    """The known members of a list; nothing when it is unset or not known yet."""
    return [item for item in value if not has_unknown(item)] if isinstance(value, list) else []


def _check_object(
    where: str, prefix: str, fields: Mapping[str, Property], inputs: Mapping[str, Any]
) -> Iterator[Failure]:
    for name, value in inputs.items():
        # Such names are the engine's own, like `__defaults`.
        if name.startswith("__"):
            continue
        if name not in fields:
            yield Failure(
                prefix + name, f"the sandbox knows no property '{prefix}{name}' of {where}; {_near(name, fields)}"
            )
        else:
            yield from _check_value(where, prefix + name, fields[name], value)
    for name, member in fields.items():
        if member.required and inputs.get(name) is None:
            yield Failure(prefix + name, f"'{prefix}{name}' of {where} is required")


def _near(name: str, fields: Mapping[str, Property]) -> str:
    close = difflib.get_close_matches(name, fields, n=1, cutoff=0.5)
    return f"did you mean '{close[0]}'?" if close else f"it has {', '.join(sorted(fields))}"


def _check_value(where: str, path: str, member: Property, value: Any) -> Iterator[Failure]:
    # In a preview a value may not be known yet; of a list or a map that goes for members only.
    if value is None or (has_unknown(value) and not isinstance(value, dict | list)):
        return
    if not _fits(member, value):
        yield Failure(path, f"'{path}' must be {member.kind.value}, not {value!r}")
    elif member.kind is Kind.OBJECT:
        yield from _check_object(where, f"{path}.", member.fields, value)
    elif member.kind is Kind.LIST and member.item is not None:
        for index, item in enumerate(value):
            yield from _check_value(where, f"{path}[{index}]", member.item, item)
    elif member.kind is Kind.MAP and member.item is not None:
        for key, item in value.items():
            yield from _check_value(where, f"{path}.{key}", member.item, item)
    else:
        yield from _check_limits(path, member, value)


def _fits(member: Property, value: Any) -> bool:
    if member.kind is Kind.ARCHIVE:
        return is_archive(value)
    # To Python a boolean is an `int`.
    if isinstance(value, bool) and member.kind is not Kind.BOOLEAN:
        return False
    return isinstance(value, _PYTHON_TYPES[member.kind])


def _check_limits(path: str, member: Property, value: Any) -> Iterator[Failure]:
    if member.choices and value not in member.choices:
        yield Failure(path, f"'{path}' is {value!r}; AWS accepts {', '.join(map(str, member.choices))}")
    low, high = member.low, member.high
    if (low is not None and value < low) or (high is not None and value > high):
        yield Failure(path, f"'{path}' is {value}; AWS accepts {low} to {high}")
    if member.longest is not None and len(value) > member.longest:
        yield Failure(path, f"'{path}' has {len(value)} characters; AWS accepts {member.longest}")
    # What is no JSON comes back as the text that it was.
    if member.canonical in (document, policy) and isinstance(document(value), str):
        yield Failure(path, f"'{path}' is not a JSON document: {value[:_SHOWN]!r}")
    if member.pattern and not re.fullmatch(member.pattern, value):
        yield Failure(path, f"'{path}' is {value!r}; AWS accepts text that matches {member.pattern}")
