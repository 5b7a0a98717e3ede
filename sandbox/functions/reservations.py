"""What reserving and provisioning concurrency is answered, with Lambda's own texts."""

from typing import Final

from sandbox.aws import Json
from sandbox.functions.concurrency import Concurrency
from sandbox.functions.constraints import Refusal, between, broken, refuse_violations, violations
from sandbox.functions.facts import FunctionFacts
from sandbox.functions.reference import LATEST, FunctionReference

_INVALID: Final = "InvalidParameterValueException"
_RESERVED: Final = {"ReservedConcurrentExecutions": between(0)}
_PROVISIONED: Final = {"ProvisionedConcurrentExecutions": between(1)}


class Reservations:
    """Judges requests for concurrency.

    Args:
        facts: What functions have reserved so far.
        concurrency: What the account may run.
    """

    def __init__(self, facts: FunctionFacts, concurrency: Concurrency) -> None:
        self._facts = facts
        self._concurrency = concurrency

    async def refuse_reserved(self, function: FunctionReference, document: Json) -> Refusal | None:
        """What PutFunctionConcurrency says to a number that is none, or more than the account can spare."""
        if refusal := refuse_violations([*violations(document, _RESERVED, required=_RESERVED)]):
            return refusal
        wanted = document["ReservedConcurrentExecutions"]
        if not wanted:
            # Zero switches the function off (Lambda guide, reserved concurrency): the others lose nothing by it.
            return None
        others = await self._facts.reserved_in(function, without=function.name)
        if self._concurrency.limit - others - wanted >= self._concurrency.left_unreserved:
            return None
        text = (
            "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution "
            f"below its minimum value of [{self._concurrency.left_unreserved}]."
        )
        return Refusal(400, _INVALID, text)

    async def refuse_provisioned(self, function: FunctionReference, document: Json) -> Refusal | None:
        """What PutProvisionedConcurrencyConfig says to such a number, and to what is no published version."""
        errors = [*violations(document, _PROVISIONED, required=_PROVISIONED)]
        if function.qualifier is None:
            errors.append(broken("Value null", "Qualifier", "Member must not be null"))
        if refusal := refuse_violations(errors):
            return refusal
        alias = await self._facts.alias(function)
        if LATEST in (function.qualifier, alias and alias.version):
            text = "Provisioned Concurrency Configs cannot be applied to unpublished function versions."
            return Refusal(400, _INVALID, text)
        reserved = await self._facts.reserved(function)
        if reserved is not None and reserved < document["ProvisionedConcurrentExecutions"]:
            text = (
                "Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for "
                "function"
            )
            return Refusal(400, _INVALID, text)
        return None
