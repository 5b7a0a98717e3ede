"""The end of every run: tests by kind, and in CI no test may be skipped or expected to fail."""

import os
import signal
import time
from collections import Counter

import pytest
from _pytest.terminal import TerminalReporter
from hypothesis import HealthCheck, settings

# A shell starts background jobs with Ctrl-C ignored, and the programs under test would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes says how busy the machine is.
settings.register_profile("busy", settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")

_PASSED_OVER = ("skipped", "xfailed", "xpassed")


class KindReport:
    """Counts the tests by their folder below ``tests``."""

    def __init__(self, *, in_ci: bool) -> None:
        self._in_ci = in_ci
        self._started = time.monotonic()
        self._passed_over = 0

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail a run in CI that passed over a test."""
        reporter = session.config.pluginmanager.get_plugin("terminalreporter")
        assert isinstance(reporter, TerminalReporter)
        self._passed_over = sum(len(reporter.stats.get(outcome, ())) for outcome in _PASSED_OVER)
        if self._in_ci and self._passed_over and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: TerminalReporter) -> None:
        """Print the figures."""
        kinds: Counter[str] = Counter()
        for outcome in ("passed", "failed", *_PASSED_OVER):
            kinds.update(_kind(report.nodeid) for report in terminalreporter.stats.get(outcome, ()))
        terminalreporter.section("tests by kind")
        for kind, number in sorted(kinds.items()):
            terminalreporter.write_line(f"{kind:10} {number:5}")
        seconds = time.monotonic() - self._started
        terminalreporter.write_line(
            f"{'all':10} {kinds.total():5} in {seconds:.1f} s, {self._passed_over} skipped or expected to fail"
        )
        if self._in_ci and self._passed_over:
            terminalreporter.write_line("In CI every test has to run and to pass: the run fails.", red=True)


def _kind(node: str) -> str:
    parts = node.split("::")[0].split("/")
    return parts[1] if len(parts) > 2 else "tests"


def pytest_configure(config: pytest.Config) -> None:
    """Hook the report in, where the results of all processes come together."""
    if hasattr(config, "workerinput"):
        return
    config.pluginmanager.register(KindReport(in_ci=os.environ.get("CI", "").lower() not in ("", "0", "false")))
