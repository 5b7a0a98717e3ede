"""A provider on the shared sandbox."""

from collections.abc import Iterator

import pytest

from sandbox.client import RunningSandbox
from tests.support.provider import Engine, running_provider


@pytest.fixture(scope="session")
def served(sandbox: RunningSandbox) -> Iterator[Engine]:
    """One served, configured provider."""
    with running_provider(sandbox.record.aws_endpoint) as engine:
        engine.configure(region="us-east-1", defaultTags='{"tags": {"stage": "dev"}}')
        yield engine


@pytest.fixture
def engine(served: Engine) -> Iterator[Engine]:
    """The provider; what a test leaves behind is deleted, newest first."""
    fresh = Engine(served.stub)
    yield fresh
    fresh.delete_all()
