"""A small project with a stack behind a fake ``pulumi``, and a standard input that is a terminal."""

import io
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cli.output import Output
from cli.pulumi_stack import PulumiStack
from tests.infra.project import make_project

ACCOUNT = "123456789012"
REGION = "eu-west-1"
_FAKE = Path(__file__).with_name("fake_pulumi.py")
_URN = "urn:pulumi:production::trebuche::"

Json = dict[str, Any]


def functions(name: str = "my-app") -> dict[str, str]:
    """The output of that name."""
    roles = ("websocket", "stream-processor", "actor-todo-list")
    return {role: f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}-{role}:live" for role in roles}


def outputs() -> Json:
    """What the program exports on stack production, for ``name: my-app``."""
    return {
        "wss_endpoint": f"wss://abc123.execute-api.{REGION}.amazonaws.com/production",
        "state_table": "my-app-actor-state",
        "connections_table": "my-app-connections",
        "subscriptions_table": "my-app-subscriptions",
        "functions": functions(),
        "stream_enabled": True,
        "release": "ce4ec8a1dc8fe22b55361bfece976509263da2bf050680192461d34e29d70289",
    }


def resource(kind: str, name: str, *, protect: bool = False) -> Json:
    """A resource of AWS in the engine's state."""
    arn = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}"
    entry = {"urn": f"{_URN}{kind}::{name}", "type": kind, "custom": True, "id": name}
    return {**entry, "inputs": {"name": name}, "outputs": {"arn": arn}, "protect": protect}


def state(*resources: Json, exported: Json | None = None) -> Json:
    """What ``pulumi stack export`` prints."""
    stack = {"urn": f"{_URN}pulumi:pulumi:Stack::trebuche-production", "type": "pulumi:pulumi:Stack"}
    provider = {"urn": f"{_URN}pulumi:providers:aws::aws", "type": "pulumi:providers:aws", "custom": True}
    first = [{**stack, "outputs": exported or outputs()}, {**provider, "inputs": {"region": REGION}}]
    return {"version": 3, "deployment": {"resources": [*first, *resources]}}


def preview() -> Json:
    """What ``pulumi preview --json`` prints for a table that is made below a component."""
    stack, part = f"{_URN}pulumi:pulumi:Stack::trebuche-production", f"{_URN}trebuche:aws:StateTable::app-state"
    table = f"{_URN}trebuche:aws:StateTable$aws:dynamodb/table:Table::app-state-table"
    parents = {stack: None, part: stack, table: part}
    return {"steps": [{"op": "create", "urn": urn, "newState": {"parent": up}} for urn, up in parents.items()]}


class TerminalInput(io.StringIO):
    """What somebody types."""

    def isatty(self) -> bool:
        """Somebody is there."""
        return True


@dataclass(frozen=True)
class StackWorkshop:
    """The project, the fake's folder, and what was printed."""

    root: Path
    folder: Path
    stack: PulumiStack
    out: io.StringIO
    err: io.StringIO

    @classmethod
    def create(cls, root: Path) -> "StackWorkshop":
        """A project whose stack does not exist yet."""
        folder, program = root / "fake", root / "bin" / "pulumi"
        project = make_project(root / "project")
        for made in (folder, program.parent):
            made.mkdir()
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{_FAKE}" "$@"\n')
        program.chmod(0o755)
        environ = {**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}", "FAKE_PULUMI": str(folder)}
        workshop = cls(project, folder, PulumiStack(project, "production", environ), io.StringIO(), io.StringIO())
        workshop.holds(state(resource("aws:dynamodb/table:Table", "my-app-actor-state")), deployed=False)
        (folder / "preview.json").write_text(json.dumps(preview()))
        return workshop

    def holds(self, document: Json, *, deployed: bool = True) -> None:
        """Have the stack hold what a state says, now or after the next ``up``."""
        (self.folder / "state.json").write_text(json.dumps(document))
        if deployed:
            for name in ("exists", "deployed"):
                (self.folder / name).touch()

    def refuses(self, verb: str, text: str) -> None:
        """Have the engine fail at ``preview``, ``up`` or ``destroy``."""
        (self.folder / f"refuse-{verb}.txt").write_text(text)

    def interrupts_up(self) -> None:
        """Have somebody press Ctrl-C during ``up``."""
        (self.folder / "interrupt-up.txt").touch()

    def output(self, *, as_json: bool = False) -> Output:
        """Where the command prints."""
        return Output(as_json=as_json, out=self.out, err=self.err)

    @property
    def printed(self) -> str:
        """The result."""
        return self.out.getvalue()

    @property
    def told(self) -> str:
        """Everything else."""
        return self.err.getvalue()

    def calls(self, *verbs: str) -> list[list[str]]:
        """How ``pulumi`` was called with one of these as its first word."""
        lines = (self.folder / "calls.jsonl").read_text().splitlines()
        return [words for words in map(json.loads, lines) if words[0] in verbs]
