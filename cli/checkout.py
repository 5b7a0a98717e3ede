"""The checkout that the command belongs to, and what ``trebuche dev`` leaves there for other commands."""

import json
import shlex
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit, urlunsplit

from cli.errors import CommandError
from sandbox.engine.locks import is_alive

STACK = "sandbox"
"""The stack that ``trebuche dev`` deploys."""

_SCHEMES = {"ws": "ws", "wss": "wss", "http": "ws", "https": "wss"}


def checkout_root() -> Path:
    """The folder that holds trebuche.yaml; found from this file, so that any working directory will do."""
    return Path(__file__).resolve().parent.parent


def record_folder(root: Path) -> Path:
    """Where local records live; made when it is not there."""
    folder = root / ".trebuche"
    folder.mkdir(exist_ok=True)
    return folder


def command_line(root: Path, *words: str) -> str:
    """A ``trebuche`` command that works when pasted into any POSIX shell."""
    return shlex.join([str(root / ".venv" / "bin" / "trebuche"), *words])


@dataclass(frozen=True, slots=True)
class DevRecord:
    """``.trebuche/dev.json``: where the running ``trebuche dev`` is to be found."""

    endpoint: str
    aws_endpoint: str
    stack: str
    pid: int
    console: str | None = None

    @staticmethod
    def path(root: Path) -> Path:
        """The file of the record."""
        return root / ".trebuche" / "dev.json"

    @classmethod
    def load(cls, root: Path) -> Self | None:
        """Read the record; None when there is none, or its process is gone.

        Raises:
            CommandError: The file is there but cannot be understood.
        """
        path = cls.path(root)
        try:
            record = cls(**json.loads(path.read_text()))
        except FileNotFoundError:
            return None
        except (TypeError, ValueError) as error:
            raise CommandError(f"{path} is not what `trebuche dev` writes; delete it and run `make run`.") from error
        # A run that was killed has left its record behind.
        return record if is_alive(record.pid) else None

    def save(self, root: Path) -> None:
        """Write the record in one step, so that nobody reads half of it."""
        path = self.path(root)
        draft = record_folder(root) / "dev.json.new"
        draft.write_text(json.dumps(asdict(self), indent=2) + "\n")
        draft.replace(path)


def find_endpoint(root: Path, given: str | None) -> str:
    """The WebSocket address to talk to: the given one, else that of the running ``trebuche dev``.

    Raises:
        CommandError: There is none, or it is no WebSocket address.
    """
    if given:
        return _websocket_url(given)
    record = DevRecord.load(root)
    if record is None:
        raise CommandError(
            f"There is no endpoint to talk to: `trebuche dev` is not running in {root}. "
            "Start it with `make run`, or name one with --endpoint or TREBUCHE_ENDPOINT."
        )
    return record.endpoint


def _websocket_url(text: str) -> str:
    parts = urlsplit(text)
    scheme = _SCHEMES.get(parts.scheme)
    if scheme is None or not parts.hostname:
        raise CommandError(
            f"The endpoint {text!r} is no WebSocket address; it looks like "
            "wss://abc123.execute-api.us-east-1.amazonaws.com/production."
        )
    return urlunsplit(parts._replace(scheme=scheme))
