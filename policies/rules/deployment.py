"""Rules about stages: throttles, deployments, logs, the order of creation, regions."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from policies.model import (
    ACCOUNT,
    API,
    AUTHORIZER,
    DEPLOYMENT,
    INTEGRATION,
    LOG_GROUP,
    PERMISSION,
    RESPONSE,
    ROLE,
    ROLE_POLICY,
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
from policies.rules.api import sockets
from policies.sources import API_GUIDE, LAMBDA_GUIDE, LATENCY, page
from policies.stages import is_websocket
from trebuche.contract import ENV_STAGE, ENV_WEBSOCKET_ENDPOINT

_LIMITS: Final = ("throttlingRateLimit", "throttlingBurstLimit")
_PARTS: Final = (ROUTE, INTEGRATION, RESPONSE, AUTHORIZER)
"""What a deployment is a snapshot of."""


def _throttles(stage: Node) -> Iterator[Problem]:
    default = stage.get("defaultRouteSettings")
    if default:
        yield from _limits(stage, stage.get("defaultRouteSettings"), "every route")
    settings = stage.get("routeSettings")
    for one in settings if isinstance(settings, list) else ():
        if isinstance(one, dict):
            yield from _limits(stage, one, f"route {one.get('routeKey')}")


def _limits(stage: Node, settings: object, where: str) -> Iterator[Problem]:
    if not isinstance(settings, dict):
        return
    for limit in _LIMITS:
        if settings.get(limit) is not UNKNOWN and not settings.get(limit):
            what = f"{limit} of {where} is 0, which is what is sent when it is left out: all is answered with 429"
            yield Problem(stage, what, "set throttlingRateLimit and throttlingBurstLimit together")


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
    for stage in stack.all(STAGE):
        api = stack.api(stage)
        if api is None or not is_websocket(api):
            continue
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
        elif not deployments and (stack.complete or stage.text("deploymentId")):
            what = f"it serves deployment {stage.get('deploymentId')}, which is not in this stack: changes are not live"
            yield Problem(stage, what, "set deploymentId to the stack's Deployment")
        for deployment in deployments:
            yield from _snapshot(stack, deployment, api)


def _snapshot(stack: Stack, deployment: Node, api: Node) -> Iterator[Problem]:
    parts = [one for kind in _PARTS for one in stack.all(kind) if stack.api(one) is api]
    before = stack.waits_for(deployment)
    if early := [part for part in parts if part.urn not in before and part.urn in stack.by_urn]:
        names = ", ".join(sorted(part.label for part in early))
        what = f"it may be made before {names}: what is deployed lacks them"
        yield Problem(deployment, what, "add them to depends_on")
    triggers = deployment.get("triggers")
    if not triggers:
        what = "it has no triggers: a changed route is made, and never live"
        yield Problem(deployment, what, "set triggers to a digest of all routes and integrations")
    elif UNKNOWN in dict(triggers).values() if isinstance(triggers, dict) else False:
        # A preview does not know the digest, only what it is made from.
        routes = [part for part in parts if part.type == ROUTE]
        made_from = deployment.refers.get("triggers", frozenset())
        if stale := [route for route in routes if route.urn not in made_from]:
            names = ", ".join(sorted(route.label for route in stale))
            yield Problem(deployment, f"its triggers say nothing of {names}: a change is not live", "digest them, too")


def _access_logs(stack: Stack) -> Iterator[Problem]:
    for stage in stack.all(STAGE):
        settings = stage.get("accessLogSettings")
        if isinstance(settings, dict):
            yield from _log_format(stage)
            groups = stack.linked(stage, "accessLogSettings", LOG_GROUP, "destinationArn")
            destination = stage.text("accessLogSettings", "destinationArn")
            if destination and not groups and ":firehose:" not in destination:
                what = f"its access log goes to {destination}, which is no log group of this stack"
                yield Problem(stage, what, "set destinationArn to the arn of a log group with retention")
        for one in (stage.get("defaultRouteSettings"), *(stage.get("routeSettings") or ())):
            if isinstance(one, dict) and one.get("dataTraceEnabled") is True:
                what = "it logs whole messages (dataTraceEnabled): what clients say, and their tokens"
                yield Problem(stage, what, "switch dataTraceEnabled off")


def _log_format(stage: Node) -> Iterator[Problem]:
    text = stage.get("accessLogSettings", "format")
    if isinstance(text, str) and "$context.requestId" not in text and "$context.extendedRequestId" not in text:
        what = "its access log format has no request id: AWS refuses it"
        yield Problem(stage, what, "add $context.requestId or $context.extendedRequestId")


def _account_role(stack: Stack) -> Iterator[Problem]:
    accounts = stack.all(ACCOUNT)
    for extra in accounts[1:]:
        what = "it is the second resource that sets the account's role: there is one per account and region"
        yield Problem(extra, what, "keep one, in one stack")
    for account in accounts:
        if not account.get("cloudwatchRoleArn"):
            what = "it takes the account's log role away: every stage with logs fails to deploy"
            yield Problem(account, what, "set cloudwatchRoleArn, or remove the resource")
    for stage in (one for one in stack.all(STAGE) if logs(one)):
        for account in accounts[:1]:
            if account.urn not in stack.waits_for(stage):
                what = f"it logs, and may be made before {account.label}: CloudWatch Logs role ARN must be set"
                yield Problem(stage, what, "add the Account to depends_on")


def logs(stage: Node) -> bool:
    """Whether a stage needs the account's role: it has access logs or execution logs."""
    levels = [one for one in (stage.get("defaultRouteSettings"), *(stage.get("routeSettings") or ())) if one]
    return bool(stage.get("accessLogSettings")) or any(
        isinstance(one, dict) and one.get("loggingLevel") not in (None, "", "OFF") for one in levels
    )


