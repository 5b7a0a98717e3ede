"""All rules, in the order in which they are listed."""

from typing import Final

from policies.model import Rule
from policies.rules import (
    alarms,
    archives,
    authorizers,
    capacity,
    contents,
    credentials,
    deployment,
    discovery,
    endpoints,
    functions,
    invocations,
    logs,
    order,
    permissions,
    queues,
    replies,
    roles,
    routes,
    streams,
    tables,
    variables,
    width,
)

RULES: Final[tuple[Rule, ...]] = (
    *permissions.RULES,
    *width.RULES,
    *roles.RULES,
    *variables.RULES,
    *functions.RULES,
    *archives.RULES,
    *contents.RULES,
    *tables.RULES,
    *capacity.RULES,
    *streams.RULES,
    *queues.RULES,
    *routes.RULES,
    *replies.RULES,
    *invocations.RULES,
    *endpoints.RULES,
    *authorizers.RULES,
    *credentials.RULES,
    *deployment.RULES,
    *logs.RULES,
    *order.RULES,
    *discovery.RULES,
    *alarms.RULES,
)
BY_ID: Final = {rule.id: rule for rule in RULES}
