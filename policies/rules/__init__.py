"""All rules, in the order in which they are listed."""

from typing import Final

from policies.model import Rule
from policies.rules import (
    api,
    contents,
    credentials,
    deployment,
    discovery,
    functions,
    permissions,
    roles,
    streams,
    tables,
)

RULES: Final[tuple[Rule, ...]] = (
    *permissions.RULES,
    *roles.RULES,
    *functions.RULES,
    *contents.RULES,
    *tables.RULES,
    *streams.RULES,
    *api.RULES,
    *credentials.RULES,
    *deployment.RULES,
    *discovery.RULES,
)
BY_ID: Final = {rule.id: rule for rule in RULES}
