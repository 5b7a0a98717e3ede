"""The threads on which the emulator runs functions, in its own interpreter."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = """
import asyncio, contextvars, sys, threading
sys.path.append(sys.argv[1])
from sandbox.inside.threads import run

name = contextvars.ContextVar("name")
both = threading.Barrier(2)

def fail():
    raise SystemExit("left")

async def main():
    name.set("mine")
    # Each waits for the other: with a thread for both there would be no end.
    meeting = await asyncio.wait_for(asyncio.gather(run(both.wait), run(both.wait)), 20)
    print(sorted(meeting))
    print(await run(name.get, thread_name="any"))
    first = await run(threading.get_ident)
    print([await run(threading.get_ident) for _ in range(3)] == [first] * 3)
    try:
        await run(fail)
    except SystemExit as error:
        print(error)
    released, left = threading.Event(), []
    task = asyncio.create_task(run(lambda: (released.wait(20), left.append("done"))))
    await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.sleep(0.05)
    print(task.done())
    released.set()
    try:
        await task
    except asyncio.CancelledError:
        print(left)

asyncio.run(main())
"""


def test_threads_are_kept_and_never_run_out() -> None:
    """Calls that wait for one another both run; a thread serves again, in its task's context, and is waited for."""
    done = subprocess.run(
        [ROOT / ".venv-emulator" / "bin" / "python", "-c", SCRIPT, str(ROOT)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout.splitlines(), done.stderr) == (["[0, 1]", "mine", "True", "left", "False", "['done']"], "")
