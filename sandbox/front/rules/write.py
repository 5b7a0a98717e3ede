"""One write to API Gateway's control plane, what is there before it, and how it is refused."""

from dataclasses import dataclass

from sandbox.aws import AwsClient, AwsRefusedError, Json
from sandbox.front.signature import Owner
from sandbox.quotas import Quotas


def refuse(message: str, *, status: int = 400, code: str = "BadRequestException") -> AwsRefusedError:
    """A refusal in API Gateway's form."""
    return AwsRefusedError(status, code, message)


def conflict(message: str) -> AwsRefusedError:
    """What is there already, or still needed, stands in the way."""
    return refuse(message, status=409, code="ConflictException")


def not_found(message: str) -> AwsRefusedError:
    """What is named is not there."""
    return refuse(message, status=404, code="NotFoundException")


def too_many(message: str) -> AwsRefusedError:
    """A limit has been exceeded: how many there may be, or how often one may ask."""
    return refuse(message, status=429, code="TooManyRequestsException")


@dataclass(frozen=True, slots=True)
class Write:
    """One write: its request, and reads of what is there before it.

    Args:
        aws: Reads as the account's root.
        owner: Whom and where it was signed for.
        quotas: How much there may be.
        api_id: The API; empty when one is made.
        identifier: Of the part that is written, or of the one that it belongs to.
        request: The body.
    """

    aws: AwsClient
    owner: Owner
    quotas: Quotas
    api_id: str
    identifier: str
    request: Json

    async def on_web_socket(self) -> bool:
        """Whether it is about a WebSocket API; one that is not there is the emulator's to refuse."""
        if not self.api_id:
            return self.request.get("protocolType") == "WEBSOCKET"
        try:
            return (await self._read(f"/v2/apis/{self.api_id}")).get("protocolType") == "WEBSOCKET"
        except AwsRefusedError:
            return False

    async def items(self, part: str) -> list[Json]:
        """All stages, routes and so on."""
        found: list[Json] = (await self._read(f"/v2/apis/{self.api_id}/{part}?maxResults=500"))["items"]
        return found

    async def find(self, part: str, name: str, value: object) -> Json | None:
        """The item whose field ``name`` has this value."""
        return next((item for item in await self.items(part) if item.get(name) == value), None)

    async def refuse_beyond(self, most: int, part: str, noun: str) -> None:
        """Refuse one more than there may be.

        Raises:
            AwsRefusedError: There are as many as there may be.
        """
        if len(await self.items(part)) >= most:
            raise too_many(f"Maximum number of {noun} for this Api has been reached: {most}")

    async def log_role(self) -> str | None:
        """The role with which API Gateway writes logs in this account and Region."""
        role: str | None = (await self._read("/account")).get("cloudwatchRoleArn")
        return role

    async def _read(self, path: str) -> Json:
        owner = self.owner
        return await self.aws.get_json(path, service="apigateway", region=owner.region, account=owner.account)
