"""The table: one row per resource type that the sandbox stands in for."""

from sandbox.provider.resources import apigateway, dynamodb, iam, lambda_function, lambda_wiring, messaging, monitoring
from sandbox.provider.table import ResourceType

SDK_VERSION = "7.51.1"
"""The pulumi-aws version whose names the table uses."""

TABLE: dict[str, ResourceType] = {
    row.token: row
    for module in (apigateway, dynamodb, iam, lambda_function, lambda_wiring, messaging, monitoring)
    for row in module.ROWS
}
