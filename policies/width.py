"""How much more than a name a statement of a policy allows. Pure."""

import re
from collections.abc import Iterator
from typing import Final

from policies.documents import Json, many

UNLIMITED: Final = frozenset(
    {
        # These know no resources (service authorization reference): "*" is the only way to name one.
        "xray:puttracesegments",
        "xray:puttelemetryrecords",
        "servicediscovery:discoverinstances",
        "servicediscovery:discoverinstancesrevision",
        "dynamodb:liststreams",
        "cloudwatch:putmetricdata",
        "sts:getcalleridentity",
    }
)
_POWERS: Final = re.compile(
    r"(iam|organizations|account|cloudformation|apigateway|sso|cloudtrail|config):.*"
    r"|sts:assumerole.*"
    r"|lambda:(?!invokefunction$|get|list).*"
    r"|dynamodb:(create|delete|update|restore|export|import|enable|disable|purchase|tag|untag)"
    r"(table|backup|globaltable|timetolive|continuousbackups|.*policy|.*destination|resource).*"
    r"|sqs:(create|delete|set|add|remove|purge)(queue|permission|queueattributes).*"
    r"|kms:(create|put|schedule|disable|enable|cancel|update|revoke|retire).*"
    r"|secretsmanager:(?!getsecretvalue$|describe|list).*"
    r"|logs:(delete|put(?!logevents)|createloggroup|associate|disassociate).*"
    r"|servicediscovery:(create|delete|register|deregister|update).*"
    r"|ssm:(send|start|put|delete).*|ec2:.*|events:(put|delete).*"
)
"""What changes the deployment itself, or takes other rights: no function of an application does."""
_PARTS: Final = (
    # Streams of a log group, streams and indexes of a table, connections of a stage, the six characters of a secret.
    re.compile(r":log-group:[^*?]+(:\*|:log-stream:\*)$"),
    re.compile(r":table/[^*?]+/(stream|index)/\*$"),
    re.compile(r":execute-api:.*:[^*?]+/[^*?]+/[A-Z]+/@connections/\*$"),
    re.compile(r":secret:[^*?]+-(\?{6}|\*)$"),
    re.compile(r":s3:::[^*?]+/\*$"),
)
"""Wildcards behind a name, where nobody can know what there will be."""


def too_wide(statement: Json) -> Iterator[tuple[str, str]]:
    """The pairs of action and resource of a statement that allow more than a name says."""
    if statement.get("Effect") != "Allow":
        return
    if "NotAction" in statement or "NotResource" in statement:
        yield "NotAction" if "NotAction" in statement else "NotResource", "everything else"
    for action in map(str, many(statement.get("Action"))):
        for resource in map(str, many(statement.get("Resource"))):
            free = resource == "*" and action.lower() in UNLIMITED
            if "*" in action or "?" in action or not (free or is_named(resource)):
                yield action, resource


def powers(statement: Json) -> list[str]:
    """The actions of a statement with which a function could change the deployment, or take other rights."""
    actions = map(str, many(statement.get("Action")))
    return [one for one in actions if statement.get("Effect") == "Allow" and _POWERS.fullmatch(one.lower())]


def is_named(resource: str) -> bool:
    """Whether an ARN names one thing, or all that is in one."""
    if "*" not in resource and "?" not in resource:
        return True
    # arn:<partition>:<service>:<region>:<account>:<resource>
    parts = resource.split(":", 5)
    place = ":".join(parts[:5])
    return len(parts) == 6 and "*" not in place and "?" not in place and any(one.search(resource) for one in _PARTS)
