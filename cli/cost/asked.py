"""What the command line was asked: traffic from its options, machines from the program at hand."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from cli.cost.traffic import Machines, Traffic
from cli.errors import UsageError
from infra.config import CONFIG_FILE, LONGEST_WINDOW_MS, SHORTEST_WINDOW_MS, AppConfig, load_config
from trebuche.departures import LONGEST_SECONDS

_SIZE: Final = re.compile(r"(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>B|KB|MB)?", re.IGNORECASE)
_SIZES: Final = {"b": 1, "kb": 1024, "mb": 1024 * 1024}
_MILLISECONDS: Final = re.compile(r"(?P<number>[0-9]{1,4})ms")
ALARMS_BY_FUNCTION: Final = 3
OTHER_ALARMS: Final = 9
"""Two of the API, the stream's age, the delivery's lag, its failures and four tables; each queue has one more, and so
has the table that ``auth`` brings."""
METRICS_BY_FUNCTION: Final = 4
METRICS_BY_ACTOR: Final = 4


def traffic_of(numbers: Mapping[str, float | int | None], size: str | None, window: str | None) -> Traffic | None:
    """The traffic that was described; None when nothing was.

    Raises:
        UsageError: A size or a window that is none.
    """
    given: dict[str, float | int] = {name: value for name, value in numbers.items() if value is not None}
    if size is not None:
        given["size"] = read_size(size)
    if window is not None:
        given["window_ms"] = read_window(window)
    return Traffic(**given) if given else None  # type: ignore[arg-type]  # each option has its field's kind


def read_size(text: str) -> int:
    """Bytes of a text such as ``1KB``; a KB has 1,024.

    Raises:
        UsageError: It is none.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"--size {text!r} is no size; write it like 800B, 1KB or 1.5MB.")
    return round(float(match["number"]) * _SIZES[(match["unit"] or "B").lower()])


def read_window(text: str) -> int:
    """Milliseconds of a text such as ``250ms``, within what trebuche.yaml takes.

    Raises:
        UsageError: It is none, or shorter or longer than a window can be.
    """
    match = _MILLISECONDS.fullmatch(text.strip())
    window_ms = int(match["number"]) if match else 0
    if not SHORTEST_WINDOW_MS <= window_ms <= LONGEST_WINDOW_MS:
        raise UsageError(
            f"--window {text!r} is no window; trebuche.yaml takes milliseconds from {SHORTEST_WINDOW_MS}ms "
            f"to {LONGEST_WINDOW_MS}ms, such as 250ms."
        )
    return window_ms


def machines_of(root: Path) -> Machines:
    """What trebuche.yaml has functions run on; the largest actor stands for all of them.

    Raises:
        ConfigError: The file is wrong; one line per mistake.
    """
    config = load_config(root / CONFIG_FILE)
    actors = [config.actor(name) for name in config.actors]
    stateful = sum(actor.stateful for actor in actors)
    guarded = config.auth is not None
    functions = len(actors) + 2 + guarded
    return Machines(
        actor_mb=max((actor.memory for actor in actors), default=config.defaults.memory),
        websocket_mb=config.defaults.memory,
        processor_mb=config.defaults.memory,
        stateful_actors=stateful,
        rates=_rates(config),
        authorizer_mb=config.defaults.memory if guarded else 0,
        look_seconds=_look_seconds(config),
        alarms=ALARMS_BY_FUNCTION * functions + OTHER_ALARMS + stateful + guarded,
        metrics=METRICS_BY_FUNCTION * functions + METRICS_BY_ACTOR * len(actors),
    )


def _rates(config: AppConfig) -> int:
    """How many rates a frame counts for; without ``auth`` nobody is a principal."""
    return (config.limits.connection is not None) + (config.limits.principal is not None and config.auth is not None)


def _look_seconds(config: AppConfig) -> int:
    """How often each connection is looked at: as late as a message can come, or as soon as silence may be too long."""
    if config.auth is None and not config.delivery.idle_timeout:
        return 0
    return min(LONGEST_SECONDS, config.delivery.idle_timeout or LONGEST_SECONDS)
