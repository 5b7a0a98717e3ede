"""Python's names and the wire's: ``add_todo`` here, ``addTodo`` there."""


def snake_to_camel(name: str) -> str:
    """``add_todo`` → ``addTodo``; a keyword's closing underscore goes (``from_`` → ``from``), opening ones stay."""
    body = name.lstrip("_")
    first, *others = body.rstrip("_").split("_")
    return name[: len(name) - len(body)] + first + "".join(word[:1].upper() + word[1:] for word in others)
