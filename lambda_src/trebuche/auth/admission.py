"""What stands between a frame and what it asks for: presence, and how much one may ask for."""

from dataclasses import dataclass, field
from typing import Final, Self
from uuid import UUID

from trebuche.auth.access import Access
from trebuche.auth.limits import Limits
from trebuche.effects import CountFrame, LoadConnection, Now, Routine, perform
from trebuche.ports import Ports
from trebuche.socket_events import Caller


@dataclass(frozen=True, slots=True)
class Admission:
    """How a deployment receives its callers; by default everybody, and for nothing: no effect is asked for.

    Attributes:
        counts: Whether frames are counted.
    """

    access: Access = field(default_factory=Access)
    limits: Limits = field(default_factory=Limits)
    counts: bool = False

    @classmethod
    def of(cls, ports: Ports) -> Self:
        """That of a deployed function."""
        return cls(ports.access, ports.limiter.limits, ports.limiter.counts)

    def admit(self, caller: Caller) -> Routine[None]:
        """Receive a frame.

        Raises:
            ExpiredError: Its sender may not be here (any more).
            LimitedError: It is one too many.
        """
        now_ms = (yield from perform(Now())) if self.counts or caller.until else 0
        self.access.check_presence(caller, now_ms // 1000)
        if self.counts:
            yield from perform(CountFrame(caller.connection_id, caller.principal, now_ms))

    def check_streams(self, caller: Caller, stream_id: UUID) -> Routine[None]:
        """Refuse another stream on a connection that has its fill.

        Raises:
            TooMuchError: It would be one too many; one that is there already may come again.
        """
        if self.limits.streams:
            connection = yield from perform(LoadConnection(caller.connection_id))
            others = set(connection.streams) - {stream_id} if connection else set()
            self.limits.check_streams(len(others))


EVERYBODY: Final = Admission()
