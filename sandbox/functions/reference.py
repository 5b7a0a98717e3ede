"""How callers name functions: by name, partial ARN or ARN, with or without a version or alias."""

import re
from dataclasses import dataclass, replace
from typing import Final, Self
from urllib.parse import quote

LATEST: Final = "$LATEST"
_FORMS = re.compile(
    r"(?:arn:[\w-]+:lambda:)?(?:(?P<region>[a-z]{2}(?:-[a-z]+)+-\d):)?(?:(?P<account>\d{12}):)?(?:function:)?"
    r"(?P<name>[\w-]+)(?::(?P<qualifier>\$LATEST|[\w-]+))?"
)


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
        """Read a full ARN."""
        _, _, _, region, account, _, name = arn.split(":", 6)
        plain, _, qualifier = name.partition(":")
        return cls(account, region, plain, qualifier or None)

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
