"""What stands between a frame and what it asks for: presence, and how much one may ask for."""

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, Self
from uuid import UUID

from trebuche.auth.access import Access
from trebuche.auth.limits import Limits
from trebuche.effects import CountFrame, LoadConnection, Now, Routine, perform
from trebuche.errors import LimitedError, ServiceError
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
        return cls(ports.access, ports.limits, ports.limits.count_frames)

    def admit(self, caller: Caller) -> Routine[None]:
        """Receive a frame.

        Raises:
            ExpiredError: Its sender may not be here (any more).
            LimitedError: It is one too many.
            ServiceError: Nobody can tell whether it is.
        """
        now_ms = (yield from perform(Now())) if self.counts or caller.until else 0
        self.access.check_presence(caller, now_ms // 1000)
        if self.counts and not caller.counted:
            yield from perform(CountFrame(caller.connection_id, caller.principal, now_ms))

    def charge(self, caller: Caller) -> Routine[None]:
        """Count a frame whose answer does not depend on it: a broken one, or one that only ends a stream."""
        if self.counts and not caller.counted:
            now_ms = yield from perform(Now())
            with suppress(LimitedError, ServiceError):
                yield from perform(CountFrame(caller.connection_id, caller.principal, now_ms))

    def check_streams(self, caller: Caller, stream_id: UUID) -> Routine[None]:
        """Refuse another stream on a connection that has its fill, before anything is done for it.

        Of those that come at once some may pass here; they are refused when they are noted on the connection.

        Raises:
            StreamLimitError: It would be one too many; one that is there already may come again.
        """
        if self.limits.streams:
            connection = yield from perform(LoadConnection(caller.connection_id))
            others = set(connection.streams) - {stream_id} if connection else set()
            self.limits.check_streams(len(others))


EVERYBODY: Final = Admission()
