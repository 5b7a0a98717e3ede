"""One Pulumi stack, worked on with the ``pulumi`` command that a user would type."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from cli.dev.events import Progress
from cli.errors import CommandError
from sandbox import record
from sandbox.engine.salts import remove_salts
from sandbox.environment import backend_url

Json = dict[str, Any]

_POLL_SECONDS: Final = 0.1
_NO_STACK: Final = "no stack named"


@dataclass(frozen=True, slots=True)
class Finished:
    """How a run of the engine ended.

    Args:
        ok: Whether all of it was done.
        progress: What the engine said.
        text: What the command printed; of use when the engine said nothing.
    """

    ok: bool
    progress: Progress
    text: str

    @property
    def errors(self) -> list[str]:
        """What went wrong, in the engine's words."""
        return [] if self.ok else self.progress.errors or [self.text]


@dataclass(frozen=True, slots=True)
class Looked:
    """How a run of the engine that changes nothing ended.

    Args:
        ok: Whether the engine had nothing against it.
        events: Its event log.
        text: What the command printed.
    """

    ok: bool
    events: tuple[Json, ...]
    text: str


class PulumiStack:
    """A stack of the program in ``root``.

    Args:
        root: The folder of Pulumi.yaml.
        name: As Pulumi takes it: ``production``, or ``acme/trebuche/production``.
        environ: The environment of the ``pulumi`` command: credentials, backend, PATH.
        config_file: Stands in for ``Pulumi.<stack>.yaml``.
    """

    def __init__(
        self,
        root: Path,
        name: str,
        environ: Mapping[str, str] = os.environ,
        config_file: Path | None = None,
    ) -> None:
        self.root = root
        self.name = name
        self._environ = environ
        self._config_file = config_file

    @property
    def short_name(self) -> str:
        """The name without organization and project: what the program sees."""
        return self.name.rsplit("/", 1)[-1]

    @property
    def settings_file(self) -> Path:
        """The stack file."""
        return self._config_file or self.root / f"Pulumi.{self.short_name}.yaml"

    def command(self, *words: str) -> str:
        """A command on this stack, as a user would type it."""
        return " ".join(["pulumi", *words, "--stack", self.name])

    def state(self) -> Json | None:
        """What ``pulumi stack export`` prints; None when there is no such stack.

        Raises:
            CommandError: The backend cannot be read.
        """
        done = self._run("stack", "export", "--stack", self.name)
        # The command has no other sign for it: it ends as with any failure.
        if done.returncode and _NO_STACK in done.stderr:
            return None
        state: Json = json.loads(self._checked(done, "read the stack's state"))
        return state

    def create(self) -> None:
        """Make the stack, with the secrets provider that its file names, without selecting it."""
        provider = self._secrets_provider()
        extra = ["--secrets-provider", provider] if provider else []
        self._checked(self._run("stack", "init", self.name, "--no-select", *extra), f"make stack {self.name}")

    def remove(self) -> None:
        """Forget the stack, which must be empty; its file stays."""
        words = ("stack", "rm", "--yes", "--preserve-config", "--stack", self.name)
        self._checked(self._run(*words), f"remove stack {self.name}")

    def config(self) -> dict[str, object]:
        """The whole configuration, secrets in plain text."""
        words = ("config", "--json", "--show-secrets", "--stack", self.name, *self._config())
        document: Json = json.loads(self._checked(self._run(*words), "read the stack's configuration"))
        return {key: entry.get("objectValue", entry.get("value")) for key, entry in document.items()}

    def set_config(self, key: str, value: str) -> None:
        """Write one key of the stack file."""
        words = ("config", "set", key, value, "--stack", self.name, *self._config())
        self._checked(self._run(*words), f"set {key}")

    def set_config_paths(self, values: Mapping[str, str]) -> None:
        """Write members of one mapping of the stack file: ``namespace:key.member`` to value."""
        pairs = [word for path, value in values.items() for word in ("--plaintext", f"{path}={value}")]
        words = ("config", "set-all", "--path", *pairs, "--stack", self.name, *self._config())
        self._checked(self._run(*words), f"set {next(iter(values), '')}")

    def remove_config(self, key: str) -> None:
        """Take one key out of the stack file; one that is not there is no error."""
        words = ("config", "rm", key, "--stack", self.name, *self._config())
        self._checked(self._run(*words), f"remove {key}")

    def last_update(self) -> Json | None:
        """Kind, result and times of the last operation; None when there was none."""
        done = self._run("stack", "history", "--json", "--page-size", "1", "--stack", self.name)
        history: list[Json] = json.loads(self._checked(done, "read the stack's history") or "[]")
        return history[0] if history else None

    def preview(self) -> Json:
        """What ``pulumi preview --json`` prints.

        Raises:
            CommandError: The program refuses its configuration, or the engine fails; in its words.
        """
        done = self._run("preview", "--json", "--non-interactive", "--stack", self.name, *self._config())
        try:
            document: Json = json.loads(done.stdout)
        except ValueError:
            document = {}
        if done.returncode:
            raise CommandError("\n".join(_errors_of(document)) or _words(done))
        return document

    def look(self, *words: str) -> Looked:
        """Run a preview of some kind, such as ``refresh --preview-only``, and give all that the engine says."""
        with tempfile.TemporaryDirectory(prefix="trebuche-") as folder:
            log = Path(folder) / "events.jsonl"
            options = ("--non-interactive", "--color", "never", "--event-log", str(log), "--stack", self.name)
            done = self._run(*words, *options, *self._config())
            lines = log.read_text().splitlines() if log.exists() else ()
            return Looked(done.returncode == 0, tuple(map(json.loads, lines)), _words(done))

    def up(self, report: Callable[[Progress], None], expected: int = 0) -> Finished:
        """Deploy; ``report`` is called as the engine goes on."""
        return self._operate("up", report, expected)

    def destroy(self, report: Callable[[Progress], None], expected: int = 0) -> Finished:
        """Remove every resource; the empty stack stays."""
        return self._operate("destroy", report, expected)

    @contextmanager
    def draft(self, *, is_new: bool, settings: Mapping[str, str]) -> Iterator["PulumiStack"]:
        """The same stack with other settings, for a preview that leaves no trace.

        Neither the stack file is changed, nor does a new stack stay in the backend.
        """
        with tempfile.TemporaryDirectory(prefix="trebuche-") as folder:
            file = Path(folder) / self.settings_file.name
            if is_new:
                self._create_aside(file)
            elif self.settings_file.exists():
                shutil.copyfile(self.settings_file, file)
            try:
                stack = PulumiStack(self.root, self.name, self._environ, file)
                for key, value in settings.items():
                    stack.set_config(key, value)
                yield stack
            finally:
                if is_new:
                    self.remove()

    def _create_aside(self, file: Path) -> None:
        """Make the stack, and have what Pulumi writes into its file (how secrets are encrypted) in another one."""
        before = self.settings_file.read_bytes() if self.settings_file.exists() else None
        try:
            self.create()
            if self.settings_file.exists():
                shutil.copyfile(self.settings_file, file)
        finally:
            if before is None:
                self.settings_file.unlink(missing_ok=True)
            else:
                self.settings_file.write_bytes(before)

    def _operate(self, verb: str, report: Callable[[Progress], None], expected: int) -> Finished:
        progress = Progress(expected=expected)
        with tempfile.TemporaryDirectory(prefix="trebuche-") as folder:
            log = Path(folder) / "events.jsonl"
            log.touch()
            words = (verb, "--yes", "--skip-preview", "--non-interactive", "--color", "never", "--stack", self.name)
            with (Path(folder) / "output.txt").open("w+") as text, log.open() as events:
                process = self._start(*words, "--event-log", str(log), output=text)
                code = _follow(process, events, lambda line: _read(progress, line, report))
                text.seek(0)
                self._tidy()
                return Finished(code == 0, progress, text.read().strip() or f"pulumi {verb} ended with {code}.")

    def _start(self, *words: str, output: Any) -> subprocess.Popen[bytes]:
        # A session of its own: Ctrl-C reaches the engine once, from here, and not its providers in mid-operation.
        return subprocess.Popen(
            [self._program(), *words], cwd=self.root, env={**self._environ, "PULUMI_DEBUG_COMMANDS": "true"},
            stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip

    def _run(self, *words: str) -> subprocess.CompletedProcess[str]:
        # Without PULUMI_DEBUG_COMMANDS the command knows no --event-log.
        done = subprocess.run(
            [self._program(), *words], cwd=self.root, env={**self._environ, "PULUMI_DEBUG_COMMANDS": "true"},
            stdin=subprocess.DEVNULL,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        self._tidy()
        return done

    def _tidy(self) -> None:
        """Leave no salt of a sandbox's in the stack files; one that a lasting backend needs stays."""
        running = record.load(self.root)
        if running and self._environ.get("PULUMI_BACKEND_URL") == backend_url(Path(running.directory)):
            remove_salts(self.root, Path(running.directory))

    def _program(self) -> str:
        program = shutil.which("pulumi", path=self._environ.get("PATH"))
        if program is None:
            raise CommandError(
                "There is no `pulumi` on PATH. Install it (docs/aws.md says how), or use the sandbox's: "
                'eval "$(trebuche sandbox env)"'
            )
        return program

    def _config(self) -> tuple[str, ...]:
        return ("--config-file", str(self._config_file)) if self._config_file else ()

    def _secrets_provider(self) -> str | None:
        try:
            document = yaml.safe_load(self.settings_file.read_text())
        except FileNotFoundError:
            return None
        except yaml.YAMLError as error:
            raise CommandError(f"{self.settings_file.name} is not YAML: {error}") from error
        provider = document.get("secretsprovider") if isinstance(document, dict) else None
        return str(provider) if provider else None

    @staticmethod
    def _checked(done: subprocess.CompletedProcess[str], purpose: str) -> str:
        if done.returncode:
            raise CommandError(f"Pulumi cannot {purpose}: {_words(done)}")
        return done.stdout


def _follow(process: subprocess.Popen[bytes], events: Any, read: Callable[[str], None]) -> int:
    """Read the event log until the engine has ended; the exit code."""
    part = ""
    while True:
        # Asked before the log is read, so that what was written up to the end is read, too.
        code = _wait(process)
        while chunk := events.readline():
            part += chunk
            if part.endswith("\n"):
                read(part)
                part = ""
        if code is not None:
            return code


def _wait(process: subprocess.Popen[bytes]) -> int | None:
    """Wait a little; a Ctrl-C asks the engine to stop after the operations that are under way, a second one at once."""
    try:
        return process.wait(_POLL_SECONDS)
    except subprocess.TimeoutExpired:
        return None
    except KeyboardInterrupt:
        _interrupt(process)
        raise


def _interrupt(process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        process.send_signal(signal.SIGINT)
        with suppress(KeyboardInterrupt):
            process.wait()


def _read(progress: Progress, line: str, report: Callable[[Progress], None]) -> None:
    progress.read(line)
    report(progress)


def _errors_of(preview: Json) -> list[str]:
    texts = [entry.get("message", "") for entry in preview.get("diagnostics", ()) if entry.get("severity") == "error"]
    return [text.strip().removeprefix("error: ") for text in texts if text.strip()]


def _words(done: subprocess.CompletedProcess[str]) -> str:
    text = (done.stderr.strip() or done.stdout.strip()).removeprefix("error: ")
    return text or f"it ended with exit code {done.returncode} and said nothing"
