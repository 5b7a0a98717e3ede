"""Lambda as AWS runs it: which version runs, what is refused, and what each invocation leaves behind."""

from sandbox.functions.events import Events
from sandbox.functions.functions import NOT_PERMITTED, Call, Finished, Functions

__all__ = ["NOT_PERMITTED", "Call", "Events", "Finished", "Functions"]
