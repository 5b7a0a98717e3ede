"""A sandbox in which things go wrong on purpose, and whose clock is turned."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.client import RunningSandbox
from sandbox.handle import Handle
from tests.support.sandbox import Aws, running_sandbox


@pytest.fixture(scope="session")
def turned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    """A sandbox whose clock nobody else relies on."""
    with running_sandbox(tmp_path_factory.mktemp("turned")) as running:
        yield running


@pytest.fixture
def handle(turned: RunningSandbox) -> Iterator[Handle]:
    """Its handle; afterwards all faults are off again."""
    handle = Handle(turned.record.aws_endpoint)
    yield handle
    handle.faults.clear()


@pytest.fixture
def aws(turned: RunningSandbox, tmp_path: Path) -> Iterator[Aws]:
    """Makes resources in it."""
    aws = Aws(turned.record.aws_endpoint, tmp_path)
    yield aws
    aws.end_mappings()
