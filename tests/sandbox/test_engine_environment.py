"""The variables that keep a plain ``pulumi`` on the sandbox."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from sandbox.engine.pulumi_cli import SANDBOX_BIN_MARK
from sandbox.environment import child_environment, pulumi_environment, shell_exports, unset_names

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Record:
    """A running sandbox."""

    directory: str
    aws_endpoint: str = "http://127.0.0.1:43121"


@pytest.fixture
def record(tmp_path: Path) -> Record:
    """One in a folder whose name a shell and a URL would both take apart."""
    return Record(str(tmp_path / "it's a $HOME; #1 100%" / "sandbox"))


def test_eval_in_a_shell_sets_exactly_these_variables(record: Record) -> None:
    """Quotes, spaces and dollars in the path survive; what is to go is gone."""
    environ = {
        "PATH": "/usr/bin:/bin",
        "HOME": "/nowhere",
        "AWS_PROFILE": "work",
        "AWS_SESSION_TOKEN": "bogus",
        "AWS_ENDPOINT_URL_DYNAMODB": "https://dynamodb.us-east-1.amazonaws.com",
        "PULUMI_ACCESS_TOKEN": "pul-bogus",
        "EXPORTS": "",
    }
    environ["EXPORTS"] = shell_exports(ROOT, record, environ)
    shell = subprocess.run(
        ["/bin/sh", "-euc", 'eval "$EXPORTS"; unset EXPORTS; exec env -0'],
        env=environ,
        capture_output=True,
        text=True,
        check=True,
    )
    seen = dict(entry.split("=", 1) for entry in shell.stdout.split("\0") if entry)

    expected = {"HOME": "/nowhere", **pulumi_environment(ROOT, record, environ)}
    assert {name: seen.get(name) for name in expected} == expected
    assert set(seen) - set(expected) <= {"PWD", "OLDPWD", "SHLVL", "_"}


def test_aws_is_the_sandbox_and_no_file_says_otherwise(record: Record) -> None:
    """Root credentials of the sandbox, its endpoint, and no configuration of the user's."""
    settings = pulumi_environment(ROOT, record, {})

    assert settings["AWS_ENDPOINT_URL"] == record.aws_endpoint
    assert (settings["AWS_ACCESS_KEY_ID"], settings["AWS_SECRET_ACCESS_KEY"]) == ("test", "test")
    assert settings["AWS_CONFIG_FILE"] == settings["AWS_SHARED_CREDENTIALS_FILE"] == "/dev/null"


def test_the_state_is_named_by_an_encoded_url(record: Record) -> None:
    """The characters that mean something in a URL are plain parts of the path."""
    url = pulumi_environment(ROOT, record, {})["PULUMI_BACKEND_URL"]

    assert url.endswith("/it%27s%20a%20%24HOME%3B%20%231%20100%25/sandbox/state")
    assert url.startswith("file:///")


def test_a_child_gets_the_users_environment_without_what_leads_away(record: Record) -> None:
    """Everything else of the user's stays."""
    environ = {"AWS_PROFILE": "work", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true", "EDITOR": "vi", "PATH": "/bin"}

    child = child_environment(ROOT, record, environ)

    assert child["EDITOR"] == "vi"
    assert child.keys() & set(unset_names(environ)) == set()
    assert not set(unset_names(environ)) & set(pulumi_environment(ROOT, record, environ))


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, "127.0.0.1,localhost,::1"),
        ({"NO_PROXY": "corp.example, localhost"}, "127.0.0.1,localhost,::1,corp.example"),
        ({"no_proxy": "a.example", "NO_PROXY": "b.example"}, "127.0.0.1,localhost,::1,a.example,b.example"),
        ({"NO_PROXY": "*"}, "*"),
    ],
)
def test_a_proxy_never_sees_loopback(record: Record, environ: dict[str, str], expected: str) -> None:
    """Both spellings agree, and the user's own exceptions stay."""
    settings = pulumi_environment(ROOT, record, environ)

    assert settings["NO_PROXY"] == settings["no_proxy"] == expected


def test_the_path_starts_with_the_sandbox_and_holds_it_once(record: Record) -> None:
    """A second eval changes nothing, and an earlier sandbox's commands are not found any more."""
    bin_folder = Path(record.directory) / "bin"
    bin_folder.mkdir(parents=True)
    (bin_folder / SANDBOX_BIN_MARK).touch()

    once = pulumi_environment(ROOT, record, {"PATH": "/usr/bin:/bin"})["PATH"]
    twice = pulumi_environment(ROOT, record, {"PATH": once})["PATH"]
    elsewhere = pulumi_environment(ROOT, Record("/another"), {"PATH": once})["PATH"]

    assert once == twice == f"{bin_folder}:{ROOT}/.venv/bin:/usr/bin:/bin"
    assert elsewhere == f"/another/bin:{ROOT}/.venv/bin:/usr/bin:/bin"
