"""Lambda as AWS runs it: which version runs, what is refused, and what each invocation leaves behind."""

from sandbox.functions.events import Events
from sandbox.functions.functions import Call, Finished, Functions

__all__ = ["Call", "Events", "Finished", "Functions"]
