"""Lambda as AWS runs it: which version runs, what is refused, and what each invocation leaves behind."""

from sandbox.functions.calls import NOT_PERMITTED, Call, Finished
from sandbox.functions.events import Events
from sandbox.functions.functions import Functions

__all__ = ["NOT_PERMITTED", "Call", "Events", "Finished", "Functions"]
