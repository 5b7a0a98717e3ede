"""Time to live of DynamoDB tables, on the sandbox's clock."""

from sandbox.expiry.janitor import Janitor
from sandbox.expiry.settings import TimeToLive

__all__ = ["Janitor", "TimeToLive"]
