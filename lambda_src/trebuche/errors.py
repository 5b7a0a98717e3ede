"""The error tree.

    TrebucheError
    ├── ConfigError                the user's to fix; the command line prints it without a stack
    ├── MalformedError             a document or value without its declared shape; names the place in it
    │   └── TooDeepError           a document nested deeper than the wire allows
    ├── NoBaseValueError           a difference came before any whole value
    ├── ProtocolError              the peer's fault: malformed, unsupported, too large
    ├── ActorError                 the call's fault: no such actor or method, wrong arguments
    │   ├── ActorNotFoundError     nothing is exposed under that name
    │   ├── ActorFailure           raised on purpose by a user's actor; its text reaches the caller
    │   ├── CallIdReusedError      a callID that took effect comes with another call
    │   ├── ResultTooLargeError    what a method returned does not fit a frame
    │   └── TooManyStreamsError    the list of a connection's streams does not fit its item
    ├── StateError                 stored state that cannot be used
    │   ├── NewerStateError        newer code wrote it; ours would spoil it (retryable: a deployment is under way)
    │   ├── StateTooLargeError     the next state does not fit the item or the frame
    │   └── VersionConflictError   somebody else's write came first (retryable)
    ├── DeliveryError              a frame that did not reach its connection
    │   ├── ConnectionGoneError    the connection is closed or not yet open (HTTP 410)
    │   ├── ThrottledError         too many requests, or the connection's buffer is full (retryable)
    │   │   └── HeldUpError        in the middle of a catch-up; says how far it came
    │   └── UnsureError            the service failed or did not answer; the frame may have arrived (retryable)
    ├── AccessError                who asks may not: typed refusals of a known or unknown caller
    │   ├── CredentialsError       a handshake without a right to come in; the reason is for the log
    │   ├── ForbiddenError         no rule lets this principal do that
    │   ├── ExpiredError           the right to be here has ended; a new connection may bring another (retryable)
    │   ├── RevokedError           the right to be here was taken back
    │   ├── LimitedError           too many frames at once (retryable)
    │   └── TooMuchError           a frame that asks for more than one may
    │       └── StreamLimitError   a stream more than a connection may have
    ├── ActorNotRegisteredError    the registry knows no function for an exposed name; names both
    └── ServiceError               a service that we stand on failed (retryable)
        ├── FunctionGoneError      a function that is not there, so it was not called
        └── StaleEntryError        the registry names a function that is gone

``code`` is stable and travels on the wire; ``public`` says whether the text may reach a client.
"""

from trebuche.contract import ITEM_LIMIT_BYTES


class TrebucheError(Exception):
    """Root of every error that this project raises on purpose."""

    code = "internal"
    public = False
    retryable = False


class ConfigError(TrebucheError):
    """A configuration that cannot be deployed; names the file, the key and what is allowed."""

    code = "config"
    public = True


class MalformedError(TrebucheError):
    """A JSON document, or a value in one, that does not have the shape it must have.

    Args:
        problem: What is expected and what is there instead.
        path: Where, from the outside in: object keys as text, array positions as numbers.
    """

    code = "malformed"
    public = True

    def __init__(self, problem: str, *path: str | int) -> None:
        super().__init__(problem, *path)
        self.problem = problem
        self.path = path

    def inside(self, step: str | int) -> "MalformedError":
        """The same error seen from one level further out."""
        return MalformedError(self.problem, step, *self.path)

    def __str__(self) -> str:
        where = "".join(map(_step, self.path)).removeprefix(".")
        return f"{where}: {self.problem}" if where else self.problem


class TooDeepError(MalformedError):
    """A JSON document with more levels of arrays and objects than Foundation reads."""


