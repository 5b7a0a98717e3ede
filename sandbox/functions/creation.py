"""What CreateFunction and UpdateFunctionConfiguration refuse, with Lambda's own texts; pure."""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from sandbox.aws import Json
from sandbox.functions.constraints import Refusal, between, broken, one_of, refuse_violations, text, violations
from sandbox.functions.limits import (
    ARCHITECTURES,
    ARN_CHARACTERS,
    DESCRIPTION_CHARACTERS,
    ENVIRONMENT_BYTES,
    HANDLER_CHARACTERS,
    HANDLER_PATTERN,
    LOG_FORMATS,
    MEMORY_MB,
    NAME_CHARACTERS,
    NAME_PATTERN,
    PACKAGE_TYPES,
    RESERVED_VARIABLES,
    ROLE_PATTERN,
    RUN_HERE,
    RUNTIMES,
    TEMPORARY_MB,
    TIMEOUT_SECONDS,
    TRACING_MODES,
    UPLOAD_BYTES,
    VARIABLE_PATTERN,
)

_INVALID: Final = "InvalidParameterValueException"
_UNABLE: Final = (
    "Lambda was unable to configure your environment variables because the environment variables you have provided "
)
_CHECKS: Final = {
    "Role": text(pattern=ROLE_PATTERN),
    "Handler": text(longest=HANDLER_CHARACTERS, pattern=HANDLER_PATTERN),
    "Description": text(longest=DESCRIPTION_CHARACTERS),
    "MemorySize": between(*MEMORY_MB),
    "Timeout": between(*TIMEOUT_SECONDS),
    "EphemeralStorage.Size": between(*TEMPORARY_MB),
    "PackageType": one_of(PACKAGE_TYPES),
    "TracingConfig.Mode": one_of(TRACING_MODES),
    "LoggingConfig.LogFormat": one_of(LOG_FORMATS),
}


def refuse_upload(size: int, operation: str) -> Refusal | None:
    """A request with code that is too long, before its content is looked at.

    Args:
        size: Bytes of the request's body, the code in base64.
        operation: ``CreateFunction`` or ``UpdateFunctionCode``.
    """
    if size <= UPLOAD_BYTES:
        return None
    message = f"Request must be smaller than {UPLOAD_BYTES} bytes for the {operation} operation"
    return Refusal(413, "RequestEntityTooLargeException", message)


def refuse_configuration(document: Json, *, creates: bool) -> Refusal | None:
    """What Lambda says to a function's configuration that it does not take; None when it takes it.

    Args:
        document: The request.
        creates: CreateFunction, which needs some of the settings and names the function in the request.
    """
    errors = [*(_of_name(document) if creates else ()), *violations(document, _CHECKS, required=_required(creates))]
    errors += [*_of_architectures(document.get("Architectures")), *_of_variable_names(_variables(document))]
    return refuse_violations(errors) or next(_unfit(document, creates), None)


def _required(creates: bool) -> tuple[str, ...]:
    return ("Role",) if creates else ()


def _of_name(document: Json) -> Iterator[str]:
    name = document.get("FunctionName")
    longest = ARN_CHARACTERS if ":" in str(name) else NAME_CHARACTERS
    checks = {"FunctionName": text(longest=longest, pattern=NAME_PATTERN)}
    yield from violations(document, checks, required=checks)


def _of_architectures(architectures: Any) -> Iterator[str]:
    if architectures is not None and (len(architectures) != 1 or not set(architectures) <= set(ARCHITECTURES)):
        allowed = f"Member must satisfy enum value set: [{', '.join(ARCHITECTURES)}]"
        yield broken(f"Value '[{', '.join(map(str, architectures))}]'", "Architectures", allowed)


def _of_variable_names(variables: Json) -> Iterator[str]:
    if not all(re.fullmatch(VARIABLE_PATTERN, name, re.ASCII) for name in variables):
        rule = f"Map keys must satisfy constraint: [Member must satisfy regular expression pattern: {VARIABLE_PATTERN}]"
        yield broken("Value", "Environment.Variables", rule)  # which may be secret, and is not repeated


def _unfit(document: Json, creates: bool) -> Iterator[Refusal]:
    """What is of its form, and still not taken."""
    runtime = document.get("Runtime")
    if creates and document.get("PackageType", "Zip") == "Zip" and not (runtime and document.get("Handler")):
        message = "Runtime and Handler are mandatory parameters for functions created with deployment packages."
        yield Refusal(400, _INVALID, message)
    if runtime is not None and runtime not in RUNTIMES:
        rule = f"Member must satisfy enum value set: [{', '.join(RUNTIMES)}] or be a valid ARN"
        yield Refusal(400, _INVALID, broken(f"Value {runtime}", "Runtime", rule))
    yield from _not_run_here(runtime, document.get("PackageType"))
    yield from _unfit_environment(_variables(document))


def _not_run_here(runtime: str | None, package: str | None) -> Iterator[Refusal]:
    """What Lambda runs and the sandbox does not: its emulator would answer 200 with a text of its own."""
    if package == "Image":
        message = "The sandbox runs no container images: there is no Docker in it. Deploy a zip."
        yield Refusal(400, _INVALID, message)
    if runtime in RUNTIMES and not runtime.startswith(RUN_HERE):
        message = (
            f"The sandbox does not run {runtime}: it has no such runtime, and no Docker to get it. "
            f"It runs functions of {', '.join(RUN_HERE)}."
        )
        yield Refusal(400, _INVALID, message)


def _unfit_environment(variables: Json) -> Iterator[Refusal]:
    if reserved := sorted(RESERVED_VARIABLES.intersection(variables)):
        message = (
            "contains reserved keys that are currently not supported for modification. "
            f"Reserved keys used in this request: {', '.join(reserved)}"
        )
        yield Refusal(400, _INVALID, _UNABLE + message)
    if sum(len(name.encode()) + len(str(value).encode()) for name, value in variables.items()) > ENVIRONMENT_BYTES:
        measured = json.dumps(variables, separators=(",", ":"))
        yield Refusal(400, _INVALID, f"{_UNABLE}exceeded the 4KB limit. String measured: {measured}")


def _variables(document: Json) -> Json:
    return (document.get("Environment") or {}).get("Variables") or {}
