"""Addresses of stages: which stage a function's WEBSOCKET_ENDPOINT means."""

from urllib.parse import SplitResult, urlsplit

from policies.model import API, STAGE, UNKNOWN, Node, Stack
from policies.program import variable
from trebuche.contract import ENV_WEBSOCKET_ENDPOINT


def stages_of(stack: Stack, function: Node) -> list[tuple[Node, Node]]:
    """The APIs and stages that a function posts to; by its address, else by what that was made from."""
    pairs = [(api, stage) for stage in stack.all(STAGE) if (api := stack.api(stage)) and is_websocket(api)]
    address = variable(function, ENV_WEBSOCKET_ENDPOINT)
    if address:
        named = [(api, stage) for api, stage in pairs if same_place(address, api, stage)]
        return named or pairs
    if function.get("environment", "variables", ENV_WEBSOCKET_ENDPOINT) is not UNKNOWN:
        return []
    made_from = stack.made_from(function, "environment", API)
    return [(api, stage) for api, stage in pairs if api in made_from]


def is_websocket(api: Node) -> bool:
    """Whether clients connect to an API, and do not only call it."""
    return api.text("protocolType") == "WEBSOCKET"


def same_place(address: str, api: Node, stage: Node) -> bool:
    """Whether an address is that of a stage, whatever its scheme."""
    wanted = split(f"{api.text('apiEndpoint')}/{stage.text('name')}")
    return split(address)[1:3] == wanted[1:3]


def split(address: str) -> SplitResult:
    """An address in parts; without a slash at its end."""
    return urlsplit(address.rstrip("/"))
