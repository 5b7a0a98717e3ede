"""Refusing to open a stream."""

from trebuche import logs
from trebuche.answers import start_frame
from trebuche.delivery import deliver
from trebuche.effects import Log, Routine, perform
from trebuche.envelopes import InvocationEnvelope, StreamErrorEnvelope, StreamStartEnvelope
from trebuche.errors import ConfigError, DeliveryError
from trebuche.socket_events import Caller


def announce(invocation: InvocationEnvelope, caller: Caller, failed: StreamErrorEnvelope) -> Routine[None]:
    """Begin a stream that ends at once: a client can match ``streamError`` to its call only after a ``streamStart``."""
    start = StreamStartEnvelope(
        failed.stream_id,
        invocation.call_id,
        invocation.actor_id,
        invocation.target_identifier,
        invocation.stream_filter,
    )
    try:
        yield from deliver(caller.connection_id, caller.connected_at, start_frame(start))
    except (ConfigError, DeliveryError) as failure:
        fields = {"streamId": failed.stream_id, "connectionId": caller.connection_id, "code": failure.code}
        yield from perform(Log(logs.WARNING, "undelivered", fields, failure))
