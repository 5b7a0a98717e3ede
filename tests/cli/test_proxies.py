"""Which addresses are reached without the environment's proxy."""

import pytest

from cli.proxies import proxy_for


@pytest.mark.parametrize("endpoint", ["ws://127.0.0.1:80/live", "ws://[::1]:80/live", "ws://localhost/live"])
def test_this_machine_is_reached_without_a_proxy(endpoint: str) -> None:
    """A proxy elsewhere could not reach the local AWS."""
    assert proxy_for(endpoint) is None


@pytest.mark.parametrize("endpoint", ["wss://a1b2.execute-api.us-east-1.amazonaws.com/live", "wss://10.0.0.7/live"])
def test_everything_else_takes_the_environments_proxy(endpoint: str) -> None:
    """Networks that have one let nothing else out."""
    assert proxy_for(endpoint) is True
