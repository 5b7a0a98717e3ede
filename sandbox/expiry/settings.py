"""Which tables expire their items, and when that may be changed (DynamoDB API reference, UpdateTimeToLive)."""

from dataclasses import dataclass
from typing import Final

from sandbox.aws import AwsRefusedError, Json
from sandbox.clock import Clock
from sandbox.streams import TableId

CHANGE_SECONDS: Final = 3600.0
"""A change takes up to an hour on AWS, and until then there is no other one."""
DELAY_SECONDS: Final = 10.0
"""How long an expired item can still be read: on AWS for days, so whoever reads must look at the time himself."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What a table was set to last; ``attribute`` is None while nothing expires."""

    attribute: str | None
    changed: float


class TimeToLive:
    """The settings of all tables. The emulator has none: its own reaper writes no records and knows no clock.

    Args:
        clock: Says when the next change is possible.
        delay_seconds: How long after its time an item is deleted.
    """

    def __init__(self, clock: Clock, delay_seconds: float = DELAY_SECONDS) -> None:
        self.delay_seconds = delay_seconds
        self._clock = clock
        self._settings: dict[TableId, Setting] = {}

    def describe(self, table: TableId) -> Json:
        """DescribeTimeToLive's answer; a change shows at once."""
        setting = self._settings.get(table)
        if setting is None or setting.attribute is None:
            return {"TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED"}}
        return {"TimeToLiveDescription": {"TimeToLiveStatus": "ENABLED", "AttributeName": setting.attribute}}

    def change(self, table: TableId, attribute: str, *, enabled: bool) -> None:
        """Switch a table's time to live on or off.

        Raises:
            AwsRefusedError: Nothing would change, another attribute is in force, or the last change is too recent.
        """
        setting = self._settings.get(table)
        current = setting.attribute if setting else None
        if enabled == (current is not None) and current in (None, attribute):
            raise _invalid(f"TimeToLive is already {'enabled' if enabled else 'disabled'}")
        if current not in (None, attribute):
            raise _invalid(f"TimeToLive is active on a different AttributeName: current AttributeName is {current}")
        if setting and self._clock.now() - setting.changed < CHANGE_SECONDS:
            raise _invalid("Time to live has been modified multiple times within a fixed interval")
        self._settings[table] = Setting(attribute if enabled else None, self._clock.now())

    def forget(self, table: TableId) -> None:
        """The table was deleted; a new one of that name has no settings."""
        self._settings.pop(table, None)

    def expiring(self) -> list[tuple[TableId, str]]:
        """Tables whose items expire, with the attribute that says when."""
        return [(table, setting.attribute) for table, setting in self._settings.items() if setting.attribute]


def _invalid(text: str) -> AwsRefusedError:
    return AwsRefusedError(400, "ValidationException", text)
