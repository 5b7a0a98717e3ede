"""Questions before something is changed, and what an answer means."""

import sys
from typing import TextIO

from cli.errors import UsageError
from cli.output import Output


class Asker:
    """Asks on the terminal.

    Args:
        stdin: Stands in for standard input.
        yes: Whether the user has agreed beforehand.
    """

    def __init__(self, *, yes: bool, stdin: TextIO | None = None) -> None:
        self._yes = yes
        self._stdin = stdin or sys.stdin

    def check(self, deed: str) -> None:
        """Make sure that a question can be answered.

        Raises:
            UsageError: Nobody is there, and nobody has agreed beforehand.
        """
        if not self._yes and not self._stdin.isatty():
            raise UsageError(f"There is no terminal to ask on before anything is {deed}; agree beforehand with --yes.")

    def agrees(self, output: Output, question: str) -> bool:
        """Whether the answer is the word yes; anything else, the end of the input as well, is a no."""
        if self._yes:
            return True
        output.prompt(question)
        return self._stdin.readline().strip() == "yes"
