"""Whose requests reach the front: account and region of a signed request's credential scope."""

import re
from dataclasses import dataclass
from typing import Final

from multidict import MultiMapping

from sandbox.aws import ACCOUNT, DEFAULT_REGION, AwsClient, AwsRefusedError

_SCOPE = re.compile(r"Credential=(?P<key>[^/,]+)/\d{8}/(?P<region>[^/]+)/[^/]+/aws4_request")
_ACCOUNT = re.compile(r"\d{12}")
_KEY_INFO: Final = "AWSSecurityTokenServiceV20110615.GetAccessKeyInfo"


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose resources a request is about; the emulator keeps every account's and every region's apart."""

    account: str = ACCOUNT
    region: str = DEFAULT_REGION


class Callers:
    """Tells the account of each caller.

    Args:
        aws: Asks the emulator whose an access key is; a key's account never changes, so each is asked for once.
    """

    def __init__(self, aws: AwsClient) -> None:
        self._aws = aws
        self._accounts: dict[str, str] = {}

    async def owner(self, headers: MultiMapping[str]) -> Owner:
        """Account and region that a request was signed for (Signature Version 4); an unsigned one gets the defaults."""
        match = _SCOPE.search(headers.get("Authorization", ""))
        if match is None:
            return Owner()
        return Owner(await self._account_of(match["key"]), match["region"])

    async def _account_of(self, key: str) -> str:
        if _ACCOUNT.fullmatch(key):  # the emulator's notation for an account's root
            return key
        if key not in self._accounts:
            self._accounts[key] = await self._ask(key)
        return self._accounts[key]

    async def _ask(self, key: str) -> str:
        """The account of a user's or a session's key; one that nobody owns is the default account's root."""
        try:
            answer = await self._aws.call(_KEY_INFO, {"AccessKeyId": key}, service="sts", region=DEFAULT_REGION)
        except AwsRefusedError:
            return ACCOUNT
        return str(answer["Account"])
