"""Rules about stages: throttles, what is live, and what functions are told of it."""

import re
from collections.abc import Iterator
from typing import Any, Final

from policies.model import (
    ANSWER,
    AUTHORIZER,
    DEPLOYMENT,
    INTEGRATION,
    RESPONSE,
    ROUTE,
    STAGE,
    UNKNOWN,
    WARNING,
    Node,
    Problem,
    Rule,
    Stack,
    each,
)
from policies.program import own_functions, variable
from policies.rules.routes import sockets
from policies.sources import API_GUIDE
from policies.stages import is_websocket
from trebuche.contract import ENV_STAGE

_LIMITS: Final = ("throttlingRateLimit", "throttlingBurstLimit")
_LEAST: Final = {"throttlingRateLimit": 1.0, "throttlingBurstLimit": 2.0}
"""Below that a single client cannot load a page."""
_TIGHT: Final = 10
_PARTS: Final = (ROUTE, INTEGRATION, RESPONSE, ANSWER, AUTHORIZER)
"""What a deployment is a snapshot of."""
_DIGEST: Final = re.compile(r"[0-9a-fA-F]{32,128}|[A-Za-z0-9+/_-]{43}=?")
"""Of MD5 up to SHA-512; SHA-256 also in Base64."""


def _throttles(stage: Node) -> Iterator[Problem]:
    for where, settings in _settings(stage):
        for limit in _LIMITS:
            value = settings.get(limit)
            if value is UNKNOWN:
                continue
            if not value:
                what = f"{limit} of {where} is 0, which is what is sent when it is left out: all is answered with 429"
                yield Problem(stage, what, "set throttlingRateLimit and throttlingBurstLimit together")
            elif isinstance(value, (int, float)) and value < _LEAST[limit]:
                what = f"{limit} of {where} is {value:g}: nearly all is answered with 429"
                yield Problem(stage, what, "raise it (trebuche:messagesPerSecond, trebuche:messageBurst)")


def _tight(stage: Node) -> Iterator[Problem]:
    for where, settings in _settings(stage):
        for limit in _LIMITS:
            value = settings.get(limit)
            if isinstance(value, (int, float)) and _LEAST[limit] <= value < _TIGHT:
                what = f"{limit} of {where} is {value:g} for all clients together: what is above is answered with 429"
                yield Problem(stage, what, "raise it, if more than a few clients are to be served")


def _settings(stage: Node) -> Iterator[tuple[str, dict[str, Any]]]:
    """The limits of a stage, and of single routes, with whom they are for."""
    if isinstance(default := stage.get("defaultRouteSettings"), dict) and default:
        yield "every route", default
    several = stage.get("routeSettings")
    for one in several if isinstance(several, list) else ():
        if isinstance(one, dict):
            yield f"route {one.get('routeKey')}", one


def _stage_name(stack: Stack) -> Iterator[Problem]:
    for stage in stack.all(STAGE):
        api = stack.api(stage)
        if api is not None and is_websocket(api) and stage.text("name").startswith("$"):
            what = f"{stage.text('name')} cannot be the stage of a WebSocket API: its @connections address is unusable"
            yield Problem(stage, what, "name it after the stack")


def _has_stage(stack: Stack) -> Iterator[Problem]:
    for api in sockets(stack):
        if not stack.of_api(STAGE, api):
            yield Problem(api, "it has no stage: nobody can connect", "add a Stage")


def _deployments(stack: Stack) -> Iterator[Problem]:
    for api in sockets(stack):
        for deployment in stack.of_api(DEPLOYMENT, api):
            yield from _snapshot(stack, deployment, api)
    for stage in (one for one in stack.all(STAGE) if stack.api(one) in sockets(stack)):
        deployments = stack.linked(stage, "deploymentId", DEPLOYMENT)
        if stage.get("autoDeploy") is True:
            # On a running stage AWS itself names the deployment that autoDeploy has made.
            if deployments and not stack.complete:
                what = "autoDeploy and deploymentId exclude each other: AWS refuses the deployment"
                yield Problem(stage, what, "choose one")
            what = "autoDeploy makes each change live by itself: a deploy that is half done, or goes wrong, too"
            yield Problem(stage, what, "switch autoDeploy off, and set deploymentId to a Deployment with triggers")
            continue
        if not stage.get("deploymentId"):
            yield Problem(stage, "autoDeploy is off, and it names no deployment: nothing is live", "set deploymentId")
        elif not deployments and stage.get("deploymentId") is not UNKNOWN:
            what = f"it serves deployment {stage.get('deploymentId')}, which is not in this stack: changes are not live"
            yield Problem(
                stage, what, "set deploymentId to the stack's Deployment; where a hand did it: pulumi up --refresh"
            )


