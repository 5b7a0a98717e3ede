"""Rules about permissions: what a role allows, held against what its function does."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from policies.conditions import Caller, judged
from policies.documents import allows, many, statements, too_wide
from policies.model import (
    ATTACHMENT,
    FUNCTION,
    LOG_GROUP,
    MAPPING,
    NAMESPACE,
    POLICY,
    QUEUE,
    ROLE,
    ROLE_POLICY,
    TABLE,
    UNKNOWN,
    WARNING,
    Node,
    Problem,
    Rule,
    Stack,
)
from policies.program import TABLE_ACTIONS, source, table, variable
from policies.sources import BROADCASTING, IAM_GUIDE, LAMBDA_GUIDE, PERSISTING, page
from policies.stages import stages_of
from trebuche.contract import (
    ACTOR_HANDLER,
    ENV_CATCH_UP_QUEUES,
    ENV_CONNECTION_TABLE,
    ENV_JOURNAL_TABLE,
    ENV_STATE_TABLE,
    ENV_SUBSCRIPTION_TABLE,
    ENV_WEBSOCKET_ENDPOINT,
    WEBSOCKET_HANDLER,
)

STREAM_ACTIONS: Final = ("DescribeStream", "GetRecords", "GetShardIterator", "ListStreams")
QUEUE_ACTIONS: Final = ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")
_CONNECTION_TABLES: Final = (ENV_CONNECTION_TABLE, ENV_SUBSCRIPTION_TABLE)
_STATE_TABLES: Final = (ENV_STATE_TABLE, ENV_JOURNAL_TABLE)


def statements_of(stack: Stack, role: Node) -> list[dict[str, Any]] | None:
    """What a role allows and denies to a function's calls; None when a part of it is not known."""
    found = all_statements_of(stack, role)
    return None if found is None else judged(found, caller_of(stack, role))


def caller_of(stack: Stack, role: Node) -> Caller:
    """A function with this role, as far as the stack tells where it runs."""
    arns = [one.text("arn") for one in (*stack.all(TABLE), *stack.all(FUNCTION)) if one.text("arn")]
    _, _, _, region, account, *_ = [*(arns[0] if arns else "").split(":"), *[""] * 5]
    return Caller(
        region=region,
        account=account,
        role=role.text("arn"),
        namespaces=tuple(one.text("name") for one in stack.all(NAMESPACE) if one.text("name")),
        now=datetime.now(UTC),
    )


def boundary_of(stack: Stack, role: Node) -> list[dict[str, Any]] | None:
    """The statements of a role's permissions boundary; None when it has none, or nobody knows what it says."""
    document = role.get("boundaryDocument")  # of a running stack, whoever made the policy
    for policy in stack.linked(role, "permissionsBoundary", POLICY):
        document = document or policy.get("policy")
    if not isinstance(document, (str, dict)):
        return None
    return judged(statements(document), caller_of(stack, role))


def all_statements_of(stack: Stack, role: Node) -> list[dict[str, Any]] | None:
    """All statements of a role, whatever their conditions; None when a part is not known, such as a policy of AWS's."""
    found: list[dict[str, Any]] = []
    for policy in _policies(stack, role):
        if not isinstance(policy.get("policy"), (str, dict)):
            return None
        found += statements(policy.get("policy"))
    for inline in role.get("inlinePolicies") or ():
        found += statements(inline.get("policy"))
    attached = [one for one in stack.all(ATTACHMENT) if role in stack.linked(one, "role", ROLE)]
    known = [one for one in attached if one.get("document")]
    for one in known:
        found += statements(one.get("document"))
    return found if len(known) == len(attached) else None


def _policies(stack: Stack, role: Node) -> list[Node]:
    return [one for one in stack.all(ROLE_POLICY) if role in stack.linked(one, "role", ROLE)]


def role_of(stack: Stack, function: Node) -> Node | None:
    """The role that a function runs with, when it is in this stack."""
    return next(iter(stack.linked(function, "role", ROLE)), None)


@dataclass(frozen=True, slots=True)
class Need:
    """Something that a function does.

    Args:
        function: Whose role is meant.
        action: Such as ``dynamodb:GetItem``.
        on: The resource, where it is in the stack: before a deployment, a document is at least made from it.
        resource: Its ARN; empty when it is not known.
    """

    function: Node
    action: str
    on: Node | None
    resource: str

    @property
    def place(self) -> str:
        """The resource, for people."""
        return self.on.label if self.on else self.resource


