"""What the commands print: people first, one JSON document per line for programs.

Results go to standard output, everything else (progress, notes, errors) to standard error, so that a pipe carries
results only. Colour is for terminals; ``NO_COLOR`` switches it off.

Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Protocol, TextIO

from rich.console import Console
from rich.json import JSON
from rich.text import Text

OK: Final = 0
FAILED: Final = 1
INTERRUPTED: Final = 130


class Status(Protocol):
    """A line that says what is going on.

    Attributes:
        is_live: Whether the line is on a terminal, where it can be replaced as often as one likes.
    """

    is_live: bool

    def update(self, text: str) -> None:
        """Replace the line on a terminal; elsewhere print it."""


class Output:
    """Prints to the two streams of a process.

    Args:
        as_json: Whether standard output is for programs.
        out: Stands in for standard output.
        err: Stands in for standard error.
    """

    def __init__(self, *, as_json: bool = False, out: TextIO | None = None, err: TextIO | None = None) -> None:
        self.as_json = as_json
        # Without markup: what an actor says may hold square brackets.
        self._out = Console(file=out, highlight=False, soft_wrap=True, markup=False, emoji=False)
        self._err = Console(file=err, stderr=err is None, highlight=False, soft_wrap=True, markup=False, emoji=False)

    def line(self, text: str = "", style: str = "") -> None:
        """Print a line of the result."""
        self._out.print(Text(text, style=style))

    def value(self, value: object) -> None:
        """Print a JSON value: indented, and coloured on a terminal."""
        self._out.print(JSON(json.dumps(value, ensure_ascii=False), highlight=self._out.is_terminal))

    def document(self, value: object) -> None:
        """Print a JSON value on one line, for programs."""
        self.line(json.dumps(value, ensure_ascii=False, separators=(",", ":")))

    def result(self, text: str) -> None:
        """Print a line of the result that stands for something done."""
        self._out.print(Text.assemble(("✓ ", "green"), text))

    def tell(self, text: str = "") -> None:
        """Tell something that belongs to no result, such as what a question is about."""
        self._err.print(Text(text))

    def prompt(self, text: str) -> None:
        """Print a question; the answer is typed behind it."""
        self._err.print(Text(text, style="bold"), end="")
        # A stream that is kept by lines would hold back a question, which ends without one.
        self._err.file.flush()

    def success(self, text: str) -> None:
        """Tell that something is done."""
        self._err.print(Text.assemble(("✓ ", "green"), text))

    def failure(self, text: str) -> None:
        """Tell that something failed, and how to mend it."""
        self._err.print(Text.assemble(("✗ ", "bold red"), (text, "red")))

    def warning(self, text: str) -> None:
        """Tell something that may bite later."""
        self._err.print(Text.assemble(("! ", "bold yellow"), (text, "yellow")))

    def note(self, text: str) -> None:
        """Tell something that is good to know."""
        self._err.print(Text(text, style="dim"))

    def block(self, text: str) -> None:
        """Print somebody else's text, such as a traceback, indented."""
        self._err.print(Text("\n".join(f"  {line}" for line in text.rstrip().splitlines())))

    @contextmanager
    def status(self, text: str) -> Iterator[Status]:
        """Show what is going on while the block runs."""
        if self._err.is_terminal:
            with self._err.status(Text(text)) as spinner:
                yield _Spinner(spinner.update)
        else:
            self.note(text)
            yield _PlainStatus(self)


class _Update(Protocol):
    def __call__(self, status: Text) -> None: ...


class _Spinner:
    is_live = True

    def __init__(self, update: _Update) -> None:
        self._update = update

    def update(self, text: str) -> None:
        self._update(Text(text))


class _PlainStatus:
    is_live = False

    def __init__(self, output: Output) -> None:
        self._output = output

    def update(self, text: str) -> None:
        self._output.note(text)
