"""Errors of the engine's set-up."""

from trebuche.errors import TrebucheError


class EngineError(TrebucheError):
    """The Pulumi CLI cannot be had; the text says what is missing and how to mend it."""

    code = "engine"
