"""Errors of the local AWS that the command line prints as one sentence."""

from trebuche.errors import TrebucheError


class SandboxError(TrebucheError):
    """The sandbox cannot start or go on; the text says why and what to do."""

    code = "sandbox"
    public = True


class EmulatorDiedError(SandboxError):
    """The emulator's process ended on its own; nothing works without it."""
