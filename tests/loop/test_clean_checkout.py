"""Deploying to the sandbox leaves a checkout under version control as it was."""

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.loop.conftest import Local
from tests.loop.workshop import CHECKOUT, eventually

STAGES = ("dev", "staging", "production")


@dataclass(frozen=True)
class Repository:
    """The stack files of the copied checkout, under git."""

    local: Local

    def status(self) -> str:
        """What ``git status --porcelain`` prints, for files that are tracked and those that are not."""
        return self.git("status", "--porcelain", "--untracked-files=all")

    def git(self, *words: str) -> str:
        """Run git there."""
        done = subprocess.run(["git", *words], cwd=self.root, capture_output=True, text=True, check=True)
        return done.stdout

    @property
    def root(self) -> Path:
        """The checkout."""
        return self.local.workshop.root


@pytest.fixture
def repository(local: Local) -> Iterator[Repository]:
    """A commit of the files as they are shipped."""
    repository = Repository(local)
    files = [repository.root / f"Pulumi.{stage}.yaml" for stage in STAGES]
    for file in files:
        file.write_bytes((CHECKOUT / file.name).read_bytes())
    ignored = (CHECKOUT / ".gitignore").read_text()
    (repository.root / ".gitignore").write_text(ignored)
    repository.git("init", "--quiet")
    repository.git("add", "--all")
    repository.git("-c", "user.name=me", "-c", "user.email=me@example.com", "commit", "--quiet", "--message", "all")
    yield repository
    for file in [*files, repository.root / ".gitignore"]:
        file.unlink(missing_ok=True)
    shutil.rmtree(repository.root / ".git")


def test_trebuche_leaves_the_stack_files_alone(repository: Repository) -> None:
    """After each of ``deploy``, ``status`` and ``undeploy`` of each stage, and of a stack that has no file."""
    assert repository.status() == ""
    for stage in (*STAGES, "me"):
        for words in (("deploy", "--dry-run"), ("deploy", "--yes"), ("status",)):
            repository.local.workshop.trebuche(*words, "--stack", stage, variables=repository.local.environment)
            assert repository.status() == "", f"{words} of {stage}"
        _remove(repository, stage)
        assert repository.status() == "", f"undeploy of {stage}"


def test_plain_pulumi_leaves_them_alone_within_seconds(repository: Repository) -> None:
    """A literal ``stack init``, ``preview`` and ``config set``: only what was set stays."""
    local = repository.local
    local.pulumi("stack", "init", "staging", "--no-select")
    eventually(lambda: repository.status() == "" or None, what="clean after stack init")
    local.pulumi("preview", "--stack", "staging")
    eventually(lambda: repository.status() == "" or None, what="clean after preview")
    local.pulumi("config", "set", "trebuche:tracing", "false", "--stack", "staging")
    eventually(lambda: "encryptionsalt" not in repository.git("diff") or None, what="without salt after config set")
    diff = [
        line
        for line in repository.git("diff", "-U0").splitlines()
        if line[0] in "+-" and line[:3] not in ("+++", "---")
    ]
    assert diff == ['-  trebuche:tracing: "true"', '+  trebuche:tracing: "false"']
    local.pulumi("stack", "rm", "staging", "--yes", "--preserve-config")


def _remove(repository: Repository, stage: str) -> None:
    """Production asks for its documented step, which is a change of its file; it is taken back."""
    local = repository.local
    if stage == "production":
        local.pulumi("config", "set", "trebuche:protect", "never", "--stack", stage)
        local.workshop.trebuche("deploy", "--yes", "--stack", stage, variables=local.environment)
    local.workshop.trebuche("undeploy", "--yes", "--stack", stage, variables=local.environment)
    if stage == "production":
        repository.git("checkout", "--", "Pulumi.production.yaml")
    local.pulumi("stack", "rm", stage, "--yes", "--preserve-config")
