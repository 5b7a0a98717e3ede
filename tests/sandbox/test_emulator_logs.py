"""What a function logs, between its process and the emulator: exact, however late the lines arrive."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.support.sandbox import Aws

ROOT = Path(__file__).resolve().parents[2]
READ = """
import json, queue, sys, threading
sys.path.append(sys.argv[1])
from sandbox.inside import logs
written, arrive, lines = json.loads(sys.argv[2]), threading.Event(), queue.Queue()

def feed():
    arrive.wait()
    for line in written:
        lines.put(line)

reader = threading.Thread(target=feed)
reader.start()
threading.Timer(0.4, arrive.set).start()
end = logs.END_OF_LOG + "b"
print(json.dumps(logs.log_until(end, lines, reader)))
"""


@pytest.mark.parametrize(
    ("written", "log"),
    [
        (["one", "two", "\0end of b", "of the next"], ["one", "two"]),
        (["left behind", "\0end of a", "own", "\0end of b"], ["own"]),
        (["no line end\0end of b"], ["no line end"]),
        (["", "\0end of b"], [""]),
        (["\0end of b"], []),
        (["died before the end"], ["died before the end"]),
    ],
)
def test_log_is_read_to_its_mark(written: list[str], log: list[str]) -> None:
    """Lines that come late are not left to the next invocation; a worker that is gone ends its log."""
    python = ROOT / ".venv-emulator" / "bin" / "python"
    words = [str(python), "-c", READ, str(ROOT), json.dumps(written)]
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=60)

    assert json.loads(done.stdout.splitlines()[-1]) == log


def test_log_holds_what_its_invocation_wrote(aws: Aws) -> None:
    """Each of many invocations has all of its own lines in its log, and no mark of ours."""
    function = aws.function("for line in range(300):\n    print(f\"{event['n']}-{line}\")\nprint('no end', end='')")
    for number in range(10):
        aws.functions.invoke(FunctionName=function.name, Payload=json.dumps({"n": number}))
    group = f"/aws/lambda/{function.name}"
    events = aws.client("logs").filter_log_events(logGroupName=group)["events"]
    logs = "\n".join(event["message"] for event in events).split("START RequestId: ")[1:]

    assert len(logs) == 10
    for number, log in enumerate(logs):
        lines = log.splitlines()
        assert lines[1:301] == [f"{number}-{count}" for count in range(300)]
        assert [lines[301], lines[302].split(":")[0], len(lines)] == ["no end", "END RequestId", 304]
        assert "\0" not in log
