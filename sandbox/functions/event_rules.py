"""What asynchronous settings and dead-letter targets are answered (API reference, developer guide)."""

import re
from typing import Any, Final

from sandbox.aws import Json
from sandbox.functions.constraints import Refusal, between, refuse_violations, violations
from sandbox.functions.facts import FunctionFacts
from sandbox.functions.reference import FunctionReference
from sandbox.permissions import Permissions
from sandbox.permissions.permissions import LAMBDA, SEND_ACTIONS

_INVALID: Final = "InvalidParameterValueException"
_CHECKS: Final = {"MaximumRetryAttempts": between(0, 2), "MaximumEventAgeInSeconds": between(60, 21_600)}
_DESTINATION: Final = re.compile(r"arn:[\w-]+:(?:(?:sqs|sns|lambda|events):[\w-]+:\d{12}:.+|s3:::.+)")
_TARGET: Final = re.compile(r"arn:[\w-]+:(?:sqs|sns):[\w-]+:\d{12}:.+")
FIFO: Final = ".fifo"
_NO_SETTING: Final = "You must specify at least one error handling or destination setting."


class EventRules:
    """Judges what becomes of a function's events.

    Args:
        facts: Know a function's role.
        permissions: Judge whether the role may send.
    """

    def __init__(self, facts: FunctionFacts, permissions: Permissions) -> None:
        self._facts = facts
        self._permissions = permissions

    async def refuse_settings(self, function: FunctionReference, document: Json) -> Refusal | None:
        """What PutFunctionEventInvokeConfig and its update say to what they do not take."""
        if refusal := refuse_violations([*violations(document, _CHECKS)]):
            return refusal
        destinations = document.get("DestinationConfig") or {}
        chosen = {when: (destinations.get(when) or {}).get("Destination") for when in ("OnSuccess", "OnFailure")}
        if not any(chosen.values()) and all(document.get(name) is None for name in _CHECKS):
            return Refusal(400, _INVALID, _NO_SETTING)
        for when, arn in chosen.items():
            if arn and (not _DESTINATION.fullmatch(arn) or arn.endswith(FIFO) or _is_bucket_of_success(when, arn)):
                return Refusal(400, _INVALID, f"The provided destination config DestinationConfig is invalid: {arn}")
            if arn and await self._permissions.judge_destination(function.arn, arn) is not None:
                action = SEND_ACTIONS[arn.split(":")[2]].partition(":")[2]
                message = f"The function's execution role does not have permissions to call {action} on {arn}"
                return Refusal(400, _INVALID, message)
        return None

    async def refuse_dead_letters(self, function: FunctionReference | None, document: Json) -> Refusal | None:
        """What making or changing a function says to a dead-letter target that it does not take."""
        target: Any = (document.get("DeadLetterConfig") or {}).get("TargetArn")
        if not target:
            return None
        if not _TARGET.fullmatch(target) or target.endswith(FIFO):
            return Refusal(400, _INVALID, f"The provided target ARN is invalid: {target}")
        role = document.get("Role") or (function and await self._facts.role(function))
        if not role:
            return None
        service = target.split(":")[2]
        if await self._permissions.judge_role(role, LAMBDA, (SEND_ACTIONS[service],), target) is None:
            return None
        action = SEND_ACTIONS[service].partition(":")[2]
        message = f"The provided execution role does not have permissions to call {action} on {service.upper()}"
        return Refusal(400, _INVALID, message)


def _is_bucket_of_success(when: str, arn: str) -> bool:
    """Buckets take what has failed, and nothing else."""
    return when == "OnSuccess" and arn.split(":")[2] == "s3"
