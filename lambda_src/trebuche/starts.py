"""What a ``streamStart`` says of a stream."""

from trebuche.conflation import LATEST, window_ms
from trebuche.envelope_types import StreamStartEnvelope, TrebuchetActorID
from trebuche.scalars import UINT64_MAX
from trebuche.stored import Subscription


def told_delivery(row: Subscription) -> str | None:
    """What it says about delivery: nothing where every value is delivered."""
    return LATEST if window_ms(row) else None


def goes_on(
    row: Subscription, version: int, *, recovered: bool, actor_id: TrebuchetActorID | None = None
) -> StreamStartEnvelope:
    """The answer to a resume.

    Args:
        row: As it was opened.
        version: The one that its reader will have then.
        recovered: Whether it gets all that it has missed.
        actor_id: As the client has written it; of the row when that is not known any more.
    """
    return StreamStartEnvelope(
        row.stream_id,
        row.opener,
        actor_id or TrebuchetActorID(row.actor_id),
        row.target,
        row.filter,
        recovered=recovered,
        # More may have come since the base was chosen, and numbers have an end.
        up_to=min(version - row.base, UINT64_MAX),
        delivery=told_delivery(row),
    )
