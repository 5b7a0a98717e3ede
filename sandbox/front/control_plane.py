"""Reads WebSocket APIs from the emulator's control plane, and keeps what each deployment saw.

The emulator serves every change at once; API Gateway serves a deployment. So the front looks at every write to the
control plane that passes through it: one that creates a deployment is followed by a snapshot.
"""

import asyncio
import json
import re
from typing import Final
from urllib.parse import unquote

from sandbox.aws import AwsClient, AwsRefusedError, Json
from sandbox.front.api_model import (
    ApiSnapshot,
    Authorizer,
    Integration,
    Route,
    Served,
    Stage,
    read_authorizer,
    read_integration,
    read_route,
    read_stage,
)
from sandbox.front.kept_fields import KeptFields
from sandbox.front.signature import Owner

APIS_PATH: Final = "/v2/apis"
WEBSOCKET: Final = "WEBSOCKET"
_API_PATH = re.compile(r"^/v2/apis/(?P<api>[^/?]+)(?:/(?P<part>[^/?]+))?")


class ControlPlane:
    """The WebSocket APIs that exist, and what each stage serves.

    Args:
        aws: Reads as the account's root, as API Gateway itself would.
    """

    def __init__(self, aws: AwsClient) -> None:
        self.kept = KeptFields()
        self._aws = aws
        self._owners: dict[str, Owner] = {}
        self._protocols: dict[str, str] = {}
        self._deployments: dict[tuple[str, str], ApiSnapshot] = {}
        self._live: dict[str, ApiSnapshot] = {}
        self._stages: dict[str, dict[str, Stage]] = {}
        self._writes = 0

    async def serve(self, api_id: str, stage_name: str) -> Served | None:
        """What a stage serves now; None when the API or the stage is not there or was never deployed."""
        try:
            stage = (await self._stages_of(api_id)).get(stage_name)
            if stage is None:
                return None
            if stage.auto_deploy:
                return Served(await self._snapshot_of(api_id), stage)
            if stage.deployment_id is None:
                return None
            return Served(await self._deployed(api_id, stage.deployment_id), stage)
        except AwsRefusedError as error:
            if error.status in (400, 404):
                return None
            raise

    async def is_of_another_kind(self, api_id: str) -> bool:
        """Whether it is an HTTP or REST API, which the emulator serves."""
        # Kept for ever: no update changes the protocol of an API.
        if api_id not in self._protocols:
            self._protocols[api_id] = await self._protocol_of(api_id)
        return self._protocols[api_id] != WEBSOCKET

    async def has_default_endpoint(self, api_id: str, stage_name: str) -> bool:
        """Whether the deployment on a stage answers on the API's own address, not only on custom domains."""
        served = await self.serve(api_id, stage_name)
        return served is None or served.api.default_endpoint

    async def observe_write(self, path: str, owner: Owner, request: bytes, answer: bytes) -> None:
        """Take note of a successful write to ``/v2/apis…`` before its caller hears of it.

        Args:
            path: The request's path.
            owner: Whom and where it was signed for.
            request: The request's body.
            answer: The answer's body.
        """
        match = _API_PATH.match(path)
        asked, document = read_object(request), read_object(answer)
        if match is None:
            if api_id := document.get("apiId"):
                self._owners[api_id] = owner
            return
        api_id = unquote(match["api"])
        self._owners[api_id] = owner
        # Whoever reads meanwhile sees by it that his copy may be older than this write.
        self._writes += 1
        self._live.pop(api_id, None)
        self._stages.pop(api_id, None)
        self.kept.observe_write(path, asked, document)
        if match["part"] == "deployments":
            await self._observe_deployment(api_id, asked, document)

    async def _protocol_of(self, api_id: str) -> str:
        """HTTP, REST or WEBSOCKET; an API that is not there counts as the last one: what it answers is our affair."""
        owner = self._owner_of(api_id)
        for path in (f"{APIS_PATH}/{api_id}", f"/restapis/{api_id}"):
            answer = await self._aws.send("GET", path, service="apigateway", region=owner.region, account=owner.account)
            if answer.status == 200:
                return str(read_object(answer.body).get("protocolType", "REST"))
        return WEBSOCKET

    async def _observe_deployment(self, api_id: str, request: Json, answer: Json) -> None:
        deployment_id = answer.get("deploymentId")
        if deployment_id is None:
            return
        await self._deployed(api_id, deployment_id)
        # CreateDeployment with a stage's name also puts that stage on the deployment (API reference).
        if stage := request.get("stageName"):
            owner = self._owner_of(api_id)
            await self._aws.send(
                "PATCH",
                f"{APIS_PATH}/{api_id}/stages/{stage}",
                service="apigateway",
                region=owner.region,
                account=owner.account,
                headers={"Content-Type": "application/json"},
                body=json.dumps({"deploymentId": deployment_id}).encode(),
            )

    async def _deployed(self, api_id: str, deployment_id: str) -> ApiSnapshot:
        key = (api_id, deployment_id)
        if key not in self._deployments:
            self._deployments[key] = await self._snapshot_of(api_id)
        return self._deployments[key]

    async def _stages_of(self, api_id: str) -> dict[str, Stage]:
        if api_id in self._stages:
            return self._stages[api_id]
        writes = self._writes
        documents = (await self._read(api_id, "/stages"))["items"]
        stages = {document["stageName"]: read_stage(document) for document in documents}
        # What a write has overtaken is used once and not kept.
        if writes == self._writes:
            self._stages[api_id] = stages
        return stages

    async def _snapshot_of(self, api_id: str) -> ApiSnapshot:
        if api_id in self._live:
            return self._live[api_id]
        writes = self._writes
        api, routes = await asyncio.gather(self._read(api_id, ""), self._routes_of(api_id))
        owner = self._owner_of(api_id)
        snapshot = ApiSnapshot(
            api_id=api_id,
            account=owner.account,
            region=owner.region,
            selection_expression=api.get("routeSelectionExpression") or "",
            key_expression=api.get("apiKeySelectionExpression") or "",
            default_endpoint=not api.get("disableExecuteApiEndpoint"),
            routes=routes,
        )
        if writes == self._writes:  # else it may be a mixture of before and after
            self._live[api_id] = snapshot
        return snapshot

    async def _routes_of(self, api_id: str) -> dict[str, Route]:
        # An API has up to 300 routes and 300 integrations (quota page): one page of 500 holds them.
        integrations, authorizers, documents = await asyncio.gather(
            self._integrations_of(api_id), self._authorizers_of(api_id), self._read(api_id, "/routes?maxResults=500")
        )
        routes = {}
        for document in documents["items"]:
            responses: list[Json] = []
            if document.get("routeResponseSelectionExpression"):
                responses = (await self._read(api_id, f"/routes/{document['routeId']}/routeresponses"))["items"]
            routes[document["routeKey"]] = read_route(document, integrations, authorizers, responses)
        return routes

    async def _authorizers_of(self, api_id: str) -> dict[str, Authorizer]:
        documents = (await self._read(api_id, "/authorizers?maxResults=500"))["items"]
        return {document["authorizerId"]: read_authorizer(document) for document in documents}

    async def _integrations_of(self, api_id: str) -> dict[str, Integration]:
        integrations = {}
        for document in (await self._read(api_id, "/integrations?maxResults=500"))["items"]:
            identifier = document["integrationId"]
            responses: list[Json] = []
            if document.get("integrationType") == "MOCK":
                responses = (await self._read(api_id, f"/integrations/{identifier}/integrationresponses"))["items"]
            integrations[identifier] = read_integration(self.kept.complete(api_id, document), responses)
        return integrations

    async def _read(self, api_id: str, path: str) -> Json:
        url, owner = f"{APIS_PATH}/{api_id}{path}", self._owner_of(api_id)
        return await self._aws.get_json(url, service="apigateway", region=owner.region, account=owner.account)

    def _owner_of(self, api_id: str) -> Owner:
        return self._owners.get(api_id, Owner())


def read_object(body: bytes) -> Json:
    """The JSON object in a body; an empty one when there is none."""
    try:
        document = json.loads(body)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
