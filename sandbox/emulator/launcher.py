"""Runs the emulator with what the sandbox adds to it; executed by the emulator's own interpreter.

It is run by its path: that interpreter does not know this checkout, and functions must not find it either.
"""

import os
import sys
from pathlib import Path

CHECKOUT = str(Path(__file__).resolve().parents[2])
OFFSET_FILE = "QUEUE_CLOCK"

if __name__ == "__main__":
    sys.path.append(CHECKOUT)
    from ministack.app import main

    from sandbox.inside import (
        conditions,
        deaths,
        discovery,
        environments,
        invocations,
        items,
        log_filters,
        log_pages,
        logs,
        policies,
        queues,
        reads,
        reports,
        root_invocations,
        starts,
        threads,
        workers,
    )

    sys.path.remove(CHECKOUT)  # what the emulator imports later is not to be found here by chance
    queues.install(Path(os.environ[OFFSET_FILE]))
    threads.install()
    root_invocations.install()
    invocations.install()
    deaths.install()
    environments.install()
    starts.install()
    workers.install()
    logs.install()
    reports.install()
    items.install()
    reads.install()
    conditions.install()
    policies.install()
    discovery.install()
    log_filters.install()
    log_pages.install()
    main()
