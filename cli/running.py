"""What the commands that run the engine have in common: progress, failures, documents for programs."""

import re
from collections.abc import Callable

from cli.dev.events import Progress
from cli.errors import CommandError, LockedError
from cli.output import FAILED, Output, Status
from cli.pulumi_stack import Finished
from trebuche.errors import TrebucheError

_LOCKED = ("currently locked", "Another update is currently in progress")
"""In the words of a backend of one's own, and of Pulumi Cloud."""
_SHOWN_STEP = 10
"""Without a terminal, one line of progress for so many resources."""


def guarded(output: Output, work: Callable[[], int]) -> int:
    """Do the work; for programs, an error is a document as well: ``{"error":{"message":…,"code":…}}``."""
    try:
        return work()
    except TrebucheError as error:
        if not output.as_json:
            raise
        output.document({"error": {"message": str(error), "code": error.code}})
        return FAILED


def run_engine(
    output: Output, text: str, run: Callable[[Callable[[Progress], None]], Finished], *, verbose: bool = False
) -> None:
    """Run the engine and show how it gets on.

    Args:
        output: Where to.
        text: What is being done.
        run: Does it, and reports.
        verbose: Also show a line for each step as soon as it has ended.

    Raises:
        LockedError: Somebody else is at work on the stack; it did nothing.
        CommandError: It did not do all of it.
    """
    with output.status(f"{text} …") as status:
        finished = run(_Reporter(text, status, output if verbose else None))
    for warning in finished.progress.warnings:
        output.warning(warning)
    if not finished.ok:
        text = "\n".join(dict.fromkeys(finished.errors))
        if told := _locked(text):
            raise LockedError(told)
        raise CommandError(text)


def _locked(text: str) -> str | None:
    """One sentence for the engine's words about somebody else's lock; None when they are about something else."""
    if not any(one in text for one in _LOCKED):
        return None
    holder = re.search(r"created by (\S+) \(pid (\d+)\) at (\S+)", text)
    who = f" ({holder[1]}, process {holder[2]}, since {holder[3]})" if holder else ""
    return (
        f"Somebody else is deploying this stack right now{who}. You changed nothing: wait for them, look at what "
        "they did with `trebuche status`, and try again. If nobody does, `pulumi cancel` removes a lock that was left "
        "behind."
    )


class _Reporter:
    def __init__(self, text: str, status: Status, steps: Output | None) -> None:
        self._text = text
        self._status = status
        self._steps = steps
        self._told = 0
        self._told_steps = 0

    def __call__(self, progress: Progress) -> None:
        self._tell_steps(progress)
        done = len(progress.done)
        if done < self._told + (1 if self._status.is_live else _SHOWN_STEP):
            return
        self._told = done
        self._status.update(f"{self._text} … {done} of {progress.total} resources")

    def _tell_steps(self, progress: Progress) -> None:
        if self._steps is not None:
            for step in progress.steps[self._told_steps :]:
                self._steps.tell(f"  {step}")
            self._told_steps = len(progress.steps)
