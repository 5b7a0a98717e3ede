"""What a REQUEST authorizer's answer means. Pure.

The answer must be an IAM policy with a principal; simple answers exist for HTTP APIs only (API Gateway developer
guide, "Lambda authorizers for WebSocket APIs").
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from sandbox.aws import Json
from sandbox.permissions.documents import Access, effects_on

ANSWER_BYTES: Final = 8 * 1024
"""Largest answer of an authorizer (quota page; not adjustable)."""

UNAUTHORIZED: Final = "Unauthorized"
INTERNAL: Final = "Internal server error"
NOT_ALLOWED: Final = "User is not authorized to access this resource"
DENIED: Final = f"{NOT_ALLOWED} with an explicit deny"
_ACTION: Final = "execute-api:Invoke"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a handshake may go on; the context is what later events show as ``requestContext.authorizer``."""

    status: int = 200
    message: str = ""
    context: Mapping[str, object] = field(default_factory=dict)

    @property
    def allowed(self) -> bool:
        """Whether the client may connect."""
        return self.status == 200


UNASKED: Final = Verdict(401, UNAUTHORIZED)
BROKEN: Final = Verdict(500, INTERNAL)


def read_failure(payload: bytes) -> Verdict:
    """What an exception of the authorizer means: only the text ``Unauthorized`` is an answer, all else is a fault."""
    try:
        document = json.loads(payload)
    except ValueError:
        return BROKEN
    refused = isinstance(document, dict) and document.get("errorMessage") == UNAUTHORIZED
    return UNASKED if refused else BROKEN


def read_answer(payload: bytes, arn: str, event: Json) -> Verdict:
    """What an authorizer's answer means; an answer that is not in order is a fault (500).

    Args:
        payload: The answer.
        arn: What is to be invoked.
        event: Of the handshake; conditions of the policy speak of it.
    """
    if len(payload) > ANSWER_BYTES:
        return BROKEN
    try:
        document = json.loads(payload)
        principal, policy = document["principalId"], document["policyDocument"]
        context = _stringify(document.get("context") or {}) | _api_key(document)
        _check_statements(policy["Statement"])
        access = Access(principal=None, action=_ACTION, resource=arn, context=_condition_keys(event["requestContext"]))
        effects = effects_on(policy, access)
    except (ValueError, TypeError, KeyError, AttributeError):
        return BROKEN
    if not isinstance(principal, str) or not principal:
        return BROKEN
    # A Deny wins over every Allow, as in any IAM policy.
    if "Deny" in effects:
        return Verdict(403, DENIED)
    if "Allow" not in effects:
        return Verdict(403, NOT_ALLOWED)
    return Verdict(context={**context, "principalId": principal})


def _stringify(context: Mapping[str, object]) -> dict[str, str]:
    """Values arrive as strings in every later event; objects, lists and nulls are not allowed."""
    texts = {}
    for name, value in context.items():
        if not isinstance(value, str | int | float):
            raise TypeError(name)
        texts[name] = value if isinstance(value, str) else json.dumps(value)
    return texts


def _api_key(document: Json) -> dict[str, str]:
    """The key that ``$context.authorizer.usageIdentifierKey`` stands for, beside the policy and not in the context."""
    key = document.get("usageIdentifierKey")
    return {"usageIdentifierKey": key} if isinstance(key, str) else {}


def _check_statements(given: Any) -> None:
    """A policy's statements have an effect, and say about what; one that does not is no policy.

    Raises:
        ValueError: The effect is neither Allow nor Deny.
        KeyError: A part is missing.
    """
    for statement in given if isinstance(given, list) else [given]:
        if statement["Effect"] not in ("Allow", "Deny"):
            raise ValueError(statement["Effect"])
        for part in ("Action", "Resource"):
            if part not in statement and f"Not{part}" not in statement:
                raise KeyError(part)


def _condition_keys(context: Json) -> dict[str, str]:
    """Global condition keys of the handshake, by their names in lower case."""
    seconds = context["requestTimeEpoch"] / 1000
    identity: dict[str, str] = context["identity"]
    agent = {"aws:useragent": identity["userAgent"]} if "userAgent" in identity else {}
    return {
        "aws:sourceip": identity["sourceIp"],
        "aws:currenttime": datetime.fromtimestamp(seconds, UTC).isoformat(),
        "aws:epochtime": str(int(seconds)),
        **agent,
    }
