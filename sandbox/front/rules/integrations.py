"""Integrations and their responses: what runs here, for how long, in whose role, by which templates."""

import re
from typing import Final

from sandbox.aws import Json
from sandbox.front.rules.apis import refuse_http_only, refuse_variables
from sandbox.front.rules.write import Write, conflict, refuse
from sandbox.front.selection import STATUS
from sandbox.front.templates import TEMPLATE_BYTES, refused_part

_RUN: Final = ("AWS_PROXY", "MOCK")
_INVOCATIONS: Final = re.compile(
    r"arn:[\w-]+:apigateway:[\w-]+:lambda:path/2015-03-31/functions/(?:arn:|\$\{stageVariables\.)[^/]+/invocations"
)
_FUNCTION: Final = re.compile(r"arn:[\w-]+:lambda:[\w-]+:\d{12}:function:[^/]+")
_OF_THE_CALLER: Final = "arn:aws:iam::*:user/*"
_ROLE: Final = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/.+")


async def check_new_integration(write: Write) -> None:
    """CreateIntegration."""
    await write.refuse_beyond(write.quotas.integrations, "integrations", "Integrations")
    _check(write.request, write.request)


async def check_changed_integration(write: Write) -> None:
    """UpdateIntegration."""
    before = await write.find("integrations", "integrationId", write.identifier) or {}
    _check(write.request, {**before, **write.request})


async def check_deleted_integration(write: Write) -> None:
    """DeleteIntegration."""
    if route := await write.find("routes", "target", f"integrations/{write.identifier}"):
        raise conflict(
            f"Cannot delete integration '{write.identifier}', it is the target of route '{route['routeKey']}'"
        )


async def check_integration_response(write: Write) -> None:
    """CreateIntegrationResponse and UpdateIntegrationResponse."""
    _check_templates(write.request.get("responseTemplates"))
    refuse_variables(write.request.get("templateSelectionExpression") or "", known=(STATUS,))


def check_invocations(uri: str | None) -> None:
    """Refuse what is no URI of a function's invocations.

    Raises:
        AwsRefusedError: It is missing, or of another form.
    """
    if not _INVOCATIONS.fullmatch(uri or ""):
        raise refuse(
            f"Invalid URI {uri!r}: a Lambda function's is arn:aws:apigateway:<region>:lambda:path/2015-03-31/functions/"
            "<function's ARN>/invocations"
        )


def check_credentials(arn: str | None) -> None:
    """An integration or an authorizer may name the role that API Gateway is to take.

    Raises:
        AwsRefusedError: It names something else.
    """
    if arn == _OF_THE_CALLER:
        raise refuse("The sandbox does not call functions with the caller's credentials; name a role instead.")
    if arn and not _ROLE.fullmatch(arn):
        raise refuse("Invalid ARN specified in the request")


def _check(request: Json, after: Json) -> None:
    kind = after.get("integrationType", "AWS_PROXY")
    if request.get("connectionType") == "VPC_LINK":
        kind = f"{kind} over a VPC link"
    if kind not in _RUN:
        raise refuse(f"The sandbox does not run integrations of type {kind}; it runs {' and '.join(_RUN)}.")
    refuse_http_only("integrations", request)
    # An integration, other than an authorizer, may name the function alone.
    if kind == "AWS_PROXY" and not _FUNCTION.fullmatch(after.get("integrationUri") or ""):
        check_invocations(after.get("integrationUri"))
    if request.get("payloadFormatVersion") not in (None, "", "1.0"):
        raise refuse("PayloadFormatVersion must be 1.0 for WebSocket APIs")
    # Quota page; other than REST APIs, WebSocket APIs get no more than 29 s on request.
    if not 50 <= request.get("timeoutInMillis", 50) <= 29_000:
        raise refuse("Timeout should be between 50 ms and 29000 ms")
    check_credentials(request.get("credentialsArn"))
    _check_templates(request.get("requestTemplates"))
    refuse_variables(request.get("templateSelectionExpression") or "")


def _check_templates(templates: Json | None) -> None:
    for name, text in (templates or {}).items():
        if len(text.encode()) > TEMPLATE_BYTES:
            raise refuse(f"Template {name} is too long: a mapping template has at most {TEMPLATE_BYTES} bytes")
        if found := refused_part(text):
            raise refuse(
                f"The sandbox does not evaluate '{found}' in a mapping template; $context, $stageVariables, "
                "$input.body, and $input.json and $input.path of a path run, without directives."
            )
