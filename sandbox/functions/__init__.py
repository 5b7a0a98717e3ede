"""Lambda as AWS runs it: who may invoke, which version runs, and what each invocation leaves behind."""

from sandbox.functions.functions import Call, Functions

__all__ = ["Call", "Functions"]