def _step(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    if step.isidentifier() and len(step) <= 64:
        return f".{step}"
    return f"[{step[:64]!a}]"


class NoBaseValueError(TrebucheError):
    """A ``StateDelta`` with a difference, where there is no value that it could be applied to."""

    code = "no-base-value"
    public = True


class ProtocolError(TrebucheError):
    """A frame that breaks the wire format.

    Args:
        message: What is wrong, and where in the document.
        call_id: The invocation's callID (canonical upper-case text) where the broken frame still shows one,
            so that its sender can be answered; else None.
    """

    code = "protocol"
    public = True

    def __init__(self, message: str, *, call_id: str | None = None) -> None:
        super().__init__(message)
        self.call_id = call_id


class ActorError(TrebucheError):
    """A call that cannot be carried out: unknown actor or method, or arguments that do not fit."""

    code = "actor"
    public = True


class ActorNotFoundError(ActorError):
    """Nothing is exposed under the name that an actor id starts with."""

    code = "actor-not-found"

    def __init__(self, actor_id: str) -> None:
        super().__init__(f"Actor '{actor_id}' not found")


class ActorFailure(ActorError):  # noqa: N818  (authors raise it: it refuses, nothing broke)
    """Raised by a user's actor to refuse a call; the text reaches the caller and nothing is written."""

    code = "refused"


class CallIdReusedError(ActorError):
    """A callID that took effect already came with another method or other arguments."""

    code = "call-id-reused"


class ResultTooLargeError(ActorError):
    """What a method returned does not fit a frame; nothing was written."""

    code = "result-too-large"


class TooManyStreamsError(ActorError):
    """A connection has as many streams as its item can name; nothing was written."""

    code = "too-many-streams"

    def __init__(self) -> None:
        super().__init__(
            f"this connection has too many streams: their list is over the limit of {ITEM_LIMIT_BYTES} bytes; "
            "end some, or open another connection"
        )


class StateError(TrebucheError):
    """Stored state that cannot be read, or a next state that cannot be stored."""

    code = "state"
    public = True


class NewerStateError(StateError):
    """The state was stored under a schema that this code does not know yet; it was left as it is."""

    code = "state-newer"
    retryable = True


class StateTooLargeError(StateError):
    """The next state is over the item or the frame limit; nothing was written."""

    code = "state-too-large"


class VersionConflictError(StateError):
    """Another turn of the same actor committed first; nothing was written."""

    code = "conflict"
    retryable = True


class DeliveryError(TrebucheError):
    """A frame could not be posted to its connection."""

    code = "delivery"
    retryable = True


class ConnectionGoneError(DeliveryError):
    """The connection is closed, or its ``$connect`` has not returned yet (HTTP 410)."""

    code = "gone"
    retryable = False


class ThrottledError(DeliveryError):
    """The account's callback rate or this connection's buffer is exhausted (HTTP 429).

    Args:
        message: What was said.
        widespread: Whether so many posts are refused that it is the account's rate, which concerns everybody.
    """

    code = "throttled"

    def __init__(self, message: str, *, widespread: bool = False) -> None:
        super().__init__(message)
        self.widespread = widespread


class HeldUpError(ThrottledError):
    """A subscriber takes no more frames for now.

    Args:
        sent: Version up to which it got everything.
    """

    def __init__(self, sent: int) -> None:
        super().__init__(f"held up after version {sent}")
        self.sent = sent


class UnsureError(DeliveryError):
    """The service failed or gave no answer in time (HTTP 5xx, a broken connection); the frame may have arrived.

    Args:
        message: What happened.
        timed_out: Whether time ran out over it, as it may again.
    """

    code = "unsure"

    def __init__(self, message: str, *, timed_out: bool = False) -> None:
        super().__init__(message)
        self.timed_out = timed_out


class ServiceError(TrebucheError):
    """A service that we stand on failed; whether it did what was asked is not known, so asking again is right."""

    code = "unavailable"
    retryable = True


class AccessError(TrebucheError):
    """Who asks may not do so."""

    code = "access"
    public = True


class CredentialsError(AccessError):
    """Credentials that let nobody in.

    Args:
        reason: A stable word for the log; whoever tries credentials is told nothing but "no".
        detail: What was wrong with them, never the credentials themselves.
    """

    code = "unauthorized"

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason


class ForbiddenError(AccessError):
    """No rule lets this principal do that to this actor; whether there is such an actor is not told.

    Args:
        method: The method's name, or the stream target.
        actor_id: The actor's id.
    """

    code = "forbidden"

    def __init__(self, method: str, actor_id: str) -> None:
        super().__init__(f"You may not call '{method[:64]}' on '{actor_id}'")


class ExpiredError(AccessError):
    """The right to use this connection has ended by itself."""

    code = "expired"
    retryable = True

    def __init__(self) -> None:
        super().__init__("The right to use this connection has ended; connect again with fresh credentials")


class RevokedError(AccessError):
    """The right to use this connection was taken back; another connection would be refused."""

    code = "revoked"

    def __init__(self) -> None:
        super().__init__("The right to use this connection was taken back")


class LimitedError(AccessError):
    """More frames than a connection or a principal may send; nothing was done.

    Args:
        seconds: When there is room for the next one.
    """

    code = "limited"
    retryable = True

    def __init__(self, seconds: float) -> None:
        super().__init__(f"Too many requests; try again in {seconds:.1f} s")
        self.seconds = seconds


class TooMuchError(AccessError):
    """A frame with more in it than one may send, or a stream more than one may have; nothing was done."""

    code = "too-much"


class StreamLimitError(TooMuchError):
    """A connection that has as many streams as it may have."""

    def __init__(self, most: int) -> None:
        super().__init__(f"this connection has as many streams as it may have ({most}); end one first")


class FunctionGoneError(ServiceError):
    """There is no such function or alias; nothing was called."""

    code = "function-gone"


class ActorNotRegisteredError(TrebucheError):
    """The registry has no entry for an exposed name, or one without an address; for operators, not for clients."""

    code = "actor-not-registered"


class StaleEntryError(ServiceError):
    """The registry names a function that is gone, also when asked again: a deployment is under way, or failed.

    Args:
        name: The exposed name.
        function: The ARN that the registry has for it.
    """

    code = "stale-entry"

    def __init__(self, name: str, function: str) -> None:
        super().__init__(f"'{name}' is registered as {function}, which does not exist; deploy again")
