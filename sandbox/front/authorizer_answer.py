"""What a REQUEST authorizer's answer means. Pure.

The answer must be an IAM policy with a principal; simple answers exist for HTTP APIs only (API Gateway developer
guide, "Lambda authorizers for WebSocket APIs").
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

ANSWER_BYTES: Final = 8 * 1024
"""Largest answer of an authorizer (quota page; not adjustable)."""

UNAUTHORIZED: Final = "Unauthorized"
INTERNAL: Final = "Internal server error"
NOT_ALLOWED: Final = "User is not authorized to access this resource"
DENIED: Final = f"{NOT_ALLOWED} with an explicit deny"
_ACTION: Final = "execute-api:invoke"


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


def read_answer(payload: bytes, arn: str) -> Verdict:
    """What an authorizer's answer means for the resource ``arn``; an answer that is not in order is a fault (500)."""
    if len(payload) > ANSWER_BYTES:
        return BROKEN
    try:
        document = json.loads(payload)
        principal, policy = document["principalId"], document["policyDocument"]
        context = _stringify(document.get("context") or {})
        effects = _effects(policy["Statement"], arn)
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


def _effects(statements: Any, arn: str) -> set[str]:
    """Effects of the statements that speak of this resource; an Allow under a condition is not counted."""
    found = set()
    for statement in statements if isinstance(statements, list) else [statements]:
        effect = statement["Effect"]
        if effect not in ("Allow", "Deny"):
            raise ValueError(effect)
        # The condition is not judged here, so the stricter reading holds.
        if effect == "Allow" and statement.get("Condition"):
            continue
        if _any_matches(statement["Action"], _ACTION, re.IGNORECASE) and _any_matches(statement["Resource"], arn):
            found.add(effect)
    return found


def _any_matches(patterns: str | list[str], text: str, flags: re.RegexFlag = re.NOFLAG) -> bool:
    return any(
        re.fullmatch(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), text, flags)
        for pattern in ([patterns] if isinstance(patterns, str) else patterns)
    )