Needs = Callable[[Stack], Iterator[Need]]


def _missing(needs: Needs) -> Callable[[Stack], Iterator[Problem]]:
    """A check that the roles allow what is needed."""

    def check(stack: Stack) -> Iterator[Problem]:
        for need in needs(stack):
            yield from _unmet(stack, need)

    return check


def _unmet(stack: Stack, need: Need) -> Iterator[Problem]:
    function, action, on, resource = need.function, need.action, need.on, need.resource
    role = role_of(stack, function)
    if role is None:
        return
    allowed = statements_of(stack, role)
    place, mend = need.place, f"allow {action} on it in {role.label}"
    limit = boundary_of(stack, role)
    if limit is not None and resource and not allows(limit, action, resource):
        what = f"the permissions boundary of its role does not allow {action} on {place}"
        yield Problem(function, what, f"allow it in {role.text('permissionsBoundary') or 'the boundary'}, too")
    if allowed is not None and resource:
        if not allows(allowed, action, resource):
            yield Problem(function, f"its role does not allow {action} on {place}", mend)
    # Of a document that is not known yet one can see at least what it is made from.
    elif allowed is None and on is not None and not _is_mentioned(stack, role, on):
        yield Problem(function, f"no policy of its role says anything of {place} ({action})", mend)
    # The ARN is not known yet, but what is allowed nowhere is not allowed there either.
    elif allowed is not None and not any(allows(allowed, action, _sample(one)) for one in _resources(allowed)):
        yield Problem(function, f"its role does not allow {action} on anything, {place} included", mend)


def _is_mentioned(stack: Stack, role: Node, on: Node) -> bool:
    policies = _policies(stack, role)
    if not policies and not any(role in stack.linked(one, "role", ROLE) for one in stack.all(ATTACHMENT)):
        return False
    vague = [one for one in policies if one.get("policy") is UNKNOWN]
    # In doubt for the role: a document whose makings nobody tells may be about anything.
    return not vague or any(on.urn in one.refers.get("policy", ()) or not one.refers.get("policy") for one in vague)


def _resources(allowed: list[dict[str, Any]]) -> list[str]:
    return [str(one) for statement in allowed for one in many(statement.get("Resource"))]


def _sample(pattern: str) -> str:
    return pattern.replace("*", "x").replace("?", "x")


def _tables(stack: Stack, names: tuple[str, ...]) -> Iterator[Need]:
    for function in stack.all(FUNCTION):
        for name, actions in TABLE_ACTIONS.get(function.text("handler"), {}).items():
            found = table(stack, variable(function, name)) if name in names else None
            for action in actions if found is not None else ():
                assert found is not None
                yield Need(function, f"dynamodb:{action}", found, found.text("arn"))


def _connections(stack: Stack) -> Iterator[Need]:
    yield from _tables(stack, _CONNECTION_TABLES)


def _states(stack: Stack) -> Iterator[Need]:
    yield from _tables(stack, _STATE_TABLES)


def _posts(stack: Stack) -> Iterator[Need]:
    for function in stack.all(FUNCTION):
        if not function.get("environment", "variables", ENV_WEBSOCKET_ENDPOINT):
            continue
        for api, stage in stages_of(stack, function):
            arn = api.text("executionArn")
            resource = f"{arn}/{stage.text('name')}/POST/@connections/abc=" if arn else ""
            yield Need(function, "execute-api:ManageConnections", api, resource)


def _streams(stack: Stack) -> Iterator[Need]:
    for mapping in stack.all(MAPPING):
        function = stack.function(stack.function_ref(mapping, "functionName"))
        found = source(stack, mapping)
        if function is not None and found is not None:
            for action in STREAM_ACTIONS:
                # On whichever stream the table has: the mapping's own ARN changes when it is switched off and on.
                arn = found.text("streamArn") or mapping.text("eventSourceArn")
                yield Need(function, f"dynamodb:{action}", found, arn)


