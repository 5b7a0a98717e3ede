"""What became of alarms, as DescribeAlarmHistory tells it (CloudWatch API reference, AlarmHistoryItem)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from sandbox.aws import Json
from sandbox.telemetry.times import seconds_of

Kind = Literal["ConfigurationUpdate", "StateUpdate", "Action"]
KEPT_SECONDS: Final = 30 * 86_400.0
_VERSION: Final = "1.0"


@dataclass(frozen=True, slots=True)
class Entry:
    """One item; ``data`` is what HistoryData holds as JSON, but for its version."""

    account: str
    region: str
    alarm: str
    at: float
    kind: Kind
    summary: str
    data: Json

    @property
    def details(self) -> Json:
        """HistoryData as an object."""
        return {"version": _VERSION} | self.data


class History:
    """The items of all alarms, also of those that were deleted."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []

    def add(self, entry: Entry) -> None:
        """Note an item; what is older than 30 days is forgotten."""
        self._entries = [known for known in self._entries if known.at >= entry.at - KEPT_SECONDS]
        self._entries.append(entry)

    def find(self, account: str, region: str, request: Json) -> list[Entry]:
        """The items that a request of DescribeAlarmHistory asks for, in its order, on all its pages."""
        wanted: list[Callable[[Entry], bool]] = [lambda entry: (entry.account, entry.region) == (account, region)]
        if name := request.get("AlarmName"):
            wanted.append(lambda entry: entry.alarm == name)
        if kind := request.get("HistoryItemType"):
            wanted.append(lambda entry: entry.kind == kind)
        if (start := request.get("StartDate")) is not None:
            wanted.append(lambda entry: entry.at >= seconds_of(start))
        if (end := request.get("EndDate")) is not None:
            wanted.append(lambda entry: entry.at <= seconds_of(end))
        found = [entry for entry in self._entries if all(accepts(entry) for accepts in wanted)]
        return found if request.get("ScanBy") == "TimestampAscending" else found[::-1]
