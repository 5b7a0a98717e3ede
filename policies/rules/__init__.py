"""All rules, in the order in which they are listed."""

from typing import Final

from policies.model import Rule
from policies.rules import api, deployment, discovery, functions, permissions, streams, tables

RULES: Final[tuple[Rule, ...]] = (
    *permissions.RULES,
    *functions.RULES,
    *tables.RULES,
    *streams.RULES,
    *api.RULES,
    *deployment.RULES,
    *discovery.RULES,
)
BY_ID: Final = {rule.id: rule for rule in RULES}
