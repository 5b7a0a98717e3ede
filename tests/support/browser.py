"""Chromium for tests, from the system's packages."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import pytest
from playwright.sync_api import Browser, sync_playwright

_NAMES: Final = ("chromium", "google-chrome")
LAUNCH_MS: Final = 120_000
"""As long as a cold machine may take that others work on, too."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser; where there is none the test is left out, except in CI, where it fails."""
    with sync_playwright() as playwright:
        program = next(filter(None, map(shutil.which, _NAMES)), None) or playwright.chromium.executable_path
        if not os.path.exists(program):  # noqa: PTH110
            missing = pytest.fail if os.environ.get("CI") else pytest.skip
            missing("no Chromium here: apt-get install chromium, or .venv/bin/playwright install chromium")
        # Chromium's own sandbox refuses to run as root.
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=program, args=arguments, timeout=LAUNCH_MS)
        try:
            yield browser
        finally:
            browser.close()
