"""APIs: by what a route is chosen, where an API key is found, and what HTTP APIs alone have."""

from collections.abc import Mapping
from typing import Final

from sandbox.aws import Json
from sandbox.front.rules.write import Write, refuse
from sandbox.front.selection import unknown_variable

KEY_EXPRESSIONS: Final = ("$request.header.x-api-key", "$context.authorizer.usageIdentifierKey")
_HTTP_ONLY: Final[Mapping[str, tuple[str, ...]]] = {
    "apis": ("corsConfiguration", "credentialsArn", "routeKey", "target"),
    "routes": ("authorizationScopes",),
    "integrations": ("integrationSubtype", "responseParameters", "tlsConfig"),
    "authorizers": (
        "authorizerPayloadFormatVersion",
        "authorizerResultTtlInSeconds",
        "enableSimpleResponses",
        "jwtConfiguration",
    ),
}
"""Settings that the API reference of API Gateway v2 has for HTTP APIs only."""


async def check_new_api(write: Write) -> None:
    """CreateApi."""
    _check(write.request)
    expression = write.request.get("routeSelectionExpression")
    if not expression:
        raise refuse("A WebSocket API needs a RouteSelectionExpression, such as $request.body.action")


async def check_changed_api(write: Write) -> None:
    """UpdateApi."""
    _check(write.request)
    if write.request.get("routeSelectionExpression") == "":
        raise refuse("The RouteSelectionExpression of a WebSocket API cannot be empty")


def refuse_http_only(part: str, request: Json) -> None:
    """Refuse what only HTTP APIs have.

    Raises:
        AwsRefusedError: A setting of theirs has a value.
    """
    if found := next((name for name in _HTTP_ONLY[part] if request.get(name)), None):
        raise refuse(f"{found[0].upper()}{found[1:]} is supported for HTTP APIs only")


def refuse_variables(expression: str, *, known: tuple[str, ...] = ()) -> None:
    """Refuse a selection expression with a variable that is not evaluated here.

    Raises:
        AwsRefusedError: There is one; its text names it.
    """
    if found := unknown_variable(expression, known=known):
        wanted = ", ".join(f"${name}" for name in ("request.body.<path>", *known))
        raise refuse(
            f"Invalid selection expression {expression!r}: '{found}' is none of {wanted}; "
            r"a path has names and indices, and \$ is a plain dollar"
        )


def _check(request: Json) -> None:
    refuse_http_only("apis", request)
    refuse_variables(request.get("routeSelectionExpression") or "")
    key = request.get("apiKeySelectionExpression")
    if key and key not in KEY_EXPRESSIONS:
        raise refuse(f"Invalid API key selection expression {key!r}: it is {' or '.join(KEY_EXPRESSIONS)}")
