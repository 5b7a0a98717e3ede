"""What the sandbox measures, and who watches it: metrics of the services, metrics in logs, alarms on the clock."""

import asyncio
import contextlib
import time
from collections.abc import Coroutine
from typing import Any, Final, Literal

import aiohttp

from sandbox.aws import AwsClient, AwsRefusedError, Json
from sandbox.clock import Clock, Timer
from sandbox.functions import Events, Finished, Functions
from sandbox.functions.answers import LOG_TAIL_BYTES
from sandbox.functions.destinations import Destinations
from sandbox.functions.reference import FunctionReference
from sandbox.meter import Meter
from sandbox.meter.invocations import meter_invocation, meter_log
from sandbox.telemetry.alarm import Alarm
from sandbox.telemetry.alarms import Alarms
from sandbox.telemetry.data_rules import is_timely
from sandbox.telemetry.emf import Embedded, read_embedded, read_event
from sandbox.telemetry.gateway_metrics import GatewayMetrics
from sandbox.telemetry.history import Entry, History, Kind
from sandbox.telemetry.lambda_metrics import record_invocation, record_loss
from sandbox.telemetry.mapping_metrics import MappingMetrics
from sandbox.telemetry.notices import Change
from sandbox.telemetry.queue_metrics import QueueMetrics
from sandbox.telemetry.series import MINUTE, Metric
from sandbox.telemetry.store import MetricStore
from sandbox.telemetry.table_metrics import TableMetrics

SLACK_SECONDS: Final = 1.0
"""Times in logs may be cut to whole seconds."""
PRESENT_SECONDS: Final = 60.0
"""So far from real time a time is one that was taken from a clock just now."""


