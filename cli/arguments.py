"""What people type for actors, methods and arguments, turned into what travels."""

import json
import re
import shlex

from cli.errors import CommandError

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ACTOR_ID_LENGTH = 256


def actor_id(text: str) -> str:
    """Check an actor's id, such as ``todos`` or ``todos/kitchen``.

    Raises:
        CommandError: The id is empty, too long or holds a NUL.
    """
    if not text or len(text) > _ACTOR_ID_LENGTH or "\0" in text:
        raise CommandError(f"{text!r} cannot be an actor's id: it takes 1 to {_ACTOR_ID_LENGTH} characters.")
    return text


def method_name(text: str) -> str:
    """Check a method's name.

    Raises:
        CommandError: It is no name, or the name of a stream (those are watched).
    """
    if not _NAME.fullmatch(text):
        raise CommandError(
            f"{text!r} cannot be a method's name; methods are called as in `trebuche call todos addTodo`."
        )
    # By these seven letters the wire format tells a stream from a call.
    if text.startswith("observe"):
        raise CommandError(f"{text} opens a stream; use `trebuche watch ACTOR` instead of `trebuche call`.")
    return text


def property_name(text: str) -> str:
    """Check an observed property's name.

    Raises:
        CommandError: It is no name.
    """
    if not _NAME.fullmatch(text):
        raise CommandError(f"{text!r} cannot be a property's name; the whole state is `state`.")
    return text


def json_argument(text: str, position: int) -> bytes:
    """One argument of a call, as the JSON that travels.

    Raises:
        CommandError: The text is no JSON; the message shows how to quote it for the shell.
    """
    try:
        # Python also reads NaN and Infinity, which are not JSON.
        value = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        meant = shlex.quote(json.dumps(text, ensure_ascii=False))
        raise CommandError(
            f"Argument {position} is not JSON: {text!r}. A text needs double quotes inside single quotes: {meant}"
        ) from error
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _refuse_constant(text: str) -> object:
    raise ValueError(f"{text} is not JSON")
