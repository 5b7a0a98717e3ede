"""Whether a frame's sender may still be here, and may do what the frame asks for."""

from dataclasses import dataclass, field

from trebuche.auth.principals import Principal
from trebuche.auth.rules import Rules
from trebuche.errors import ExpiredError, ProtocolError
from trebuche.socket_events import Caller
from trebuche.targets import base_name, is_stream_target


@dataclass(frozen=True, slots=True)
class Access:
    """What a deployment asks of callers; by default nothing.

    Attributes:
        required: Whether only those are served whom an authorizer let in. Connections can be older than the authorizer.
        rules: What these may do.
    """

    required: bool = False
    rules: Rules = field(default_factory=Rules)

    def check_presence(self, caller: Caller, now: int) -> None:
        """Refuse whoever has no right to be here (any more).

        Args:
            caller: As the authorizer described them.
            now: Seconds since 1970.

        Raises:
            ExpiredError: The right has ended, or there never was one.
        """
        if has_ended(caller.until, now) or (self.required and caller.principal is None):
            raise ExpiredError

    def check_action(self, caller: Caller, actor_id: str, target: str, names: tuple[str, ...] = ()) -> None:
        """Refuse what the caller may not do.

        Args:
            caller: Who asks.
            actor_id: Of the actor, in the form that keys tables.
            target: Target identifier of a call, of an observation or of a resume.
            names: All names of the method that it leads to, its own first; empty when it leads to none.

        Raises:
            ForbiddenError: The rules do not allow it.
        """
        if caller.principal is not None:
            principal = Principal(caller.principal, caller.until, caller.claims)
            self.rules.check(principal, actor_id, _method(target), names)


def has_ended(until: int, now: int) -> bool:
    """Whether a right that lasts ``until`` (seconds since 1970; 0: for good) is over."""
    return 0 < until <= now


def _method(target: str) -> str:
    """The name that rules know: a mangled target's method; a target that is none will be refused for that."""
    if is_stream_target(target):
        return target
    try:
        return base_name(target)
    except ProtocolError:
        return target
