"""Reads what functions log, to the last line of each invocation.

What a function logs reaches the emulator through a pipe, and the emulator guesses when all of it is there: a silent
function costs 50 ms, and a busy machine gives lines to the next invocation. Here a Python worker marks the end.
"""

import queue
import threading
import time
from typing import Any

from ministack.core import lambda_runtime

from sandbox.inside.invocations import CURRENT

END_OF_LOG = "\x00end of "
"""Begins the line that a worker writes after each invocation's log; the request id follows."""
LOG_SECONDS = 5.0
"""For how long a log's end is waited for: a function that has closed its standard error never writes it."""
LOOK_SECONDS = 0.05
"""How often is looked whether the worker is gone."""
ANSWERED = "        _real_stdout.flush()\n\nrun()"
"""Where the emulator's Python worker has written its answer and not sent it yet."""
MARKED = f"""        sys.__stderr__.flush()
        os.write(2, ({END_OF_LOG!r} + _ms_ctx.get("request_id", "") + "\\n").encode())
{ANSWERED}"""


def install() -> None:
    """Have logs read to their marks."""
    mark_logs(lambda_runtime.Worker)


def mark_logs(kind: Any) -> None:
    """Have Python workers mark where an invocation's log ends, and read it as far as there."""
    script: str = lambda_runtime._PYTHON_WORKER_SCRIPT
    if ANSWERED not in script:
        raise SystemExit("the emulator's Python worker is not the one that the sandbox knows")
    lambda_runtime._PYTHON_WORKER_SCRIPT = script.replace(ANSWERED, MARKED)
    guess = kind._drain_stderr_bounded

    def drain(self: Any, *args: Any, **options: Any) -> str:
        if not self.config.get("Runtime", "").startswith("python"):
            text: str = guess(self, *args, **options)
            return text
        return "\n".join(log_until(END_OF_LOG + CURRENT.request_id, self._stderr_queue, self._stderr_thread))

    kind._drain_stderr_bounded = drain


def log_until(end: str, lines: "queue.Queue[str]", reader: threading.Thread) -> list[str]:
    """The lines of one invocation's log; what an earlier one left behind is not among them.

    Args:
        end: The mark behind the last line; without it the log ends with the worker that should have written it.
        lines: What the worker has written.
        reader: Fills ``lines`` for as long as the worker lives.
    """
    log: list[str] = []
    deadline = time.monotonic() + LOG_SECONDS
    while True:
        # Asked before the wait, so that what a worker wrote last is read even if it ends meanwhile.
        ended = not reader.is_alive()
        try:
            line = lines.get(timeout=LOOK_SECONDS)
        except queue.Empty:
            if ended or time.monotonic() > deadline:
                return log
            continue
        text, mark, invocation = line.partition(END_OF_LOG)
        if text or not mark:
            log.append(text)
        if mark + invocation == end:
            return log
        # All that came before another invocation's mark was that invocation's.
        if mark:
            log.clear()