def _snapshot(stack: Stack, deployment: Node, api: Node) -> Iterator[Problem]:
    parts = [one for kind in _PARTS for one in stack.all(kind) if stack.api(one) is api]
    before = stack.waits_for(deployment)
    if early := [part for part in parts if part.urn not in before and part.urn in stack.by_urn]:
        names = ", ".join(sorted(part.label for part in early))
        what = f"it may be made before {names}: what is deployed lacks them"
        yield Problem(deployment, what, "add them to depends_on")
    yield from _triggers(deployment, parts)
    if deployment.delete_first:
        what = "it is deleted before its successor is made, and AWS deletes none that a stage serves"
        yield Problem(deployment, what, "leave deleteBeforeReplace off")


def _triggers(deployment: Node, parts: list[Node]) -> Iterator[Problem]:
    triggers, mend = deployment.get("triggers"), "set triggers to a digest of all routes and integrations"
    if not triggers:
        yield Problem(deployment, "it has no triggers: a changed route is made, and never live", mend)
        return
    values = list(triggers.values()) if isinstance(triggers, dict) else [triggers]
    if UNKNOWN in values:
        # A preview does not know the digest, only what it is made from.
        made_from = deployment.refers.get("triggers", frozenset())
        if stale := [part for part in parts if part.type == ROUTE and part.urn not in made_from]:
            names = ", ".join(sorted(route.label for route in stale))
            yield Problem(deployment, f"its triggers say nothing of {names}: a change is not live", "digest them, too")
        return
    # Ids are a part of what is digested, so that no digest can be known before them.
    early = any(not part.text("id") for part in parts)
    if early or not any(isinstance(one, str) and _DIGEST.fullmatch(one) for one in values):
        what = f"its triggers are constants ({', '.join(map(str, values))}): a changed route is made, and never live"
        yield Problem(deployment, what, mend)


def _stage_leaks(stack: Stack) -> Iterator[Problem]:
    stages = [stage.get("name") for api in sockets(stack) for stage in stack.of_api(STAGE, api)]
    for function in own_functions(stack) if stages and UNKNOWN not in stages else ():
        told = variable(function, ENV_STAGE)
        if told and told not in stages:
            what = f"{ENV_STAGE} is {told}, and the stage is {stages[0]}: posts and metrics go elsewhere"
            yield Problem(
                function, what, f"set {ENV_STAGE} to the name of the stage, and the address it posts to with it"
            )


RULES: Final = (
    Rule(
        id="throttle",
        title="No throttle shuts everybody out",
        sources=("pulumi-aws#2363, pulumi#12150, terraform-provider-aws#14742",),
        check=each(STAGE, _throttles),
        types=(STAGE,),
    ),
    Rule(
        id="tight-throttle",
        title="Throttles let more than a few clients in",
        sources=(f"{API_GUIDE}: throttling of a stage is for all clients together",),
        severity=WARNING,
        check=each(STAGE, _tight),
        types=(STAGE,),
    ),
    Rule(
        id="stage",
        title="A WebSocket API has a stage",
        sources=(f"{API_GUIDE}: stages",),
        check=_has_stage,
    ),
    Rule(
        id="stage-name",
        title="A stage's name is part of a usable address",
        sources=("sst#4633, aws-sdk-net#3132",),
        check=_stage_name,
    ),
    Rule(
        id="deployment",
        title="What is live is all of the routes, and the newest",
        sources=("terraform-provider-aws#12961, #36078; pulumi#5849, #10662",),
        check=_deployments,
    ),
    Rule(
        id="stage-leak",
        title="Functions are told this stack's stage",
        sources=("stelvio#264: a renamed stage was ignored",),
        check=_stage_leaks,
    ),
)
