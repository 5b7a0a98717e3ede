"""Errors that end a command with one sentence instead of a stack."""

import click

from trebuche.errors import TrebucheError


class CommandError(TrebucheError):
    """A command cannot go on; the text says what is wrong, where, and how to mend it."""

    code = "command"
    public = True


class LockedError(CommandError):
    """Somebody else is working on the stack; nothing was changed."""

    code = "locked"


class EndpointError(CommandError):
    """The endpoint cannot be reached, refuses the connection or does not answer."""

    code = "endpoint"


class RemoteError(CommandError):
    """The actor, or the gateway in front of it, answered with an error.

    Args:
        message: The text of the answer.
        code: The stable word of the answer, where the server sent one.
        retryable: Whether the server says that the same call may work later.
    """

    def __init__(self, message: str, *, code: str | None = None, retryable: bool = False) -> None:
        super().__init__(message)
        self.code = code or "remote"
        self.retryable = retryable


class UsageError(click.ClickException):
    """The command cannot be used like this; ends with exit code 2 and one sentence."""

    exit_code = 2
