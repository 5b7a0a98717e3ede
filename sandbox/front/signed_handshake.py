"""``AWS_IAM`` on ``$connect``: the handshake must be signed by somebody who may invoke the route.

The emulator knows the keys, so it checks the signature: the handshake is replayed there as a plain request, for which
it runs nothing. It judges that request on the ARN of ``GET /``; what counts here is the ARN of ``$connect``, on which
its policy simulation is asked.
"""

import re
from typing import Final
from urllib.parse import urlencode
from xml.etree import ElementTree

from aiohttp import web

from sandbox.aws import DEFAULT_REGION, ROOT_ACCESS_KEY, AwsClient
from sandbox.front.api_model import Served
from sandbox.front.authorizer_answer import Verdict
from sandbox.front.proxy import Proxy
from sandbox.permissions.roles import Role, Roles

UNSIGNED: Final = Verdict(403, "Missing Authentication Token")
_ACTION: Final = "execute-api:Invoke"
_KEY = re.compile(r"(?:Credential=|X-Amz-Credential=)(?P<key>[^/,&%]+)")
_ROOT = re.compile(rf"\d{{12}}|{ROOT_ACCESS_KEY}")
_DENIED = re.compile(r"User: (?P<arn>arn:\S+) is not authorized")
_SESSION = re.compile(r"arn:aws:sts::(?P<account>\d+):assumed-role/(?P<role>[^/]+)/.+")


class SignedHandshakes:
    """Judges signed handshakes.

    Args:
        aws: Asks whose a key is, and what its owner may do.
        proxy: Replays handshakes.
    """

    def __init__(self, aws: AwsClient, proxy: Proxy) -> None:
        self._aws = aws
        self._proxy = proxy
        self._roles = Roles(aws)

    async def judge(self, request: web.BaseRequest, served: Served) -> Verdict:
        """Whether a handshake may go on."""
        match = _KEY.search(request.headers.get("Authorization", "")) or _KEY.search(request.query_string)
        if match is None:
            return UNSIGNED
        answer = await self._proxy.send(request, b"")
        text = answer.body.decode("utf-8", "replace")
        denied = _DENIED.search(text)
        if answer.status in (400, 401, 403) and denied is None:
            return Verdict(403, answer.refusal().message)
        # Root may do everything, and is no principal that the policy simulation knows.
        if _ROOT.fullmatch(match["key"]):
            return Verdict()
        principal = denied["arn"] if denied else await self._user_of(match["key"], served)
        if principal is None:  # a role's session, which may do what was replayed: the emulator does not say whose
            return Verdict()
        return await self._judge_principal(principal, served)

    async def _judge_principal(self, principal: str, served: Served) -> Verdict:
        if session := _SESSION.fullmatch(principal):
            identity = f"arn:aws:iam::{session['account']}:role/{session['role']}"
        else:
            identity = principal
        arn = served.arn("$connect")
        same_account = identity.split(":")[4] == served.api.account
        if same_account and not await self._roles.not_allowed(Role(identity, {}, None), [_ACTION], arn):
            return Verdict()
        return Verdict(403, f"User: {principal} is not authorized to perform: {_ACTION} on resource: {arn}")

    async def _user_of(self, key: str, served: Served) -> str | None:
        """ARN of the user of the API's account whose long-term key it is."""
        answer = await self._aws.send(
            "POST",
            "/",
            service="iam",
            region=DEFAULT_REGION,
            account=served.api.account,
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            body=urlencode({"Action": "GetAccessKeyLastUsed", "AccessKeyId": key, "Version": "2010-05-08"}).encode(),
        )
        if answer.status != 200:
            return None
        names = [part.text for part in ElementTree.fromstring(answer.body).iter() if part.tag.endswith("}UserName")]
        return f"arn:aws:iam::{served.api.account}:user/{names[0]}" if names and names[0] else None