def _order(stack: Stack) -> Iterator[Problem]:
    for function in own_functions(stack):
        before = stack.waits_for(function)
        role = next(iter(stack.linked(function, "role", ROLE)), None)
        needed = [one for one in stack.all(ROLE_POLICY) if role and role in stack.linked(one, "role", ROLE)]
        group = function.text("loggingConfig", "logGroup") or f"/aws/lambda/{function.text('name')}"
        needed += [one for one in stack.all(LOG_GROUP) if one.text("name") == group]
        for one in needed:
            if one.urn not in before:
                what = f"it may be made before {one.label}: its first invocations fail, or leave logs without an end"
                yield Problem(function, what, "add it to depends_on")
    for stage in stack.all(STAGE):
        before, api = stack.waits_for(stage), stack.api(stage)
        for one in stack.all(PERMISSION):
            if one.urn not in before and _is_for_routes(one) and api in stack.made_from(one, "sourceArn", API):
                what = f"it may be live before {one.label}: its first messages fail"
                yield Problem(stage, what, "add it to depends_on")


def _is_for_routes(permission: Node) -> bool:
    return "/authorizers/" not in permission.text("sourceArn")


def _regions(stack: Stack) -> Iterator[Problem]:
    placed = [one for one in stack.nodes if isinstance(one.get("region"), str)]
    usual, _ = Counter(one.text("region") for one in placed).most_common(1)[0] if placed else ("", 0)
    for one in placed:
        if one.text("region") != usual:
            what = f"it is in {one.text('region')}, and the stack in {usual}: each use of it crosses the world"
            yield Problem(one, what, "remove region from its arguments; a stack's region is aws:region")
    for function in own_functions(stack):
        yield from _address_region(function, usual)


def _address_region(function: Node, region: str) -> Iterator[Problem]:
    host = variable(function, ENV_WEBSOCKET_ENDPOINT).split("//", 1)[-1].split("/", 1)[0]
    parts = host.split(".")
    if "execute-api" in parts[:-1] and region and parts[parts.index("execute-api") + 1] != region:
        what = f"it posts to {host}, and the stack is in {region}"
        yield Problem(function, what, "make the address from the API's apiEndpoint")


def _stage_leaks(stack: Stack) -> Iterator[Problem]:
    names = {stage.text("name") for api in sockets(stack) for stage in stack.of_api(STAGE, api)}
    for function in own_functions(stack):
        told = variable(function, ENV_STAGE)
        if told and told != stack.name and told not in names:
            what = f"{ENV_STAGE} is {told}, and this is stack {stack.name}: its metrics go to another dashboard"
            yield Problem(function, what, f"set {ENV_STAGE} to the name of the stage")


RULES: Final = (
    Rule(
        id="throttle",
        title="No throttle is 0",
        sources=("pulumi-aws#2363, pulumi#12150, terraform-provider-aws#14742",),
        check=each(STAGE, _throttles),
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
        id="access-logs",
        title="Access logs can be written, and hold no messages",
        sources=("aws-cdk#11100, #21935, #29220; ion#587", f"{API_GUIDE}: access logging"),
        check=_access_logs,
    ),
    Rule(
        id="account-log-role",
        title="The account's log role is set once, before a stage logs",
        sources=("sst#1556, sst#4663, aws-cdk#33977: CloudWatch Logs role ARN must be set",),
        check=_account_role,
    ),
    Rule(
        id="creation-order",
        title="What is needed is made before what needs it",
        sources=(f"{LAMBDA_GUIDE}: log groups made by Lambda have no retention", "docs/architecture.md"),
        severity=WARNING,
        check=_order,
    ),
    Rule(
        id="region",
        title="All of a stack is in one region",
        sources=(page(LATENCY, 4), "stelvio#264: the ambient region instead of the provider's"),
        check=_regions,
    ),
    Rule(
        id="stage-leak",
        title="Functions are told this stack's stage",
        sources=("stelvio#264: a renamed stage was ignored",),
        check=_stage_leaks,
    ),
)
