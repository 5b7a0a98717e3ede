"""The work of ``trebuche logs``."""

import json
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from cli.account import CLIENT_CONFIG, speaking_to_aws
from cli.deployment import function_name
from cli.errors import CommandError
from cli.output import INTERRUPTED, OK, Output
from cli.pulumi_stack import PulumiStack
from cli.target import deployed_target
from infra.mistakes import nearest
from infra.naming import actor_role, log_group

if TYPE_CHECKING:
    from types_boto3_logs import CloudWatchLogsClient
    from types_boto3_logs.type_defs import FilterLogEventsRequestTypeDef

_OVERLAP_MS = 10_000
"""CloudWatch shows lines late and out of order; so much of the past is read again each time."""
_PERIOD_SECONDS = 1.0
_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_SINCE = re.compile(r"([0-9]{1,6})([smhd])")


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of a function's log.

    Args:
        at_ms: When it was written, in milliseconds since 1970.
        role: The function's role in the stack.
        text: The line.
        event_id: Tells it from all other lines.
    """

    at_ms: int
    role: str
    text: str
    event_id: str

    @property
    def content(self) -> object:
        """The JSON value that the line is, else its text."""
        try:
            return json.loads(self.text)
        except ValueError:
            return self.text


def parse_since(text: str) -> int:
    """``90s``, ``10m``, ``2h`` or ``1d`` in seconds.

    Raises:
        ValueError: It is none of these.
    """
    match = _SINCE.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no period; it looks like 90s, 10m, 2h or 1d")
    return int(match[1]) * _UNITS[match[2]]


def choose_functions(functions: Mapping[str, str], wanted: str | None) -> dict[str, str]:
    """Role to function name of what is wanted: a role, a function's name, an actor's class, or everything for None.

    Raises:
        CommandError: The stack has no such function.
    """
    names = {role: function_name(arn) for role, arn in functions.items()}
    if wanted is None:
        return names
    found = {role: name for role, name in names.items() if wanted in (role, name) or role == actor_role(wanted)}
    if not found:
        hint = nearest(wanted, names) or f"; there are {', '.join(names) or 'none'}"
        raise CommandError(f"There is no function {wanted!r} in this stack{hint}")
    return found


class LogTail:
    """Reads log groups, each line once, in the order of time.

    Args:
        client: CloudWatch Logs.
        functions: Role to function name.
        since_ms: Where to begin, in milliseconds since 1970.
    """

    def __init__(self, client: "CloudWatchLogsClient", functions: Mapping[str, str], since_ms: int) -> None:
        self._client = client
        self._functions = functions
        self._since_ms = since_ms
        self._seen: dict[str, int] = {}

    def read(self) -> list[LogLine]:
        """The lines that were not read before."""
        lines = [line for role, name in self._functions.items() for line in self._group(role, name)]
        new = sorted((line for line in lines if line.event_id not in self._seen), key=lambda line: line.at_ms)
        self._seen.update((line.event_id, line.at_ms) for line in new)
        if self._seen:
            self._since_ms = max(self._since_ms, max(self._seen.values()) - _OVERLAP_MS)
        self._seen = {event: at for event, at in self._seen.items() if at >= self._since_ms}
        return new

    def _group(self, role: str, name: str) -> Iterator[LogLine]:
        request: FilterLogEventsRequestTypeDef = {"logGroupName": log_group(name), "startTime": self._since_ms}
        alike: Counter[str] = Counter()
        while True:
            try:
                page = self._client.filter_log_events(**request)
            except ClientError as error:
                if error.response["Error"]["Code"] == "ResourceNotFoundException":
                    return  # the group was deleted behind the stack's back: there is nothing to read
                raise
            for event in page.get("events", ()):
                at, text = event["timestamp"], event["message"].rstrip()
                # The API promises no eventId (it is no required member): a line is then known by what it says.
                event_id = event.get("eventId") or f"{role} {event.get('logStreamName')} {at} {text}"
                # Equal lines of one moment are told apart by their order.
                alike[event_id] += 1
                yield LogLine(at, role, text, f"{event_id} {alike[event_id]}")
            if not page.get("nextToken"):
                return
            request = {**request, "nextToken": page["nextToken"]}


def print_logs(
    output: Output,
    stack: PulumiStack,
    function: str | None,
    *,
    since_seconds: int,
    follow: bool,
    pause: Callable[[float], None] = time.sleep,
) -> int:
    """Print the functions' logs, with ``follow`` until Ctrl-C; returns the exit code.

    Raises:
        CommandError: The stack is not deployed, has no such function, or AWS cannot be asked.
    """
    target = deployed_target(stack)
    functions = choose_functions(target.deployment.functions, function)
    client = target.session.client("logs", config=CLIENT_CONFIG)
    tail = LogTail(client, functions, int((time.time() - since_seconds) * 1000))
    try:
        while True:
            with speaking_to_aws():
                lines = tail.read()
            for line in lines:
                _print(output, line)
            if not follow:
                break
            pause(_PERIOD_SECONDS)
    except KeyboardInterrupt:
        return INTERRUPTED
    group = log_group(next(iter(functions.values()))) if functions else ""
    output.note(f"The same with the AWS CLI: aws logs tail {group} --region {target.region}")
    return OK


def _print(output: Output, line: LogLine) -> None:
    at = datetime.fromtimestamp(line.at_ms / 1000, UTC)
    stamp = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if output.as_json:
        output.document({"at": stamp, "role": line.role, "line": line.content})
    else:
        output.line(f"{stamp}  {line.role}  {readable(line.content)}")


def readable(content: object) -> str:
    """A structured line as ``LEVEL event key=value``, its traceback below; other lines as they are."""
    if not isinstance(content, dict):
        return content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
    rest = {key: value for key, value in content.items() if key not in ("level", "event", "exception")}
    words = [str(content[key]) for key in ("level", "event") if key in content]
    words += [f"{key}={_plain(value)}" for key, value in rest.items()]
    trace = str(content.get("exception") or "")
    return " ".join(words) + "".join(f"\n    {line}" for line in trace.splitlines())


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
