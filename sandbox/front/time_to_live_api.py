"""UpdateTimeToLive and DescribeTimeToLive: the emulator judges the caller, the settings are ours."""

import json
from typing import Final

from aiohttp import web

from sandbox.aws import AwsClient, AwsRefusedError, Json
from sandbox.expiry import Janitor, TimeToLive
from sandbox.front.proxy import Proxy
from sandbox.front.signature import Owner
from sandbox.streams import TableId

TIME_TO_LIVE_TARGETS: Final = ("DynamoDB_20120810.UpdateTimeToLive", "DynamoDB_20120810.DescribeTimeToLive")
DELETE_TABLE_TARGET: Final = "DynamoDB_20120810.DeleteTable"


class TimeToLiveApi:
    """Answers the two operations.

    Args:
        settings: What is read and changed.
        janitor: Told about changes.
        aws: Keeps the emulator's own reaper off.
        proxy: Asks the emulator whether the caller may.
    """

    def __init__(self, settings: TimeToLive, janitor: Janitor, aws: AwsClient, proxy: Proxy) -> None:
        self._settings = settings
        self._janitor = janitor
        self._aws = aws
        self._proxy = proxy

    async def handle(self, request: web.BaseRequest, target: str, owner: Owner) -> web.StreamResponse:
        """Answer one request as DynamoDB does."""
        body = await request.read()
        answer = await self._proxy.send(request, body)
        if answer.status != 200:
            return self._proxy.respond(request, answer)
        document = json.loads(body)
        table = table_of(document, owner)
        if target.endswith("DescribeTimeToLive"):
            return _json(200, self._settings.describe(table))
        return await self._update(table, document["TimeToLiveSpecification"])

    def forget(self, body: bytes, owner: Owner) -> None:
        """A table was deleted."""
        self._settings.forget(table_of(json.loads(body), owner))

    async def _update(self, table: TableId, wanted: Json) -> web.Response:
        await self._keep_emulator_off(table, wanted["AttributeName"])
        try:
            self._settings.change(table, wanted["AttributeName"], enabled=bool(wanted["Enabled"]))
        except AwsRefusedError as error:
            text = {"__type": f"com.amazonaws.dynamodb.v20120810#{error.code}", "message": error.message}
            return _json(error.status, text)
        self._janitor.look()
        return _json(200, {"TimeToLiveSpecification": wanted})

    async def _keep_emulator_off(self, table: TableId, attribute: str) -> None:
        """It has just taken the caller's word; its reaper looks once a minute."""
        specification = {"Enabled": False, "AttributeName": attribute}
        request: Json = {"TableName": table.name, "TimeToLiveSpecification": specification}
        target, where = TIME_TO_LIVE_TARGETS[0], {"region": table.region, "account": table.account}
        await self._aws.call(target, request, service="dynamodb", **where)


def table_of(request: Json, owner: Owner) -> TableId:
    """The table that a request names, by its name or its ARN."""
    return TableId(owner.account, owner.region, str(request["TableName"]).rpartition("/")[2])


def _json(status: int, document: Json) -> web.Response:
    return web.Response(status=status, text=json.dumps(document), content_type="application/x-amz-json-1.0")
