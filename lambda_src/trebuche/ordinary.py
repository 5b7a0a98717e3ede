"""The two frames that traffic mostly consists of, a call and its result, without the tables that know every member.

Whatever is unusual about a frame is left to the tables of ``envelopes``, so that what is wrong has one text.
"""

from typing import Any, Final

from trebuche.documents import Json
from trebuche.envelope_types import InvocationEnvelope, ResponseEnvelope, TrebuchetActorID
from trebuche.errors import MalformedError
from trebuche.scalars import read_data, read_text, read_uint32, read_uuid, write_data, write_uuid

_MEMBERS: Final = frozenset(
    {"callID", "actorID", "targetIdentifier", "protocolVersion", "genericSubstitutions", "arguments"}
)


def read_call(document: Json) -> InvocationEnvelope | None:
    """The call in a frame; None for another envelope, a call with further members, and one that is wrong."""
    try:
        return _read_call(document)
    except (KeyError, TypeError, MalformedError):
        return None


def _read_call(document: Any) -> InvocationEnvelope | None:
    payload = document["payload"]
    if document["type"] != "invocation" or payload["genericSubstitutions"] != [] or not _MEMBERS.issuperset(payload):
        return None
    actor, arguments = payload["actorID"], payload["arguments"]
    if len(actor) != 1 or type(arguments) is not list:
        return None
    return InvocationEnvelope(
        read_uuid(payload["callID"]),
        TrebuchetActorID(read_text(actor["id"])),
        read_text(payload["targetIdentifier"]),
        read_uint32(payload["protocolVersion"]),
        arguments=tuple([read_data(argument) for argument in arguments]),
    )


def write_result(response: ResponseEnvelope) -> str | None:
    """The frame of a response that says nothing but a result; None for any other. All of it is ASCII."""
    if response.result is None or (response.error_message, response.code, response.retryable) != (None, None, None):
        return None
    head = f'{{"type":"response","payload":{{"callID":"{write_uuid(response.call_id)}","result":"'
    return f'{head}{write_data(response.result)}"}}}}'
