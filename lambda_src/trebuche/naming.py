"""Python's names and the wire's: ``add_todo`` here, ``addTodo`` there."""

import re
from typing import Final

_WORD_START: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def snake_to_camel(name: str) -> str:
    """``add_todo`` → ``addTodo``; a keyword's closing underscore goes (``from_`` → ``from``), opening ones stay."""
    body = name.lstrip("_")
    first, *others = body.rstrip("_").split("_")
    return name[: len(name) - len(body)] + first + "".join(word[:1].upper() + word[1:] for word in others)


def camel_to_snake(name: str) -> str:
    """``addTodo`` → ``add_todo``, ``callID`` → ``call_id``.

    Not every name survives the way there and back (``point_2d``), so look names up from Python's side.
    """
    return _WORD_START.sub("_", name).lower()
