"""The work of ``trebuche call``."""

import asyncio
import json
import uuid
from dataclasses import dataclass

from cli.arguments import actor_id, json_argument, method_name
from cli.checkout import checkout_root, find_endpoint
from cli.endpoint import Door, connected
from cli.errors import CommandError, RemoteError
from cli.output import FAILED, OK, Output


@dataclass(frozen=True, slots=True)
class _Call:
    call_id: uuid.UUID
    actor: str
    method: str
    arguments: tuple[bytes, ...]


def invoke_and_print(
    output: Output,
    actor: str,
    method: str,
    arguments: tuple[str, ...],
    *,
    door: Door,
    timeout_seconds: float,
) -> int:
    """Call a method, print its result or its error, and return the exit code.

    Raises:
        CommandError: A name or an argument cannot travel, or (without ``--json``) the call failed.
    """
    call_id = uuid.uuid4()
    try:
        call = _Call(
            call_id,
            actor_id(actor),
            method_name(method),
            tuple(json_argument(text, position) for position, text in enumerate(arguments, start=1)),
        )
        address = find_endpoint(checkout_root(), door.endpoint)
        document = asyncio.run(_answer((address, door.token), call, timeout_seconds))
        value = _result(document)
    except CommandError as error:
        if not output.as_json:
            raise
        output.document({"callID": _text(call_id), "error": _describe(error)})
        return FAILED
    _print(output, call_id, value, is_void=not document)
    return OK


async def _answer(door: tuple[str, str | None], call: _Call, timeout_seconds: float) -> bytes:
    """The result's JSON document; after a drop the same callID is sent again, so the call takes effect once."""
    address, token = door
    async with connected(address, token=token) as client:
        return await client.call(call.actor, call.method, call.arguments, timeout=timeout_seconds, call_id=call.call_id)


def _result(document: bytes) -> object:
    try:
        return json.loads(document) if document else None
    except ValueError as error:
        raise RemoteError(f"The result is not JSON: {document!r}") from error


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
    # As it travels: Swift writes a UUID in capitals.
    return str(call_id).upper()
