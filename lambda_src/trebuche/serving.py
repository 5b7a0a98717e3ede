"""Around every invocation: nothing escapes, and one line says what happened and how long it took."""

from collections.abc import Callable

from trebuche import logs
from trebuche.contract import METRIC_BAD_FRAMES
from trebuche.effects import Measure, Routine
from trebuche.ports import Ports
from trebuche.received import BAD_FRAME, Outcome
from trebuche.runtime import PATIENCE_MS, Runtime
from trebuche.socket_events import Reply, SocketEvent, reply


def serve(ports: Ports, event: SocketEvent, routine: Routine[Outcome], *, time_left_ms: int = PATIENCE_MS) -> Reply:
    """Drive a routine to its answer; an error that it lets through is logged and answered with status 500."""
    # API Gateway stops waiting after 29 s, however long the function may run.
    runtime = Runtime(ports, event_time_ms=event.time_ms, time_left_ms=min(time_left_ms, PATIENCE_MS))
    outcome = _guarded(ports, lambda: runtime.run(routine), event)
    if outcome.reply["statusCode"] == BAD_FRAME:
        runtime.carry_out(Measure(METRIC_BAD_FRAMES, 1))
    runtime.report(outcome.event, {**outcome.fields, "statusCode": outcome.reply["statusCode"]})
    return outcome.reply


def _guarded(ports: Ports, run: Callable[[], Outcome], event: SocketEvent) -> Outcome:
    fields = {"connectionId": event.caller.connection_id}
    try:
        return run()
    except Exception as error:
        ports.logs.write(logs.line(logs.ERROR, "internal-error", fields, error))
        return Outcome(reply(500), event.kind.lower(), fields)
