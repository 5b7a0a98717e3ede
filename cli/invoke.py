"""The work of ``trebuche call``."""

import asyncio
import json
import uuid

from cli.arguments import actor_id, json_argument, method_name
from cli.checkout import checkout_root, find_endpoint
from cli.client import call
from cli.errors import CommandError, RemoteError
from cli.output import FAILED, OK, Output
from trebuche.envelopes import InvocationEnvelope, ResponseEnvelope, TrebuchetActorID


def invoke_and_print(
    output: Output,
    actor: str,
    method: str,
    arguments: tuple[str, ...],
    *,
    endpoint: str | None,
    timeout_seconds: float,
) -> int:
    """Call a method, print its result or its error, and return the exit code.

    Raises:
        CommandError: A name or an argument cannot travel, or (without ``--json``) the call failed.
    """
    call_id = uuid.uuid4()
    try:
        invocation = InvocationEnvelope(
            call_id=call_id,
            actor_id=TrebuchetActorID(id=actor_id(actor)),
            target_identifier=method_name(method),
            protocol_version=2,
            arguments=tuple(json_argument(text, position) for position, text in enumerate(arguments, start=1)),
        )
        address = find_endpoint(checkout_root(), endpoint)
        response = asyncio.run(call(address, invocation, timeout_seconds=timeout_seconds))
        value = _result(response)
    except CommandError as error:
        if not output.as_json:
            raise
        output.document({"callID": _text(call_id), "error": _describe(error)})
        return FAILED
    _print(output, call_id, value, is_void=not response.result)
    return OK


def _result(response: ResponseEnvelope) -> object:
    if response.error_message is not None:
        code = response.code
        text = response.error_message + (f" [{code}]" if code else "")
        raise RemoteError(text, code=code, retryable=bool(response.retryable))
    try:
        return json.loads(response.result) if response.result else None
    except ValueError as error:
        raise RemoteError(f"The result is not JSON: {response.result!r}") from error


def _print(output: Output, call_id: uuid.UUID, value: object, *, is_void: bool) -> None:
    if output.as_json:
        output.document({"callID": _text(call_id), "result": value})
    elif is_void:
        output.success("done")
    else:
        output.value(value)


def _describe(error: CommandError) -> dict[str, object]:
    return {"message": str(error), "code": error.code, "retryable": error.retryable}


def _text(call_id: uuid.UUID) -> str:
    return str(call_id).upper()
