"""Rules about addresses: where functions post, and where clients connect."""

from collections.abc import Iterator
from typing import Final

from policies.model import API_MAPPING, STAGE, UNKNOWN, Node, Problem, Rule, Stack
from policies.program import own_functions, variable
from policies.rules.routes import sockets
from policies.sources import API_GUIDE
from policies.stages import same_place, split, stages_of
from trebuche.contract import ENV_WEBSOCKET_ENDPOINT

_DOMAIN: Final = "aws:apigatewayv2/domainName:DomainName"
_BY_DOMAIN: Final = "from the API's own apiEndpoint, which a custom domain does not change"


def _endpoint(stack: Stack) -> Iterator[Problem]:
    for function in own_functions(stack):
        if address := variable(function, ENV_WEBSOCKET_ENDPOINT):
            yield from _address(stack, function, address)


def _address(stack: Stack, function: Node, address: str) -> Iterator[Problem]:
    parts, pairs = split(address), stages_of(stack, function)
    known = [(api, stage) for api, stage in pairs if api.text("apiEndpoint")]
    # The API's own address is wss://…; posts go to the same host by https.
    wanted = [f"{api.text('apiEndpoint')}/{stage.text('name')}".replace("ws", "http", 1) for api, stage in known]
    is_at, mend = f"{ENV_WEBSOCKET_ENDPOINT} is {address}", f"make {ENV_WEBSOCKET_ENDPOINT} {_BY_DOMAIN}"
    mend = f"set {ENV_WEBSOCKET_ENDPOINT} to {wanted[0]}" if wanted else mend
    if parts.scheme not in ("http", "https"):
        yield Problem(function, f"{is_at}: posts need https, not {parts.scheme or 'nothing'}", mend)
    elif wanted and parts.scheme != split(wanted[0]).scheme:
        yield Problem(function, f"{is_at}: posts need {split(wanted[0]).scheme}", mend)
    if known and not any(same_place(address, api, stage) for api, stage in known):
        yield Problem(function, f"{is_at}, which is no stage of this stack: posts reach nobody", mend)
    elif pairs and not known:
        yield Problem(function, f"{is_at}, and the API has no address yet: it is another one's", mend)
    elif not known and not parts.path.strip("/"):
        yield Problem(function, f"{is_at}: it has no stage", mend)


def _default_endpoint(stack: Stack) -> Iterator[Problem]:
    for api in sockets(stack):
        if own_functions(stack) and api.get("disableExecuteApiEndpoint") is True:
            what = "its own address is switched off, and functions post there: no client gets anything"
            yield Problem(api, what, "leave disableExecuteApiEndpoint off")


def _domains(stack: Stack) -> Iterator[Problem]:
    for mapping in stack.all(API_MAPPING):
        api, stage = stack.api(mapping), mapping.get("stage")
        if api is None and mapping.get("apiId") is not UNKNOWN:
            what = f"it leads to API {mapping.get('apiId')}, which is not in this stack"
            yield Problem(mapping, what, "set apiId to the API's id")
        elif api is not None and stage is not UNKNOWN:
            names = {one.get("name") for one in stack.of_api(STAGE, api)}
            if stage not in names and UNKNOWN not in names:
                yield Problem(
                    mapping, f"it leads to stage {stage}, which is not there", "set stage to the stage's name"
                )
    for domain in stack.all(_DOMAIN):
        for prop, wanted in (("endpointType", "REGIONAL"), ("securityPolicy", "TLS_1_2")):
            value = domain.get("domainNameConfiguration", prop)
            if value not in (wanted, UNKNOWN):
                what = f"its {prop} is {value}, and domains of WebSocket APIs can be {wanted} only"
                yield Problem(domain, what, f"set {prop} to {wanted}")


RULES: Final = (
    Rule(
        id="management-endpoint",
        title="WEBSOCKET_ENDPOINT is the https address of this stack's stage",
        sources=("aws-sdk-js-v3#1830, chalice#1503, aws-lambda-graphql#112: never from the custom domain",),
        check=_endpoint,
    ),
    Rule(
        id="api-endpoint",
        title="The API's own address is on",
        sources=(f"{API_GUIDE}: disabling the default endpoint; aws-sdk-js-v3#2001",),
        check=_default_endpoint,
    ),
    Rule(
        id="custom-domain",
        title="A host name of one's own leads to this stack's stage",
        sources=(f"{API_GUIDE}: custom domain names for WebSocket APIs",),
        check=_domains,
    ),
)
