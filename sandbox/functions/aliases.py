"""What CreateAlias and UpdateAlias are answered (API reference; developer guide, "Lambda alias routing")."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from sandbox.aws import Json
from sandbox.functions.constraints import Refusal, broken, refuse_violations, text, violations
from sandbox.functions.facts import FunctionFacts
from sandbox.functions.reference import LATEST, FunctionReference

_INVALID: Final = "InvalidParameterValueException"
_NAME: Final = r"(?!^[0-9]+$)([a-zA-Z0-9-_]+)"
_VERSION: Final = r"[0-9]+"
_CHECKS: Final = {
    "Name": text(longest=128, pattern=_NAME),
    "FunctionVersion": text(longest=1024, pattern=rf"(\$LATEST|{_VERSION})"),
    "Description": text(longest=256),
}
_WEIGHTS: Final = "RoutingConfig.AdditionalVersionWeights"
_RANGE: Final = (
    "[Member must have value less than or equal to 1.0, Member must have value greater than or equal to 0.0]"
)


class Aliases:
    """Judges requests for aliases.

    Args:
        facts: Know a function's versions, and its aliases as they are.
    """

    def __init__(self, facts: FunctionFacts) -> None:
        self._facts = facts

    async def refuse(self, function: FunctionReference, document: Json) -> Refusal | None:
        """What a request is answered that Lambda does not take; None when it does.

        Args:
            function: With the alias as qualifier when one is changed, without when one is made.
            document: The request.
        """
        creates = function.qualifier is None
        required = ("Name", "FunctionVersion") if creates else ()
        wanted = (document.get("RoutingConfig") or {}).get("AdditionalVersionWeights")
        errors = [*violations(document, _CHECKS, required=required), *_of_weights(wanted or {})]
        if refusal := refuse_violations(errors):
            return refusal
        current = None if creates else await self._facts.alias(function)
        if await self._facts.version(function.function) is None or (current is None and not creates):
            return None  # there is no such function, or alias, and the emulator says so
        version = document.get("FunctionVersion") or (current.version if current else LATEST)
        weights = current.weights if wanted is None and current else wanted or {}
        return _unfit(version, weights) or await self._unfit_versions(function, (version, *weights))

    async def _unfit_versions(self, function: FunctionReference, versions: tuple[str, ...]) -> Refusal | None:
        sharing = set()
        for version in versions:
            one = replace(function, qualifier=version)
            if await self._facts.version(one) is None:
                return Refusal(404, "ResourceNotFoundException", f"Function not found: {one.arn}")
            sharing.add(await self._facts.role_and_dead_letters(one))
        if len(sharing) > 1:
            message = "Versions of an alias must have the same execution role and the same dead-letter target."
            return Refusal(400, _INVALID, message)
        return None


def _of_weights(weights: Mapping[str, Any]) -> Iterator[str]:
    shown = f"Value '{{{', '.join(f'{version}={weight}' for version, weight in weights.items())}}}'"
    if not all(re.fullmatch(_VERSION, version) for version in weights):
        rule = f"Map keys must satisfy constraint: [Member must satisfy regular expression pattern: {_VERSION}]"
        yield broken(shown, _WEIGHTS, rule)
    if not all(isinstance(weight, int | float) and 0 <= weight <= 1 for weight in weights.values()):
        yield broken(shown, _WEIGHTS, f"Map value must satisfy constraint: {_RANGE}")


def _unfit(version: str, weights: Mapping[str, Any]) -> Refusal | None:
    if len(weights) > 1:
        message = "Number of items in AdditionalVersionWeights cannot be greater than 1"
    elif weights and version == LATEST:
        message = f"{LATEST} is not supported for an alias pointing to more than 1 version"
    elif version in weights:
        message = f"Invalid function version {version}. Function version {version} is already included in routing "
        message += "configuration."
    else:
        return None
    return Refusal(400, _INVALID, message)
