"""What Lambda's control plane says about functions, as far as an invocation depends on it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import quote

from sandbox.aws import AwsClient, AwsRefusedError, Json
from sandbox.functions.limits import ASYNC_ATTEMPTS_AGAIN, EVENT_AGE_SECONDS
from sandbox.functions.reference import FunctionReference


@dataclass(frozen=True, slots=True)
class Alias:
    """Where an alias points to; ``weights`` are the shares of further versions."""

    version: str
    weights: Mapping[str, float] = field(default_factory=dict)

    def draw(self, chance: float) -> str | None:
        """The further version that ``chance``, from 0 to below 1, falls on; None: the alias's own."""
        for version, weight in self.weights.items():
            chance -= weight
            if chance < 0:
                return version
        return None


@dataclass(frozen=True, slots=True)
class Machine:
    """What a function runs on, which decides what its run time costs; Lambda's own defaults."""

    memory_mb: int = 128
    architecture: str = "x86_64"


@dataclass(frozen=True, slots=True)
class EventSettings:
    """How asynchronous invocations of a function end; destinations and the dead-letter target are ARNs."""

    retries: int = ASYNC_ATTEMPTS_AGAIN
    age_seconds: float = EVENT_AGE_SECONDS
    on_success: str | None = None
    on_failure: str | None = None
    dead_letters: str | None = None


class FunctionFacts:
    """Reads the control plane, and remembers until somebody changes a function.

    Args:
        aws: Reaches the emulator's Lambda API.
    """

    def __init__(self, aws: AwsClient) -> None:
        self._aws = aws
        self._known: dict[tuple[str, str, str], Json] = {}

    def forget(self) -> None:
        """Read everything anew: a function, an alias or a setting may have changed."""
        self._known = {}

    async def reserved(self, function: FunctionReference) -> int | None:
        """How many may run at once; None: as many as the account allows."""
        found = await self._read(function, "/2019-09-30", "/concurrency")
        return found.get("ReservedConcurrentExecutions")

    async def reserved_in(self, place: FunctionReference, *, without: str | None = None) -> int:
        """How many concurrent executions the functions of an account and Region have reserved together.

        Args:
            place: Any function of the account and Region.
            without: Name of a function that does not count.
        """
        names: list[str] = []
        rest = "/"
        while True:
            page = await self._read(place, "/2015-03-31", rest, of_all=True)
            names += [found["FunctionName"] for found in page.get("Functions") or []]
            if not page.get("NextMarker"):
                break
            rest = f"/?Marker={quote(page['NextMarker'], safe='')}"
        functions = [replace(place, name=name, qualifier=None) for name in names if name != without]
        return sum([await self.reserved(function) or 0 for function in functions])

    async def alias(self, function: FunctionReference) -> Alias | None:
        """The alias that the reference names; None when it names none."""
        if function.alias is None:
            return None
        found = await self._read(function, "/2015-03-31", f"/aliases/{function.alias}")
        weights = (found.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
        return Alias(found["FunctionVersion"], weights) if found else None

    async def version(self, function: FunctionReference) -> str | None:
        """What the reference stands for now, ``$LATEST`` or a number; None: there is no such function."""
        found = await self._read(function, "/2015-03-31", f"/configuration{_query(function)}")
        return found.get("Version")

    async def machine(self, function: FunctionReference) -> Machine:
        """What the version that the reference stands for runs on."""
        found = await self._read(function, "/2015-03-31", f"/configuration{_query(function)}")
        default = Machine()
        [architecture] = found.get("Architectures") or [default.architecture]
        return Machine(found.get("MemorySize", default.memory_mb), architecture)

    async def role(self, function: FunctionReference) -> str | None:
        """ARN of its execution role; None: there is no such function."""
        found = await self._read(function, "/2015-03-31", f"/configuration{_query(function)}")
        return found.get("Role")

    async def role_and_dead_letters(self, function: FunctionReference) -> tuple[str | None, str | None]:
        """What the versions of an alias must share: role and dead-letter target."""
        found = await self._read(function, "/2015-03-31", f"/configuration{_query(function)}")
        return found.get("Role"), (found.get("DeadLetterConfig") or {}).get("TargetArn")

    async def log_group(self, function: FunctionReference) -> str:
        """Where its logs go."""
        found = await self._read(function, "/2015-03-31", f"/configuration{_query(function)}")
        return str((found.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{function.name}")

    async def events(self, function: FunctionReference) -> EventSettings:
        """What its event invoke configuration says, and its dead-letter target."""
        settings = await self._read(function, "/2019-09-25", f"/event-invoke-config{_query(function)}")
        configuration = await self._read(function, "/2015-03-31", f"/configuration{_query(function)}")
        destinations = settings.get("DestinationConfig") or {}
        return EventSettings(
            retries=settings.get("MaximumRetryAttempts", ASYNC_ATTEMPTS_AGAIN),
            age_seconds=settings.get("MaximumEventAgeInSeconds", EVENT_AGE_SECONDS),
            on_success=(destinations.get("OnSuccess") or {}).get("Destination"),
            on_failure=(destinations.get("OnFailure") or {}).get("Destination"),
            dead_letters=(configuration.get("DeadLetterConfig") or {}).get("TargetArn"),
        )

    async def _read(self, function: FunctionReference, api: str, rest: str, *, of_all: bool = False) -> Json:
        path = f"{api}/functions{rest}" if of_all else f"{api}/functions/{function.name}{rest}"
        key = (function.account, function.region, path)
        # What is read while somebody forgets goes into the old dictionary, and with it.
        known = self._known
        if key not in known:
            known[key] = await self._ask(function, path)
        return known[key]

    async def _ask(self, function: FunctionReference, path: str) -> Json:
        try:
            return await self._aws.get_json(path, service="lambda", region=function.region, account=function.account)
        except AwsRefusedError:
            # There is no such setting: Lambda's defaults hold.
            return {}


def _query(function: FunctionReference) -> str:
    return f"?Qualifier={quote(function.qualifier)}" if function.qualifier else ""