def _failures(stack: Stack) -> Iterator[Need]:
    for mapping in stack.all(MAPPING):
        function = stack.function(stack.function_ref(mapping, "functionName"))
        for queue in stack.linked(mapping, "destinationConfig", QUEUE, "onFailure", "destinationArn"):
            if function is not None:
                yield Need(function, "sqs:SendMessage", queue, queue.text("arn"))


def _queues(stack: Stack) -> Iterator[Need]:
    for mapping in stack.all(MAPPING):
        function = stack.function(stack.function_ref(mapping, "functionName"))
        for queue in stack.linked(mapping, "eventSourceArn", QUEUE):
            for action in QUEUE_ACTIONS if function is not None else ():
                assert function is not None
                yield Need(function, f"sqs:{action}", queue, queue.text("arn"))


def _reminders(stack: Stack) -> Iterator[Need]:
    for function in stack.all(FUNCTION):
        given = function.get("environment", "variables", ENV_CATCH_UP_QUEUES)
        made_from = [] if stack.complete else stack.made_from(function, "environment", QUEUE)
        for queue in made_from or [one for one in stack.all(QUEUE) if _holds(given, one.text("url"))]:
            yield Need(function, "sqs:SendMessage", queue, queue.text("arn"))


def _holds(document: Any, url: str) -> bool:
    """Whether a JSON document has a URL as a value."""
    return bool(url) and isinstance(document, str) and json.dumps(url) in document


def _logs(stack: Stack) -> Iterator[Need]:
    for function in stack.all(FUNCTION):
        name = function.text("loggingConfig", "logGroup") or f"/aws/lambda/{function.text('name')}"
        for group in (one for one in stack.all(LOG_GROUP) if one.text("name") == name):
            arn = group.text("arn").removesuffix(":*")
            for action in ("logs:CreateLogStream", "logs:PutLogEvents"):
                # The ARN of a group has no stream in it; what is written to comes after a colon.
                stream = f"{arn}:log-stream:2026/11/23/[1]abc" if arn else ""
                yield Need(function, action, group, stream)


def _traces(stack: Stack) -> Iterator[Need]:
    for function in stack.all(FUNCTION):
        if function.get("tracingConfig", "mode") == "Active":
            for action in ("xray:PutTraceSegments", "xray:PutTelemetryRecords"):
                # X-Ray's actions know no resources (service authorization reference).
                yield Need(function, action, None, "*")


def _keys(stack: Stack) -> Iterator[Need]:
    for function in stack.all(FUNCTION):
        keys = [function.text("kmsKeyArn")]
        for name in TABLE_ACTIONS.get(function.text("handler"), {}):
            if (used := table(stack, variable(function, name))) is not None:
                keys.append(used.text("serverSideEncryption", "kmsKeyArn"))
        for key in sorted({*keys} - {""}):
            yield Need(function, "kms:Decrypt", None, key)


def _actors(stack: Stack) -> Iterator[Need]:
    actors = [one for one in stack.all(FUNCTION) if one.text("handler") == ACTOR_HANDLER]
    for function in stack.all(FUNCTION):
        if function.text("handler") != WEBSOCKET_HANDLER:
            continue
        yield Need(function, "servicediscovery:DiscoverInstances", None, "*")
        for actor in actors:
            arn = actor.text("arn")
            # The arn of a function is known after the deployment, and so is what may be called: its alias.
            for alias in _aliases(stack, actor):
                target = alias.text("arn") or (f"{arn}:{alias.text('name')}" if arn else "")
                yield Need(function, "lambda:InvokeFunction", alias, target)


def _aliases(stack: Stack, function: Node) -> list[Node]:
    wanted = function.text("name")
    return [
        one
        for one in stack.all("aws:lambda/alias:Alias")
        if (ref := stack.function_ref(one, "functionName")) and ref.name == wanted
    ]


def _wide(stack: Stack) -> Iterator[Problem]:
    for policy in (*stack.all(ROLE_POLICY), *stack.all(ROLE)):
        documents = [policy.get("policy"), *(one.get("policy") for one in policy.get("inlinePolicies") or ())]
        for statement in (one for document in documents for one in statements(document)):
            for action, resource in too_wide(statement):
                what = f"it allows {action} on {resource}: whoever gets into the function gets that"
                yield Problem(policy, what, "name the actions and the resources that are used")
    for attachment in stack.all(ATTACHMENT):
        name = attachment.text("policyArn").rsplit("/", 1)[-1]
        if name.endswith(("FullAccess", "_FullAccess")) or name in {"AdministratorAccess", "PowerUserAccess"}:
            what = f"it attaches {name}: whoever gets into the function gets all of it"
            yield Problem(attachment, what, "write a policy with the actions and resources that are used")


