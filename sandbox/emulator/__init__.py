"""The emulator of AWS's control planes, DynamoDB, IAM and Lambda, as a child process in an environment of its own."""

from sandbox.emulator.process import Emulator

__all__ = ["Emulator"]
