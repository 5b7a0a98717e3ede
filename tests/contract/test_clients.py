"""The boto3 clients of the functions."""

from typing import Any

import pytest

from trebuche.adapters import clients
from trebuche.contract import INTEGRATION_TIMEOUT_SECONDS


def test_a_slow_actor_is_answered_for_while_the_gateway_still_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """The websocket function gives up on an actor's function at least two seconds before API Gateway gives up on it."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    config: Any = clients.functions.__wrapped__().meta.config

    assert config.read_timeout + config.connect_timeout + 2 <= INTEGRATION_TIMEOUT_SECONDS
    assert config.retries["total_max_attempts"] == 1