def _trust(stack: Stack) -> Iterator[Problem]:
    for function in stack.all(FUNCTION):
        role = role_of(stack, function)
        if role is None or role.get("assumeRolePolicy") in (None, UNKNOWN):
            continue
        principals = [
            service
            for one in statements(role.get("assumeRolePolicy"))
            if one.get("Effect") == "Allow" and isinstance(one.get("Principal"), dict)
            for service in many(one["Principal"].get("Service"))
        ]
        mend = "let lambda.amazonaws.com, and nobody else, take it"
        if "lambda.amazonaws.com" not in principals:
            yield Problem(role, f"Lambda may not take it, and {function.label} runs with it", mend)
        if any(one.get("Principal") in ("*", {"AWS": "*"}) for one in statements(role.get("assumeRolePolicy"))):
            yield Problem(role, "anybody may take it", mend)


NEEDS: Final[tuple[Needs, ...]] = (
    _connections,
    _states,
    _posts,
    _streams,
    _failures,
    _queues,
    _reminders,
    _logs,
    _traces,
    _actors,
)
"""All that the functions do, as far as permissions are concerned."""

RULES: Final = (
    Rule(
        id="connection-permission",
        title="The functions may work on connections and subscriptions",
        sources=(page(PERSISTING, 1),),
        check=_missing(_connections),
    ),
    Rule(
        id="state-permission",
        title="The actors' functions may read and write state and journal",
        sources=(page(PERSISTING, 1), f"{IAM_GUIDE}: policy evaluation"),
        check=_missing(_states),
    ),
    Rule(
        id="post-permission",
        title="Functions that answer clients may post to connections of this stage",
        sources=(page(BROADCASTING, 3), "sst#956, sst#4633, aws-cdk#14828, architect/functions#130"),
        check=_missing(_posts),
    ),
    Rule(
        id="stream-permission",
        title="A mapping's function may read its stream",
        sources=(page(BROADCASTING, 2), f"{LAMBDA_GUIDE}: execution role for DynamoDB streams"),
        check=_missing(_streams),
    ),
    Rule(
        id="failure-permission",
        title="A mapping's function may send what was given up",
        sources=(f"{LAMBDA_GUIDE}: destinations are written with the execution role",),
        check=_missing(_failures),
    ),
    Rule(
        id="queue-permission",
        title="A mapping's function may take messages from its queue",
        sources=(f"{LAMBDA_GUIDE}: execution role for Amazon SQS",),
        check=_missing(_queues),
    ),
    Rule(
        id="reminder-permission",
        title="Functions that fall short of a subscriber may remind its worker",
        sources=("docs/architecture.md: D9",),
        check=_missing(_reminders),
    ),
    Rule(
        id="log-permission",
        title="Each function may write its logs",
        sources=(page(PERSISTING, 3),),
        check=_missing(_logs),
    ),
    Rule(
        id="trace-permission",
        title="Traced functions may write their traces",
        sources=("X-Ray developer guide: sending trace data",),
        severity=WARNING,
        check=_missing(_traces),
    ),
    Rule(
        id="key-permission",
        title="Functions may use the keys that their tables and variables are encrypted with",
        sources=("DynamoDB developer guide: customer managed keys; a key's own policy may allow it as well",),
        severity=WARNING,
        check=_missing(_keys),
    ),
    Rule(
        id="actor-permission",
        title="The websocket function finds the actors' functions and may call them",
        sources=(f"{IAM_GUIDE}: policy evaluation", "docs/architecture.md"),
        check=_missing(_actors),
    ),
    Rule(
        id="wide-permission",
        title="Roles allow what is used, by name",
        sources=("aws-cdk#18410, docs/architecture.md: least privilege",),
        check=_wide,
    ),
    Rule(
        id="role-trust",
        title="Lambda, and nobody else, may take a function's role",
        sources=(f"{LAMBDA_GUIDE}: execution role",),
        check=_trust,
    ),
)
