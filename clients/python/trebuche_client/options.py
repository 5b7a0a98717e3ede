"""What of a client's behaviour can be chosen."""

from dataclasses import dataclass, field

from trebuche_client.backoff import Backoff


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientOptions:
    """Times in seconds; the defaults fit API Gateway's quotas (10 minutes of silence, 2 hours of life).

    Args:
        call_timeout: For an answer to a call, drops included.
        connect_timeout: For one handshake.
        backoff: Pauses between attempts to connect.
        gateway_retries: How often to ask again in a row when the gateway says that a function failed, without saying
            for which call.
        keep_alive_after: Silence after which a frame is sent that no actor sees.
        probe_after: Waiting for an answer in silence for so long, the client asks whether the socket lives.
        probe_timeout: How long the other side may take to show that it does.
        lifetime: Age at which a second socket takes over; each socket's own is up to a tenth shorter.
        handover_timeout: How long the old socket may still bring answers.
        expiry_margin: How long before a token's expiry a second socket takes over.
        unread_values: How many values of a stream may wait for their reader.
    """

    call_timeout: float = 30.0
    connect_timeout: float = 30.0
    backoff: Backoff = field(default_factory=Backoff)
    gateway_retries: int = 3
    keep_alive_after: float = 300.0
    probe_after: float = 15.0
    probe_timeout: float = 10.0
    lifetime: float = 6_900.0
    handover_timeout: float = 30.0
    expiry_margin: float = 60.0
    unread_values: int = 10_000
