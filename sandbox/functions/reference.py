"""How callers name functions: by name, partial ARN or ARN, with or without a version or alias."""

import re
from dataclasses import dataclass, replace
from typing import Final, Self
from urllib.parse import quote

from sandbox.aws import AwsRefusedError

LATEST: Final = "$LATEST"
_FORMS = re.compile(
    r"(?:arn:[\w-]+:lambda:)?(?:(?P<region>[a-z]{2}(?:-[a-z]+)+-\d):)?(?:(?P<account>\d{12}):)?(?:function:)?"
    r"(?P<name>[\w-]+)(?::(?P<qualifier>\$LATEST|[\w-]+))?"
)
_ARN = re.compile(
    r"arn:[\w-]+:lambda:(?P<region>[\w-]+):(?P<account>\d{12}):function:(?P<name>[\w-]+)"
    r"(?::(?P<qualifier>\$LATEST|[\w-]+))?"
)
PATTERN: Final = (
    r"(arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}(-gov)?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?"
    r"([a-zA-Z0-9-_\.]+)(:(\$LATEST|[a-zA-Z0-9-_]+))?"
)
"""Of a function's name, as the API reference gives it and its errors repeat it."""


@dataclass(frozen=True, slots=True)
class FunctionReference:
    """One function of an account and region; ``qualifier`` is a version, an alias or nothing."""

    account: str
    region: str
    name: str
    qualifier: str | None = None

    @classmethod
    def parse(cls, text: str, *, account: str, region: str) -> Self | None:
        """Read a reference; ``account`` and ``region`` fill in for what a short one leaves out. None: it is none."""
        match = _FORMS.fullmatch(text)
        if match is None:
            return None
        return cls(match["account"] or account, match["region"] or region, match["name"], match["qualifier"])

    @classmethod
    def of_arn(cls, arn: str) -> Self:
        """Read a full ARN.

        Raises:
            AwsRefusedError: It is none of a function, such as one that ends in a colon without a qualifier.
        """
        match = _ARN.fullmatch(arn)
        if match is None:
            text = (
                f"Value '{arn}' at 'functionName' failed to satisfy constraint: Member must satisfy regular expression"
            )
            raise AwsRefusedError(400, "ValidationException", f"1 validation error detected: {text} pattern: {PATTERN}")
        return cls(match["account"], match["region"], match["name"], match["qualifier"])

    @property
    def alias(self) -> str | None:
        """The qualifier, if it names an alias: versions are numbers."""
        qualifier = self.qualifier
        return None if qualifier is None or qualifier == LATEST or qualifier.isdigit() else qualifier

    @property
    def function(self) -> Self:
        """The same function without its qualifier."""
        return replace(self, qualifier=None)

    @property
    def arn(self) -> str:
        """Full ARN, with the qualifier if there is one."""
        qualifier = f":{self.qualifier}" if self.qualifier else ""
        return f"arn:aws:lambda:{self.region}:{self.account}:function:{self.name}{qualifier}"

    @property
    def path(self) -> str:
        """Of its invocations, in Lambda's API."""
        qualifier = f":{self.qualifier}" if self.qualifier else ""
        return f"/2015-03-31/functions/{quote(self.name + qualifier, safe='')}/invocations"
