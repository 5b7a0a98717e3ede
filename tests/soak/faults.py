"""What goes wrong during a soak, and how often: everything that the runtime has to live with, at once."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from sandbox.handle import FaultsHandle

SETTINGS: Final[Mapping[str, Mapping[str, Any]]] = {
    "killed-before": {"rate": 0.005},
    "killed-during": {"rate": 0.005},
    "duplicated-batch": {"rate": 0.1},
    "overlapping-batch": {"rate": 0.1},
    "stream-lag": {"rate": 0.05, "seconds": 1.5},
    "post-gone": {"rate": 0.01},
    "post-throttled": {"rate": 0.02},
    "post-error": {"rate": 0.01},
    "cut-socket": {"rate": 0.003},
    "lost-disconnect": {"rate": 0.3},
    "throttled-table": {"rate": 0.01},
}


@contextmanager
def faults_on(faults: FaultsHandle, seed: int) -> Iterator[None]:
    """Have all of them on while the block runs."""
    try:
        for name, settings in SETTINGS.items():
            faults.set(name, seed=seed, **settings)
        yield
    finally:
        faults.clear()


def taken(faults: FaultsHandle) -> dict[str, int]:
    """How often each has struck."""
    return {one["name"]: one["set"]["taken"] for one in faults.describe() if one["set"]}
