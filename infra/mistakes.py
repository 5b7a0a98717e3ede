"""Validation errors as sentences: file, key, what was given, what is allowed, and the nearest name."""

import difflib
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError, ValidatorFunctionWrapHandler, WrapValidator
from pydantic_core import ErrorDetails, PydanticCustomError

from infra.yaml_source import KeyPath, YamlSource

_SHOWN_CHARACTERS = 60


def rule(text: str, names: Iterable[str] = ()) -> WrapValidator:
    """Word every violation of one value's type and constraints alike.

    Args:
        text: What the value must be, as the end of "it must be …".
        names: The allowed names, where there are any; the nearest one is suggested.
    """
    known = tuple(names)

    def check(value: Any, validate: ValidatorFunctionWrapHandler) -> Any:
        try:
            return validate(value)
        except ValidationError:
            hint = nearest(value, known) if isinstance(value, str) else ""
            raise mistake(f"{show(value)} is not allowed; it must be {text}{hint}") from None

    return WrapValidator(check)


def mistake(sentence: str) -> PydanticCustomError:
    """What a validator raises so that ``describe`` prints the sentence as it is."""
    return PydanticCustomError("mistake", "{sentence}", {"sentence": sentence})


def nearest(given: object, names: Iterable[str]) -> str:
    """``; did you mean "x"?`` when one of the names looks like what was given, else nothing."""
    by_lower = {name.lower(): name for name in sorted(names)}
    close = difflib.get_close_matches(str(given).lower(), by_lower, n=1)
    return f'; did you mean "{by_lower[close[0]]}"?' if close else ""


def show(value: object) -> str:
    """A value as one would write it in YAML, cut when long."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"


def dotted(path: KeyPath) -> str:
    """``websocket.routes[0]``."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


def describe(
    error: ValidationError,
    source: YamlSource,
    model: type[BaseModel],
    written: Callable[[KeyPath], str] = dotted,
) -> Iterator[str]:
    """One sentence per mistake, in the order of the file; a key that is missing stands where its section does.

    Args:
        error: What the model's validation raised.
        source: Where the values came from.
        model: The model of the whole document.
        written: How the file writes a key.
    """
    found = [(_path(one), one) for one in error.errors(include_url=False)]
    for path, one in sorted(found, key=lambda pair: (source.line(pair[0]), dotted(pair[0]))):
        yield f"{source.where(path)}: {written(path)}: {_sentence(model, path, one)}"


def _path(error: ErrorDetails) -> KeyPath:
    # Pydantic's mark for a mistake in a key, which the key itself shows already.
    return tuple(part for part in error["loc"] if part != "[key]")


def _sentence(model: type[BaseModel], path: KeyPath, error: ErrorDetails) -> str:
    match error["type"]:
        case "mistake":
            return error["msg"]
        case "missing":
            examples = _section(model, path[:-1]).model_fields[str(path[-1])].examples or []
            return "; ".join(["missing", *(f"for example {one}" for one in examples)])
        case "extra_forbidden":
            keys = sorted(_section(model, path[:-1]).model_fields)
            return f"unknown key{nearest(path[-1], keys) or ';'} allowed here: {', '.join(keys)}"
        case "model_type" | "model_attributes_type":
            keys = sorted(_section(model, path).model_fields)
            return f"{show(error['input'])} is not allowed; it must be a mapping with the keys {', '.join(keys)}"
        case "dict_type":
            return f"{show(error['input'])} is not allowed; it must be a mapping"
        case "tuple_type":
            return f"{show(error['input'])} is not allowed; it must be a list"
        case _:
            return f"{show(error['input'])} is not allowed: {error['msg']}"


def _section(model: type[BaseModel], path: KeyPath) -> type[BaseModel]:
    """The model that describes the mapping at a path."""
    annotation: object = model
    for part in path:
        section = _model(annotation)
        annotation = section.model_fields[str(part)].annotation if section else _entry(annotation)
    found = _model(annotation)
    assert found is not None, f"no section at {dotted(path)}"
    return found


def _entry(annotation: object) -> object:
    """What the values of a mapping, or the items of a tuple of any length, are."""
    arguments = get_args(annotation)
    return arguments[1] if get_origin(annotation) is dict else arguments[0]


def _model(annotation: object) -> type[BaseModel] | None:
    """A model, or the model that an optional value is; a mapping or a tuple of models is none itself."""
    several = get_origin(annotation) in (dict, tuple)
    candidates = () if several else (annotation, *get_args(annotation))
    return next((one for one in candidates if isinstance(one, type) and issubclass(one, BaseModel)), None)
