"""What tests of commands stand on: an endpoint that does as it is told, and a project behind a fake Pulumi."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from moto import mock_aws

from tests.cli.stack_workshop import StackWorkshop
from tests.support.endpoint import serving

__all__ = ["serving", "workshop"]


@pytest.fixture
def workshop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StackWorkshop]:
    """A project behind a fake Pulumi, and an AWS account of moto's."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    with mock_aws():
        yield StackWorkshop.create(tmp_path)
