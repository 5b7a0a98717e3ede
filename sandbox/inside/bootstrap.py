"""What the sandbox adds to the emulator's Python worker; its text is put in front of that script.

A function's process does not know this checkout: there is nothing here but the standard library. What a handler raises
is answered in Lambda's form and leaves the process alive, as at AWS, and the code's folder cannot be written to.
"""

import decimal
import errno
import json
import os
import traceback
from collections.abc import Callable, Iterator

TASK_ROOT = "/var/task"
"""Where Lambda puts a function's code."""
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
CHANGES = {"os.chmod": 1, "os.link": 2, "os.mkdir": 1, "os.remove": 1, "os.rename": 2, "os.rmdir": 1, "os.symlink": 2}
"""Audit events that change files, and how many of their arguments are paths."""
NEVER_CHANGED = {"os.symlink": 1}
"""Paths among them that stay what they are."""


def sandbox_answer(handler: Callable[..., object], event: object, context: object, code: str) -> str:
    """The worker's line about one event, as JSON: what the handler returned, or how it failed.

    Args:
        handler: The function's.
        event: Its event.
        context: Its context.
        code: The folder of its code.
    """
    try:
        result = handler(event, context)
    except Exception as error:
        return sandbox_failed(type(error).__name__, str(error), sandbox_stack(error, code))
    try:
        return json.dumps({"status": "ok", "result": result}, default=sandbox_plain)
    except Exception as error:
        return sandbox_failed("Runtime.MarshalError", f"Unable to marshal response: {error}")


def sandbox_failed(kind: str, message: str, stack: list[str] | None = None) -> str:
    """The worker's line about an error; the emulator would end a process that says ``error``."""
    failure = {"errorMessage": message, "errorType": kind, "stackTrace": stack or []}
    return json.dumps({"status": "ok", "result": None, "failure": failure})


def sandbox_plain(value: object) -> float:
    """What Lambda's runtime takes beyond JSON: decimal numbers.

    Raises:
        TypeError: It is anything else.
    """
    if isinstance(value, decimal.Decimal):
        return float(value)
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def sandbox_stack(error: BaseException, code: str) -> list[str]:
    """The frames of an error below this script's own, with the code where Lambda has it."""
    frames = traceback.extract_tb(error.__traceback__)
    own = frames[0].filename if frames else ""
    lines = traceback.format_list([frame for frame in frames if frame.filename != own])
    return [line.replace(f'File "{code}/', f'File "{TASK_ROOT}/') for line in lines]


def sandbox_unready(error: Exception, module: str, handler: str, code: str) -> str:
    """Why a function cannot begin, as JSON: its module cannot be imported, or has no such handler."""
    kind, message, stack = type(error).__name__, str(error), sandbox_stack(error, code)
    if isinstance(error, ImportError):
        kind, message, stack = "Runtime.ImportModuleError", f"Unable to import module '{module}': {error}", []
    elif isinstance(error, SyntaxError):
        kind, message, stack = "Runtime.UserCodeSyntaxError", f"Syntax error in module '{module}': {error}", []
    elif isinstance(error, AttributeError) and error.name == handler:
        kind, message, stack = "Runtime.HandlerNotFound", f"Handler '{handler}' missing on module '{module}'", []
    return json.dumps({"errorMessage": message, "errorType": kind, "stackTrace": stack})


def sandbox_protect(code: str) -> "Callable[[str, tuple[object, ...]], None]":
    """What is told of everything that Python does (``sys.addaudithook``), and refuses to change the code's folder."""
    folder = os.path.realpath(code) + os.sep

    def watch(event: str, args: tuple[object, ...]) -> None:
        for path in sandbox_written(event, args):
            if isinstance(path, str | bytes | os.PathLike):
                where = os.path.realpath(os.fsdecode(path)) + os.sep
                if where.startswith(folder):
                    raise OSError(errno.EROFS, os.strerror(errno.EROFS), os.fsdecode(path))

    return watch


def sandbox_written(event: str, args: tuple[object, ...]) -> "Iterator[object]":
    """The paths that an audit event changes."""
    if event == "open":
        flags = args[2]
        if isinstance(flags, int) and flags & WRITES:
            yield args[0]
    elif event in CHANGES:
        yield from args[NEVER_CHANGED.get(event, 0) : CHANGES[event]]
