"""Stands in for the ``pulumi`` command: keeps one stack in a folder, and notes how it was called.

Run as a script; ``FAKE_PULUMI`` names the folder. There: ``calls.jsonl`` (one list of words a line), ``exists`` (the
stack), ``deployed`` (its resources), ``state.json`` and ``preview.json`` (what is printed), ``refuse-up.txt`` and so on
(what the engine says when it fails), ``interrupt-up.txt`` (somebody presses Ctrl-C),
``environment.json`` (from which commit the last update was).
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

FOLDER = Path(os.environ["FAKE_PULUMI"])
WORDS = sys.argv[1:]
_AT_MOST_SECONDS = 60
EMPTY = {"version": 3, "deployment": {"manifest": {}}}


def option(name: str, otherwise: str = "") -> str:
    """The word behind an option."""
    return WORDS[WORDS.index(name) + 1] if name in WORDS else otherwise


def settings_file() -> Path:
    """The stack file that a command reads and writes."""
    return Path(option("--config-file") or f"Pulumi.{option('--stack')}.yaml")


def export() -> None:
    """``stack export``."""
    if not (FOLDER / "exists").exists():
        sys.stderr.write(f"error: no stack named '{option('--stack')}' found\n")
        sys.exit(6)
    print((FOLDER / "state.json").read_text() if (FOLDER / "deployed").exists() else json.dumps(EMPTY))


def config() -> None:
    """``config --json`` and ``config set``."""
    file = settings_file()
    text = file.read_text() if file.exists() else "config:\n"
    if WORDS[1] == "set":
        file.write_text(text + f"  {WORDS[2]}: {WORDS[3]}\n")
        return
    pairs = (line.strip().split(": ", 1) for line in text.splitlines() if line.startswith("  "))
    print(json.dumps({key: {"value": value, "secret": False} for key, value in pairs}))


def refuse_if_told() -> None:
    """Fail as the engine does, when the test says so."""
    words = FOLDER / f"refuse-{WORDS[0]}.txt"
    if not words.exists():
        return
    event = {"diagnosticEvent": {"severity": "error", "message": words.read_text()}}
    if log := option("--event-log"):
        Path(log).write_text(json.dumps(event) + "\n")
    else:
        print(json.dumps({"diagnostics": [{"severity": "error", "message": words.read_text()}]}))
    sys.exit(255)


def interrupt_if_told() -> None:
    """Be interrupted as from a terminal: whoever started this gets the Ctrl-C, and passes it on."""
    if (FOLDER / f"interrupt-{WORDS[0]}.txt").exists():
        os.kill(os.getppid(), signal.SIGINT)
        time.sleep(_AT_MOST_SECONDS)


def operate() -> None:
    """``up`` and ``destroy``."""
    refuse_if_told()
    interrupt_if_told()
    event = {"resOutputsEvent": {"metadata": {"urn": "urn:pulumi:x::y::aws:sqs/queue:Queue::z", "op": "create"}}}
    Path(option("--event-log")).write_text(json.dumps(event) + "\n")
    if WORDS[0] == "up":
        (FOLDER / "deployed").touch()
    else:
        (FOLDER / "deployed").unlink()


def main() -> None:
    """Do what the words say."""
    with (FOLDER / "calls.jsonl").open("a") as calls:
        calls.write(json.dumps(WORDS) + "\n")
    match WORDS[:2]:
        case ["stack", "export"]:
            export()
        case ["stack", "init"]:
            (FOLDER / "exists").touch()
            file = Path(f"Pulumi.{WORDS[2]}.yaml")
            file.write_text("encryptionsalt: v1:x\n" + (file.read_text() if file.exists() else "config:\n"))
        case ["stack", "rm"]:
            (FOLDER / "exists").unlink()
        case ["stack", "history"]:
            made = FOLDER / "environment.json"
            update = {"kind": "update", "result": "succeeded", "endTime": "2026-03-04T09:15:00.000Z"}
            print(json.dumps([{**update, "environment": json.loads(made.read_text()) if made.exists() else {}}]))
        case ["config", _]:
            config()
        case ["preview", _]:
            refuse_if_told()
            print((FOLDER / "preview.json").read_text())
        case ["up" | "destroy", _]:
            operate()
        case _:
            sys.exit(f"pulumi was not expected to be called with {WORDS}")


if __name__ == "__main__":
    main()
