"""One sandbox for all tests of this folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.client import RunningSandbox
from tests.support.sandbox import Aws, running_sandbox


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    """A running sandbox without Pulumi."""
    with running_sandbox(tmp_path_factory.mktemp("sandbox root")) as running:
        yield running


@pytest.fixture
def aws(sandbox: RunningSandbox, tmp_path: Path) -> Iterator[Aws]:
    """Makes resources in the sandbox."""
    aws = Aws(sandbox.record.aws_endpoint, tmp_path)
    yield aws
    aws.end_mappings()
