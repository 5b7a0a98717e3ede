"""A table's time to live, which AWS lets change once an hour."""

from typing import Any

import grpc
import pytest

from sandbox.client import RunningSandbox
from tests.support.front import Turn, on_turnable
from tests.support.provider import running_provider

TABLE = "aws:dynamodb/table:Table"
INPUTS: dict[str, Any] = {
    "attributes": [{"name": "id", "type": "S"}],
    "hashKey": "id",
    "billingMode": "PAY_PER_REQUEST",
    "ttl": {"attributeName": "ttl", "enabled": True},
}
WITHOUT = {name: value for name, value in INPUTS.items() if name != "ttl"}


def test_time_to_live_is_switched_off_an_hour_later(sandbox: RunningSandbox) -> None:
    """Too early the update fails with AWS's text; an hour later it goes through and leaves no difference."""

    def steps(endpoint: str, turn: Turn) -> None:
        with running_provider(endpoint) as engine:
            engine.configure(region="us-east-1")
            table = engine.create(TABLE, "brief", INPUTS)
            with pytest.raises(grpc.RpcError, match="modified multiple times within a fixed interval"):
                engine.update(table, WITHOUT)
            turn(3601)
            engine.update(table, WITHOUT)
            assert not engine.changed(table, WITHOUT)
            engine.delete_all()

    on_turnable(sandbox.record.emulator_endpoint, steps)


def test_another_attribute_is_refused_as_long_as_one_is_in_force(sandbox: RunningSandbox) -> None:
    """DynamoDB wants time to live switched off first; an update that did nothing would pass for a change."""
    another = INPUTS | {"ttl": {"attributeName": "expires", "enabled": True}}

    def steps(endpoint: str, _turn: Turn) -> None:
        with running_provider(endpoint) as engine:
            engine.configure(region="us-east-1")
            table = engine.create(TABLE, "moved", INPUTS)
            with pytest.raises(grpc.RpcError, match="current AttributeName is ttl"):
                engine.update(table, another)
            engine.delete_all()

    on_turnable(sandbox.record.emulator_endpoint, steps)
