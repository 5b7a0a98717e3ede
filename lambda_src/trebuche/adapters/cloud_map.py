"""Which function runs which actors, from AWS Cloud Map.

The deployment registers; nothing does at run time, because a function that is not called has nothing to send heartbeats
with. DiscoverInstances has no pages: one answer holds up to 1,000 instances, which is all that a service can have.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from trebuche.adapters.failures import translated
from trebuche.contract import ACTOR_ID, DISCOVERY_ENDPOINT, DISCOVERY_SERVICE
from trebuche.errors import ActorNotRegisteredError, ServiceError
from trebuche.ports import Clock

if TYPE_CHECKING:
    from types_boto3_servicediscovery import ServiceDiscoveryClient

TTL_MS: Final = 60_000
PAUSE_MS: Final = 5_000
"""Between two questions, when a name is missing, its function is gone, or the last answer did not come."""
MOST_INSTANCES: Final = 1_000


class CloudMapRegistry:
    """The instances of one service in an HTTP namespace, read when needed and remembered for a minute.

    Args:
        client: Gives the Cloud Map client.
        namespace: Name of the namespace.
        clock: Says how old the last answer is.
    """

    def __init__(self, client: "Callable[[], ServiceDiscoveryClient]", namespace: str, clock: Clock) -> None:
        self._client = client
        self._namespace = namespace
        self._clock = clock
        self._functions: dict[str, str] = {}
        self._asked_ms = -PAUSE_MS
        self._due_ms = 0

    def resolve(self, name: str) -> str:
        """ARN of the function that runs the actors exposed under a name.

        While Cloud Map does not answer, what it said last holds.

        Raises:
            ActorNotRegisteredError: There is no such entry, or one without an address.
            ServiceError: Cloud Map could not be asked, or has no entries at all.
        """
        now_ms = self._clock.now_ms()
        # Whoever makes names up must not use up the account's DiscoverInstances calls (1,000 a second).
        missing = name not in self._functions and now_ms >= self._asked_ms + PAUSE_MS
        if missing or now_ms >= self._due_ms:
            self._ask(name, now_ms)
        function = self._functions.get(name)
        if not function:
            raise ActorNotRegisteredError(self._problem(name))
        return function

    def forget(self, name: str) -> None:
        """Ask again at the next ``resolve``, because a function is gone; not within seconds of the last answer."""
        if name in self._functions:
            self._due_ms = min(self._due_ms, self._asked_ms + PAUSE_MS)

    def _ask(self, name: str, now_ms: int) -> None:
        self._asked_ms = now_ms
        try:
            self._functions = self._discover()
            self._due_ms = now_ms + TTL_MS
        except ServiceError:
            if name not in self._functions:
                raise
            self._due_ms = now_ms + PAUSE_MS

    def _discover(self) -> dict[str, str]:
        place = f"namespace {self._namespace}, service {DISCOVERY_SERVICE}"
        with translated(place):
            answer = self._client().discover_instances(
                NamespaceName=self._namespace,
                ServiceName=DISCOVERY_SERVICE,
                # An answer ends after 100 where nothing is said (Cloud Map API, DiscoverInstances).
                MaxResults=MOST_INSTANCES,
                HealthStatus="ALL",
            )
        found = (instance.get("Attributes", {}) for instance in answer["Instances"])
        functions = {entry[ACTOR_ID]: entry.get(DISCOVERY_ENDPOINT, "") for entry in found if ACTOR_ID in entry}
        # Raised, so that `_ask` keeps what it knows: no deployment leaves the service empty.
        if not functions:
            raise ServiceError(f"{place}: no actors are registered; deploy again")
        return functions

    def _problem(self, name: str) -> str:
        if name in self._functions:
            return f"'{name}' is registered in namespace '{self._namespace}' without {DISCOVERY_ENDPOINT}; deploy again"
        known = ", ".join(sorted(self._functions))
        return f"'{name[:64]}' is not registered in namespace '{self._namespace}'; there are: {known}"
