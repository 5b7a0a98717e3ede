"""The table: one row per resource type that the sandbox stands in for."""

from sandbox.provider.resources import (
    apigateway,
    apigateway_domain,
    apigateway_stage,
    discovery,
    dynamodb,
    iam,
    keys,
    lambda_function,
    lambda_mapping,
    lambda_wiring,
    messaging,
    monitoring,
    parameters,
    recorded,
    secrets,
)
from sandbox.provider.table import ResourceType

_MODULES = (
    apigateway,
    apigateway_domain,
    apigateway_stage,
    discovery,
    dynamodb,
    iam,
    keys,
    lambda_function,
    lambda_mapping,
    lambda_wiring,
    messaging,
    monitoring,
    parameters,
    recorded,
    secrets,
)

TABLE: dict[str, ResourceType] = {row.token: row for module in _MODULES for row in module.ROWS}

RECORDED_TYPES: tuple[str, ...] = tuple(row.token for row in recorded.ROWS)
"""Types that the emulator has nothing for: accepted, remembered in the stack's state, without any effect."""

RECORD_ONLY: dict[str, tuple[str, ...]] = {token: row.record_only for token, row in TABLE.items() if row.record_only}
"""Properties that the emulator cannot hold, by type: remembered in the stack's state, without any effect."""
