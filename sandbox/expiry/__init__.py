"""Time to live of DynamoDB tables, on the sandbox's clock."""

from sandbox.expiry.janitor import Janitor
from sandbox.expiry.settings import DELAY_SECONDS, TimeToLive

__all__ = ["DELAY_SECONDS", "Janitor", "TimeToLive"]
