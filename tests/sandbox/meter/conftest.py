"""The meter of the sandbox of these tests."""

import pytest

from sandbox.handle import Handle, MeterHandle
from tests.support.sandbox import Aws


@pytest.fixture
def meter(aws: Aws) -> MeterHandle:
    """What the sandbox has counted; other tests use it, too, so resources tell what is whose."""
    return Handle(aws.endpoint).meter