class Telemetry:
    """Metrics and alarms of the whole sandbox.

    Args:
        aws: Reads queues, tells topics, and keeps the emulator's picture of alarms true.
        clock: Alarms are evaluated at each of its minutes.
        functions: Whose invocations are measured.
        events: Whose losses are counted.
        meter: Counts what invocations are billed.
    """

    def __init__(self, aws: AwsClient, clock: Clock, functions: Functions, events: Events, meter: Meter) -> None:
        self.store = MetricStore()
        self.alarms = Alarms(self.store)
        self.history = History()
        self.gateway = GatewayMetrics(self.store, clock)
        self.tables = TableMetrics(self.store, clock)
        self.mappings = MappingMetrics(self.store, clock)
        self.queues = QueueMetrics(self.store, aws)
        self._aws = aws
        self._clock = clock
        self._meter = meter
        self._destinations = Destinations(aws)
        self._logs = functions.logs
        self._timer: Timer | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        functions.watch(self._on_invocation)
        events.watch(self._on_loss)

    async def stop(self) -> None:
        """Evaluate no more."""
        if self._timer is not None:
            self._clock.cancel(self._timer)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def watch(self, account: str, region: str, document: Json) -> None:
        """Put an alarm, and evaluate it at once and from now on."""
        known = self.alarms.find(account, region, document["AlarmName"]) is not None
        alarm = self.alarms.put(account, region, document, self._clock.now())
        self._note_configuration(alarm, "Update" if known else "Create")
        await self._show(alarm)
        await self._look_at(alarm, self._clock.now())
        if self._timer is None:
            self._arm()

    def forget(self, account: str, region: str, name: str) -> None:
        """Delete an alarm; its history stays."""
        alarm = self.alarms.delete(account, region, name)
        if alarm is not None:
            self._note_configuration(alarm, "Delete")

    async def set_state(self, alarm: Alarm, state: Any, reason: str) -> None:
        """Give an alarm a state by hand, with all that follows from it."""
        change = self.alarms.change(alarm, state, reason, self._clock.now())
        if change is not None:
            await self._follow(change)

    async def switch_actions(self, alarm: Alarm, *, on: bool) -> None:
        """Let an alarm act, or not; the emulator's picture of it never does."""
        alarm.enabled = on
        await self._tell_emulator(alarm, "DisableAlarmActions", {"AlarmNames": [alarm.name]})

    def _arm(self) -> None:
        due = (self._clock.now() // MINUTE + 1) * MINUTE
        self._timer = self._clock.call_at(due, lambda: self._on_minute(due))

    def _on_minute(self, due: float) -> None:
        self._arm()
        for alarm in self.alarms:  # each on its own: one that fails keeps no other from being looked at
            self._start(self._look_at(alarm, due))

    async def _look_at(self, alarm: Alarm, now: float) -> None:
        for metric in alarm.metrics:
            # Into the minute that is just over: this is the last one that the alarm looks at.
            await self.queues.measure(metric, now - 1)
        change = self.alarms.evaluate(alarm, now)
        if change is not None:
            await self._follow(change)

    async def _follow(self, change: Change) -> None:
        alarm = change.alarm
        self._note(alarm, "StateUpdate", change.summary, change.states)
        await self._show(alarm)
        for topic in alarm.topics:
            try:
                await self._destinations.publish(topic, change.message, subject=change.subject)
            except (AwsRefusedError, aiohttp.ClientError, TimeoutError) as error:
                # As on AWS, an action that fails does not hold the alarm up.
                failed: Json = {"actionState": "Failed", "notificationResource": topic, "error": str(error)}
                self._note(alarm, "Action", f"Failed to execute action {topic}", failed)
            else:
                done: Json = {"actionState": "Succeeded", "notificationResource": topic}
                self._note(alarm, "Action", f"Successfully executed action {topic}", done)

    def _note_configuration(self, alarm: Alarm, what: Literal["Create", "Update", "Delete"]) -> None:
        done = what.lower().rstrip("e") + "ed"
        details: Json = {"type": what, f"{done}Alarm": {"alarmName": alarm.name, "alarmArn": alarm.arn}}
        self._note(alarm, "ConfigurationUpdate", f'Alarm "{alarm.name}" {done}', details)

    def _note(self, alarm: Alarm, kind: Kind, summary: str, data: Json) -> None:
        self.history.add(Entry(alarm.account, alarm.region, alarm.name, self._clock.now(), kind, summary, data))

    async def _show(self, alarm: Alarm) -> None:
        """Let the emulator know the state: it answers filters, histories and composite alarms by it."""
        state: Json = {"AlarmName": alarm.name, "StateValue": alarm.state, "StateReason": alarm.reason}
        await self._tell_emulator(alarm, "SetAlarmState", state)

    async def _tell_emulator(self, alarm: Alarm, operation: str, request: Json) -> None:
        target = f"GraniteServiceVersion20100801.{operation}"
        with contextlib.suppress(AwsRefusedError, aiohttp.ClientError, TimeoutError):  # it may be deleted meanwhile
            await self._aws.call(target, request, service="monitoring", region=alarm.region, account=alarm.account)

    def _on_invocation(self, finished: Finished) -> None:
        record_invocation(self.store, finished)
        meter_invocation(self._meter, finished)
        if not finished.logged:
            return
        if len(finished.invocation.log.encode()) < LOG_TAIL_BYTES:
            self._read_log(finished, finished.invocation.log)
        else:  # there is more in the log than the answer holds
            self._start(self._fetch_log(finished))

    async def _fetch_log(self, finished: Finished) -> None:
        self._read_log(finished, await self._logs.whole(finished.function, finished.invocation.log))

    def _read_log(self, finished: Finished, log: str) -> None:
        function = finished.function
        meter_log(self._meter, finished, log)
        for one in read_embedded(log):
            self._take(function.account, function.region, one, self._on_our_clock(one.at, finished))

    def _on_our_clock(self, at: float, finished: Finished) -> float:
        """A function's own clock is not turned: a time that it took from there while it ran moves along with ours."""
        offset = self._clock.offset
        began = finished.began - offset - SLACK_SECONDS
        ended = self._clock.now() - offset + SLACK_SECONDS
        return at + offset if began <= at <= ended else at

    def read_event(self, account: str, region: str, message: str) -> None:
        """Take the metrics that somebody has put into a log himself."""
        for one in read_event(message):
            # Whoever takes the time now takes it from a clock that is not turned.
            real = abs(one.at - time.time()) <= PRESENT_SECONDS
            self._take(account, region, one, one.at + self._clock.offset if real else one.at)

    def _take(self, account: str, region: str, one: Embedded, at: float) -> None:
        if is_timely(at, self._clock.now()):
            metric = Metric(account, region, one.namespace, one.name, one.dimensions)
            self.store.put(metric, at, one.points, one.unit)

    def _on_loss(self, function: FunctionReference, loss: str) -> None:
        record_loss(self.store, function, loss, self._clock.now())

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        async def run() -> None:
            with self._clock.work():
                await work

        task = asyncio.create_task(run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
