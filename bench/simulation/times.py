"""How long the steps of a change take; in seconds."""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Final

import simpy

Process = Generator[simpy.Event, Any, None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """How long each step takes; medians where it varies.

    Args:
        call: From the client's frame to the committed turn.
        stream_least: From the commit to the stream processor, at best.
        stream_most: The same at worst; in between, all is equally likely.
        fan_out: Of an invocation before its first post.
        page: Of one page of subscriptions.
        post: Of one post.
        post_spread: Standard deviation of the logarithm of the call's and the posts' times.
        processor: Of the function's processor for one post; posts share it.
        worker: From a reminder that is due to the worker's first post.
    """

    call: float
    stream_least: float
    stream_most: float
    fan_out: float
    page: float
    post: float
    post_spread: float
    processor: float
    worker: float = 0.1


AWS: Final = Times(
    call=0.030,
    stream_least=0.050,
    stream_most=0.300,
    fan_out=0.020,
    page=0.010,
    post=0.012,
    post_spread=0.5,
    processor=0.0002,
)
"""Warm functions. The stream's and the posts' times are what others report of AWS; nobody here has measured them."""
