"""How CloudWatch refuses."""

from typing import Final

INVALID: Final = "ValidationError"
INVALID_VALUE: Final = "InvalidParameterValue"
INVALID_COMBINATION: Final = "InvalidParameterCombination"


class RefusedError(Exception):
    """A request that CloudWatch does not accept.

    Args:
        code: The error's name in its API, e.g. ``InvalidParameterValue``.
        text: What is wrong, and where.
    """

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
